import type { Migration } from '../migration.ts'

/** `audit_index.kind`: which member of an entry its `value` is. The same numbers as in db/audit-index.ts. */
const columns = [
  [1, 'event'],
  [2, 'purpose'],
  [3, 'operator'],
  [4, 'fingerprint'],
  [5, 'request_id'],
  [6, 'work_request_id'],
] as const

export const migration: Migration = {
  version: 60,
  update: (file) => {
    file.exec(`
      -- Each index of audit_entry is a page more that is written and synced with every entry. Entries are looked up here instead,
      -- and come here after the signing, in order (src/main/audit/entry-index.ts).
      -- Repeats what the entries say and is no evidence; the check of the log compares it.
      CREATE TABLE audit_index (
        -- 1 event, 2 purpose, 3 operator, 4 fingerprint, 5 request, 6 work request, 7 the first 16 hexadecimal digits of a digest,
        -- 8 the time of an entry before which the clock went back.
        kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 8),
        value TEXT NOT NULL CHECK (length(value) BETWEEN 1 AND 200),
        seq INTEGER NOT NULL CHECK (seq > 0),
        PRIMARY KEY (kind, value, seq)
      ) STRICT, WITHOUT ROWID;
    `)
    // Each in the order of the table, where it can be from the index that it replaces: a million entries take seconds.
    for (const [kind, column] of columns)
      file.exec(`INSERT INTO audit_index SELECT ${kind}, CAST(${column} AS TEXT) AS value, seq FROM audit_entry
        WHERE ${column} IS NOT NULL ORDER BY value, seq`)
    file.exec(`
      INSERT INTO audit_index SELECT 7, prefix, seq FROM (
          SELECT substr(input_sha256, 1, 16) AS prefix, seq FROM audit_entry UNION
          SELECT substr(output_sha256, 1, 16), seq FROM audit_entry UNION
          SELECT substr(signed_digest, 1, 16), seq FROM audit_entry UNION
          SELECT substr(sheet_digest, 1, 16), seq FROM audit_entry)
        WHERE prefix IS NOT NULL ORDER BY prefix, seq;
      INSERT INTO audit_index SELECT 8, at, seq FROM (SELECT at, seq, lag(at) OVER (ORDER BY seq) AS earlier FROM audit_entry)
        WHERE at < earlier ORDER BY at, seq;

      -- The last entry that is in audit_index.
      CREATE TABLE audit_index_reach (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        seq INTEGER NOT NULL CHECK (seq >= 0)
      ) STRICT;
      INSERT INTO audit_index_reach SELECT 1, coalesce(max(seq), 0) FROM audit_entry;

      CREATE TRIGGER audit_index_no_update BEFORE UPDATE ON audit_index
      BEGIN SELECT RAISE(ABORT, 'audit-append-only: what entries are found by is never changed'); END;
      CREATE TRIGGER audit_index_no_delete BEFORE DELETE ON audit_index
      BEGIN SELECT RAISE(ABORT, 'audit-append-only: what entries are found by is never deleted'); END;
      CREATE TRIGGER audit_index_behind_only BEFORE INSERT ON audit_index
      BEGIN
        SELECT RAISE(ABORT, 'audit-append-only: what this entry is found by was written already')
        WHERE NEW.seq <= (SELECT seq FROM audit_index_reach);
        SELECT RAISE(ABORT, 'audit-append-only: there is no such entry yet')
        WHERE NEW.seq > (SELECT coalesce(max(seq), 0) FROM audit_entry);
      END;

      CREATE TRIGGER audit_index_reach_forward BEFORE UPDATE ON audit_index_reach
      BEGIN
        SELECT RAISE(ABORT, 'audit-append-only: the reach of the index only grows')
        WHERE NEW.id <> OLD.id OR NEW.seq < OLD.seq OR NEW.seq > (SELECT coalesce(max(seq), 0) FROM audit_entry);
      END;
      CREATE TRIGGER audit_index_reach_no_delete BEFORE DELETE ON audit_index_reach
      BEGIN SELECT RAISE(ABORT, 'audit-append-only: the reach of the index is never deleted'); END;
      CREATE TRIGGER audit_index_reach_once BEFORE INSERT ON audit_index_reach
      BEGIN SELECT RAISE(ABORT, 'audit-append-only: the reach of the index is there already') WHERE EXISTS (SELECT 1 FROM audit_index_reach); END;

      DROP TABLE audit_digest;
      DROP TABLE audit_digest_reach;
      DROP INDEX audit_entry_at;
      DROP INDEX audit_entry_event;
      DROP INDEX audit_entry_operator;
      DROP INDEX audit_entry_request;
      DROP INDEX audit_entry_work_request;
      DROP INDEX audit_entry_fingerprint;
      DROP INDEX audit_entry_purpose;
      DROP INDEX audit_entry_sheet;
    `)
  },
}
