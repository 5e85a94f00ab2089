import type { Migration } from '../migration.ts'

export const migration: Migration = {
  version: 130,
  update: (file) => {
    file.exec(`
      -- What was signed last, for the next one to be compared with. No proof of anything: that is in the log.
      CREATE TABLE signed_upload (
        request_id TEXT PRIMARY KEY REFERENCES request (id),
        source TEXT NOT NULL CHECK (length(source) BETWEEN 1 AND 500),
        version TEXT NOT NULL CHECK (length(version) BETWEEN 1 AND 500),
        distribution TEXT NOT NULL,
        -- Names and sizes of its files, as JSON.
        files TEXT NOT NULL CHECK (json_valid(files)),
        signed_at TEXT NOT NULL CHECK (length(signed_at) = 24)
      ) STRICT;
      CREATE INDEX signed_upload_of_source ON signed_upload (source, signed_at);

      -- One for each suite: the text is large, and only the last one is compared.
      CREATE TABLE signed_release (
        suite TEXT PRIMARY KEY CHECK (length(suite) BETWEEN 1 AND 2000),
        request_id TEXT NOT NULL REFERENCES request (id),
        release_date TEXT CHECK (length(release_date) = 24),
        release BLOB NOT NULL CHECK (length(release) BETWEEN 1 AND 33554432),
        signed_at TEXT NOT NULL CHECK (length(signed_at) = 24)
      ) STRICT;
    `)
  },
}
