import type { Migration } from '../migration.ts'

export const migration: Migration = {
  version: 70,
  update: (file) => {
    file.exec(`
      -- Checkpoints by the key of this log that the log was found not to contain. The same is in a file beside the database, which
      -- survives when an older database is put back; this one survives when that file is taken away.
      CREATE TABLE audit_contradiction (
        -- SHA-256 of the signed text of the checkpoint, lower-case hex.
        id TEXT PRIMARY KEY CHECK (length(id) = 64),
        -- One line of that file.
        record TEXT NOT NULL CHECK (length(record) BETWEEN 100 AND 200000)
      ) STRICT;
      CREATE TRIGGER audit_contradiction_no_update BEFORE UPDATE ON audit_contradiction
      BEGIN SELECT RAISE(ABORT, 'audit-append-only: contradictions are never changed'); END;
      CREATE TRIGGER audit_contradiction_no_delete BEFORE DELETE ON audit_contradiction
      BEGIN SELECT RAISE(ABORT, 'audit-append-only: contradictions are never deleted'); END;
      CREATE TRIGGER audit_contradiction_once BEFORE INSERT ON audit_contradiction
      BEGIN SELECT RAISE(ABORT, 'audit-append-only: this contradiction is stored already') WHERE EXISTS (SELECT 1 FROM audit_contradiction WHERE id = NEW.id); END;

      -- Findings between a device's log and ours that a person has to explain: which are open. What they are the audit log says.
      CREATE TABLE device_incident (
        name TEXT PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 300),
        device_serial TEXT NOT NULL CHECK (length(device_serial) BETWEEN 1 AND 64),
        opened_seq INTEGER NOT NULL UNIQUE REFERENCES audit_entry (seq),
        closed_seq INTEGER UNIQUE REFERENCES audit_entry (seq) CHECK (closed_seq > opened_seq)
      ) STRICT;
      CREATE INDEX device_incident_open ON device_incident (opened_seq) WHERE closed_seq IS NULL;
      CREATE TRIGGER device_incident_closed_once BEFORE UPDATE ON device_incident
      WHEN OLD.closed_seq IS NOT NULL OR NEW.closed_seq IS NULL OR NEW.name IS NOT OLD.name
        OR NEW.device_serial IS NOT OLD.device_serial OR NEW.opened_seq IS NOT OLD.opened_seq
      BEGIN SELECT RAISE(ABORT, 'device-incident: one is closed, once, and nothing else of it changes'); END;
      CREATE TRIGGER device_incident_no_delete BEFORE DELETE ON device_incident
      BEGIN SELECT RAISE(ABORT, 'device-incident: none is deleted'); END;
      CREATE TRIGGER device_incident_opened_once BEFORE INSERT ON device_incident
      BEGIN SELECT RAISE(ABORT, 'device-incident: one is opened once, and open') WHERE NEW.closed_seq IS NOT NULL OR EXISTS (SELECT 1 FROM device_incident WHERE name = NEW.name OR opened_seq = NEW.opened_seq); END;
    `)
  },
}
