import type { Migration } from '../migration.ts'

export const migration: Migration = {
  version: 140,
  update: (file) => {
    file.exec(`
      -- Key ceremonies (docs/flows/ceremony.md): what was planned, and how each ended.
      CREATE TABLE ceremony (
        id TEXT PRIMARY KEY CHECK (length(id) = 36),
        -- The script as its file has it, and its SHA-256.
        script BLOB NOT NULL CHECK (length(script) BETWEEN 2 AND 524288),
        script_sha256 TEXT NOT NULL CHECK (length(script_sha256) = 64),
        -- JSON: the script with its parameters filled in, and the parameters.
        plan TEXT NOT NULL CHECK (json_valid(plan)),
        plan_sha256 TEXT NOT NULL CHECK (length(plan_sha256) = 64),
        title TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('open', 'completed', 'abandoned')),
        begun_at TEXT NOT NULL CHECK (length(begun_at) = 24),
        ended_at TEXT CHECK (length(ended_at) = 24),
        -- Canonical JSON; sealed into the log by its digest.
        transcript BLOB,
        transcript_sha256 TEXT CHECK (length(transcript_sha256) = 64),
        sealed_seq INTEGER REFERENCES audit_entry (seq),
        CHECK ((state = 'open') = (transcript IS NULL)),
        CHECK ((transcript IS NULL) = (transcript_sha256 IS NULL)),
        CHECK ((transcript IS NULL) = (sealed_seq IS NULL)),
        CHECK ((transcript IS NULL) = (ended_at IS NULL))
      ) STRICT;
      -- One at a time.
      CREATE UNIQUE INDEX ceremony_open ON ceremony (state) WHERE state = 'open';
      CREATE TRIGGER ceremony_begins BEFORE INSERT ON ceremony
      BEGIN
        SELECT RAISE(ABORT, 'ceremony-forward: it begins open') WHERE NEW.state <> 'open';
        SELECT RAISE(ABORT, 'ceremony-once: there is one of this id') WHERE EXISTS (SELECT 1 FROM ceremony WHERE id = NEW.id);
      END;
      CREATE TRIGGER ceremony_identity BEFORE UPDATE OF id, script, script_sha256, plan, plan_sha256, title, begun_at ON ceremony
      BEGIN SELECT RAISE(ABORT, 'ceremony-identity: what was planned never changes'); END;
      CREATE TRIGGER ceremony_sealed BEFORE UPDATE ON ceremony WHEN OLD.state <> 'open'
      BEGIN SELECT RAISE(ABORT, 'ceremony-sealed: what ended never changes'); END;
      CREATE TRIGGER ceremony_kept BEFORE DELETE ON ceremony
      BEGIN SELECT RAISE(ABORT, 'ceremony-kept: a ceremony is never forgotten'); END;

      -- What happened, in order. Each is one entry of the log, which has its digest.
      CREATE TABLE ceremony_record (
        ceremony_id TEXT NOT NULL REFERENCES ceremony (id),
        n INTEGER NOT NULL CHECK (n > 0),
        audit_seq INTEGER NOT NULL UNIQUE REFERENCES audit_entry (seq),
        record TEXT NOT NULL CHECK (json_valid(record) AND length(record) <= 262144),
        PRIMARY KEY (ceremony_id, n)
      ) STRICT, WITHOUT ROWID;
      CREATE TRIGGER ceremony_record_next BEFORE INSERT ON ceremony_record
      BEGIN
        SELECT RAISE(ABORT, 'ceremony-record-next: records follow each other')
        WHERE NEW.n <> 1 + (SELECT COUNT(*) FROM ceremony_record WHERE ceremony_id = NEW.ceremony_id);
        SELECT RAISE(ABORT, 'ceremony-sealed: what ended never changes')
        WHERE (SELECT state FROM ceremony WHERE id = NEW.ceremony_id) <> 'open';
      END;
      CREATE TRIGGER ceremony_record_final BEFORE UPDATE ON ceremony_record
      BEGIN SELECT RAISE(ABORT, 'ceremony-record-final: a record never changes'); END;
      CREATE TRIGGER ceremony_record_kept BEFORE DELETE ON ceremony_record
      BEGIN SELECT RAISE(ABORT, 'ceremony-record-kept: a record is never forgotten'); END;

      -- Files of the evidence: certificates, requests, signatures, wrapped backups. Nothing secret in clear.
      CREATE TABLE ceremony_file (
        ceremony_id TEXT NOT NULL,
        n INTEGER NOT NULL,
        name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 101),
        sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
        content BLOB NOT NULL CHECK (length(content) <= 1048576),
        PRIMARY KEY (ceremony_id, name),
        FOREIGN KEY (ceremony_id, n) REFERENCES ceremony_record (ceremony_id, n)
      ) STRICT, WITHOUT ROWID;
      CREATE TRIGGER ceremony_file_once BEFORE INSERT ON ceremony_file
      WHEN EXISTS (SELECT 1 FROM ceremony_file WHERE ceremony_id = NEW.ceremony_id AND name = NEW.name)
      BEGIN SELECT RAISE(ABORT, 'ceremony-file-once: a file never takes the place of another'); END;
      CREATE TRIGGER ceremony_file_final BEFORE UPDATE ON ceremony_file
      BEGIN SELECT RAISE(ABORT, 'ceremony-file-final: a file of the evidence never changes'); END;
      CREATE TRIGGER ceremony_file_kept BEFORE DELETE ON ceremony_file
      BEGIN SELECT RAISE(ABORT, 'ceremony-file-kept: evidence is never forgotten'); END;
    `)
  },
}
