import type { Migration } from '../migration.ts'

export const migration: Migration = {
  version: 150,
  update: (file) => {
    file.exec(`
      -- Where the public key of each registered key was last read. For the operator who looks for a token; no evidence of anything.
      CREATE TABLE key_sighting (
        purpose TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        at TEXT NOT NULL CHECK (length(at) = 24),
        token_label TEXT NOT NULL CHECK (length(token_label) <= 64),
        module TEXT NOT NULL CHECK (length(module) BETWEEN 1 AND 4096),
        PRIMARY KEY (purpose, fingerprint),
        FOREIGN KEY (purpose, fingerprint) REFERENCES signing_key (purpose, fingerprint)
      ) STRICT, WITHOUT ROWID;
    `)
  },
}
