import type { Migration } from '../migration.ts'

export const migration: Migration = {
  version: 40,
  update: (file) => {
    file.exec(`
      -- The key that signs this log's checkpoints; its name is the log's origin. Made once.
      CREATE TABLE audit_log_key (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        vkey TEXT NOT NULL CHECK (length(vkey) BETWEEN 50 AND 1000),
        at TEXT NOT NULL CHECK (length(at) = 24)
      ) STRICT;
      CREATE TRIGGER audit_log_key_no_update BEFORE UPDATE ON audit_log_key
      BEGIN SELECT RAISE(ABORT, 'audit-append-only: the key of the log is never changed'); END;
      CREATE TRIGGER audit_log_key_no_delete BEFORE DELETE ON audit_log_key
      BEGIN SELECT RAISE(ABORT, 'audit-append-only: the key of the log is never deleted'); END;
      CREATE TRIGGER audit_log_key_once BEFORE INSERT ON audit_log_key
      BEGIN SELECT RAISE(ABORT, 'audit-append-only: the log has a key already') WHERE EXISTS (SELECT 1 FROM audit_log_key); END;

      -- Signed notes, docs/formats/checkpoint.md.
      CREATE TABLE audit_checkpoint (
        -- Entries that it covers.
        size INTEGER PRIMARY KEY CHECK (size > 0),
        note TEXT NOT NULL CHECK (length(note) BETWEEN 100 AND 65536),
        at TEXT NOT NULL CHECK (length(at) = 24)
      ) STRICT;
      CREATE TRIGGER audit_checkpoint_no_update BEFORE UPDATE ON audit_checkpoint
      BEGIN SELECT RAISE(ABORT, 'audit-append-only: checkpoints are never changed'); END;
      CREATE TRIGGER audit_checkpoint_no_delete BEFORE DELETE ON audit_checkpoint
      BEGIN SELECT RAISE(ABORT, 'audit-append-only: checkpoints are never deleted'); END;
      CREATE TRIGGER audit_checkpoint_next_only BEFORE INSERT ON audit_checkpoint
      BEGIN
        SELECT RAISE(ABORT, 'audit-append-only: a checkpoint covers more than the one before')
        WHERE NEW.size <= (SELECT coalesce(max(size), 0) FROM audit_checkpoint);
        SELECT RAISE(ABORT, 'audit-append-only: a checkpoint covers entries that are there')
        WHERE NEW.size > (SELECT coalesce(max(seq), 0) FROM audit_entry);
      END;

      -- Signature lines of witnesses on a checkpoint.
      CREATE TABLE audit_cosignature (
        size INTEGER NOT NULL REFERENCES audit_checkpoint (size),
        witness TEXT NOT NULL CHECK (length(witness) BETWEEN 1 AND 400),
        line TEXT NOT NULL CHECK (length(line) BETWEEN 10 AND 2000),
        at TEXT NOT NULL CHECK (length(at) = 24),
        PRIMARY KEY (size, witness)
      ) STRICT;
      CREATE TRIGGER audit_cosignature_no_update BEFORE UPDATE ON audit_cosignature
      BEGIN SELECT RAISE(ABORT, 'audit-append-only: cosignatures are never changed'); END;
      CREATE TRIGGER audit_cosignature_no_delete BEFORE DELETE ON audit_cosignature
      BEGIN SELECT RAISE(ABORT, 'audit-append-only: cosignatures are never deleted'); END;
      CREATE TRIGGER audit_cosignature_once BEFORE INSERT ON audit_cosignature
      BEGIN SELECT RAISE(ABORT, 'audit-append-only: this witness has cosigned this checkpoint already') WHERE EXISTS (SELECT 1 FROM audit_cosignature WHERE size = NEW.size AND witness = NEW.witness); END;

      -- Hashes of complete subtrees of 2^level entries: so that the right edge and a proof are found without reading every
      -- entry. They repeat what the entries say and are no evidence.
      CREATE TABLE audit_node (
        level INTEGER NOT NULL CHECK (level IN (8, 16, 24, 32)),
        position INTEGER NOT NULL CHECK (position >= 0),
        hash BLOB NOT NULL CHECK (length(hash) = 32),
        PRIMARY KEY (level, position)
      ) STRICT, WITHOUT ROWID;
      CREATE TRIGGER audit_node_no_update BEFORE UPDATE ON audit_node
      BEGIN SELECT RAISE(ABORT, 'audit-append-only: tree hashes are never changed'); END;
      CREATE TRIGGER audit_node_no_delete BEFORE DELETE ON audit_node
      BEGIN SELECT RAISE(ABORT, 'audit-append-only: tree hashes are never deleted'); END;
      CREATE TRIGGER audit_node_next_only BEFORE INSERT ON audit_node
      BEGIN
        SELECT RAISE(ABORT, 'audit-append-only: tree hashes are written in order')
        WHERE NEW.position IS NOT (SELECT coalesce(max(position), -1) + 1 FROM audit_node WHERE level = NEW.level);
      END;
    `)
  },
}
