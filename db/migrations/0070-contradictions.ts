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
    `)
  },
}
