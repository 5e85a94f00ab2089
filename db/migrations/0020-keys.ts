import type { Migration } from '../migration.ts'

export const migration: Migration = {
  version: 20,
  update: (file) => {
    file.exec(`
      CREATE TABLE signing_key (
        id INTEGER PRIMARY KEY,
        purpose TEXT NOT NULL CHECK (length(purpose) BETWEEN 1 AND 64),
        -- Upper-case hex without colons, as debusine writes it.
        fingerprint TEXT NOT NULL CHECK (length(fingerprint) IN (40, 64) AND fingerprint NOT GLOB '*[^0-9A-F]*'),
        private_key TEXT NOT NULL CHECK (json_valid(private_key)),
        public_key BLOB NOT NULL CHECK (length(public_key) BETWEEN 1 AND 65536),
        created_at TEXT NOT NULL CHECK (length(created_at) = 24),
        updated_at TEXT NOT NULL CHECK (length(updated_at) = 24),
        description TEXT NOT NULL CHECK (length(description) BETWEEN 1 AND 200),
        state TEXT NOT NULL CHECK (state IN ('active', 'suspended', 'retired', 'destroyed')),
        production INTEGER NOT NULL CHECK (production IN (0, 1)),
        origin TEXT NOT NULL CHECK (origin IN ('generated', 'imported', 'unknown', 'software')),
        algorithm TEXT NOT NULL CHECK (length(algorithm) BETWEEN 1 AND 32),
        -- SHA-256 of the SubjectPublicKeyInfo: what the token must give back before it is asked to sign.
        spki_sha256 TEXT NOT NULL CHECK (length(spki_sha256) = 64),
        token_manufacturer TEXT,
        token_model TEXT,
        token_serial TEXT CHECK (length(token_serial) > 0),
        cka_id TEXT CHECK (length(cka_id) > 0 AND cka_id NOT GLOB '*[^0-9a-f]*'),
        UNIQUE (purpose, fingerprint),
        -- A key is on a token, with all that names it there, or sealed in this row; never both, never neither.
        CHECK (
          (json_extract(private_key, '$.storage') = 'pkcs11-static'
            AND token_manufacturer IS NOT NULL AND token_model IS NOT NULL AND token_serial IS NOT NULL AND cka_id IS NOT NULL)
          OR (json_extract(private_key, '$.storage') = 'nacl' AND origin = 'software'
            AND token_manufacturer IS NULL AND token_model IS NULL AND token_serial IS NULL AND cka_id IS NULL)
        )
      ) STRICT;

      -- What a key is never changes; only its state and what people call it do.
      CREATE TRIGGER signing_key_identity BEFORE UPDATE OF id, purpose, fingerprint, public_key, spki_sha256, origin, created_at ON signing_key
      BEGIN SELECT RAISE(ABORT, 'signing-key-identity: a key never becomes another key'); END;
    `)
  },
}
