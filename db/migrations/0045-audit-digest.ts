import type { Migration } from '../migration.ts'

export const migration: Migration = {
  version: 45,
  update: (file) => {
    file.exec(`
      -- Digests are random: an index of each kind costs a page for every row, written and synced between two signatures. They
      -- are looked up here instead, and come here after the signing, in order (src/main/audit/digest-index.ts).
      DROP INDEX audit_entry_input;
      DROP INDEX audit_entry_output;
      DROP INDEX audit_entry_signed;

      -- Repeats what the entries say and is no evidence; the check of the log compares it.
      CREATE TABLE audit_digest (
        -- The first 16 hexadecimal digits of a digest of the entry.
        prefix TEXT NOT NULL CHECK (length(prefix) = 16),
        seq INTEGER NOT NULL CHECK (seq > 0),
        PRIMARY KEY (prefix, seq)
      ) STRICT, WITHOUT ROWID;
      CREATE TRIGGER audit_digest_no_update BEFORE UPDATE ON audit_digest
      BEGIN SELECT RAISE(ABORT, 'audit-append-only: digests of entries are never changed'); END;
      CREATE TRIGGER audit_digest_no_delete BEFORE DELETE ON audit_digest
      BEGIN SELECT RAISE(ABORT, 'audit-append-only: digests of entries are never deleted'); END;

      -- The last entry whose digests are in audit_digest.
      CREATE TABLE audit_digest_reach (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        seq INTEGER NOT NULL CHECK (seq >= 0)
      ) STRICT;
      INSERT INTO audit_digest_reach VALUES (1, 0);
      CREATE TRIGGER audit_digest_reach_forward BEFORE UPDATE ON audit_digest_reach
      BEGIN
        SELECT RAISE(ABORT, 'audit-append-only: the reach of the digests only grows')
        WHERE NEW.id <> OLD.id OR NEW.seq < OLD.seq OR NEW.seq > (SELECT coalesce(max(seq), 0) FROM audit_entry);
      END;
      CREATE TRIGGER audit_digest_reach_no_delete BEFORE DELETE ON audit_digest_reach
      BEGIN SELECT RAISE(ABORT, 'audit-append-only: the reach of the digests is never deleted'); END;
      CREATE TRIGGER audit_digest_reach_once BEFORE INSERT ON audit_digest_reach
      BEGIN SELECT RAISE(ABORT, 'audit-append-only: the reach of the digests is there already') WHERE EXISTS (SELECT 1 FROM audit_digest_reach); END;
    `)
  },
}
