import type { Migration } from '../migration.ts'

export const migration: Migration = {
  version: 10,
  update: (file) => {
    file.exec(`
      CREATE TABLE audit_entry (
        -- Counted from 1 without gaps; the trigger below demands it.
        seq INTEGER PRIMARY KEY CHECK (seq > 0),
        -- Canonical bytes, docs/formats/audit-entry.md. All that follows leaf_hash repeats parts of them.
        entry BLOB NOT NULL CHECK (length(entry) BETWEEN 2 AND 262144),
        leaf_hash BLOB NOT NULL CHECK (length(leaf_hash) = 32),
        prev_hash BLOB NOT NULL CHECK (length(prev_hash) = 32),
        at TEXT NOT NULL CHECK (length(at) = 24),
        event TEXT NOT NULL CHECK (length(event) BETWEEN 1 AND 40),
        request_id TEXT CHECK (length(request_id) = 36),
        work_request_id INTEGER CHECK (work_request_id > 0),
        fingerprint TEXT CHECK (length(fingerprint) IN (40, 64)),
        purpose TEXT CHECK (length(purpose) BETWEEN 1 AND 64),
        operator TEXT CHECK (length(operator) BETWEEN 1 AND 200),
        input_sha256 TEXT CHECK (length(input_sha256) = 64),
        output_sha256 TEXT CHECK (length(output_sha256) = 64),
        signed_digest TEXT CHECK (length(signed_digest) BETWEEN 64 AND 128),
        sheet_digest TEXT CHECK (length(sheet_digest) = 64)
      ) STRICT;

      CREATE INDEX audit_entry_at ON audit_entry (at);
      CREATE INDEX audit_entry_event ON audit_entry (event);
      CREATE INDEX audit_entry_operator ON audit_entry (operator) WHERE operator IS NOT NULL;
      CREATE INDEX audit_entry_request ON audit_entry (request_id) WHERE request_id IS NOT NULL;
      CREATE INDEX audit_entry_work_request ON audit_entry (work_request_id) WHERE work_request_id IS NOT NULL;
      CREATE INDEX audit_entry_fingerprint ON audit_entry (fingerprint) WHERE fingerprint IS NOT NULL;
      CREATE INDEX audit_entry_input ON audit_entry (input_sha256) WHERE input_sha256 IS NOT NULL;
      CREATE INDEX audit_entry_output ON audit_entry (output_sha256) WHERE output_sha256 IS NOT NULL;
      CREATE INDEX audit_entry_signed ON audit_entry (signed_digest) WHERE signed_digest IS NOT NULL;
      CREATE INDEX audit_entry_sheet ON audit_entry (sheet_digest) WHERE sheet_digest IS NOT NULL;

      CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry
      BEGIN SELECT RAISE(ABORT, 'audit-append-only: entries are never changed'); END;

      CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry
      BEGIN SELECT RAISE(ABORT, 'audit-append-only: entries are never deleted'); END;

      -- REPLACE deletes without firing delete triggers unless recursive_triggers is on, but it cannot get past this one: an
      -- existing number is never the next number. An INSERT without seq shows -1 here and is refused as well.
      CREATE TRIGGER audit_entry_next_only BEFORE INSERT ON audit_entry
      BEGIN
        SELECT RAISE(ABORT, 'audit-append-only: only the next number may be written')
        WHERE NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit_entry);
        SELECT RAISE(ABORT, 'audit-append-only: the entry does not follow the head')
        WHERE NEW.prev_hash IS NOT coalesce((SELECT leaf_hash FROM audit_entry ORDER BY seq DESC LIMIT 1), zeroblob(32));
      END;

      CREATE TABLE setting (
        name TEXT PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 100),
        value TEXT NOT NULL CHECK (json_valid(value)),
        updated_at TEXT NOT NULL CHECK (length(updated_at) = 24)
      ) STRICT, WITHOUT ROWID;
    `)
  },
}
