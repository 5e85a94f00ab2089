import type { Migration } from '../migration.ts'

export const migration: Migration = {
  version: 100,
  update: (file) => {
    file.exec(`
      -- Each key that somebody set out to make on a token, and how it ended (docs/flows/generate-key.md).
      CREATE TABLE key_generation (
        id TEXT PRIMARY KEY CHECK (length(id) = 36),
        -- The request that asked for it. Null: made by hand.
        request_id TEXT REFERENCES request (id),
        -- What was chosen, as JSON: never a PIN.
        plan TEXT NOT NULL CHECK (json_valid(plan)),
        token_serial TEXT NOT NULL CHECK (length(token_serial) BETWEEN 1 AND 32),
        cka_id TEXT NOT NULL CHECK (length(cka_id) > 0 AND cka_id NOT GLOB '*[^0-9a-f]*'),
        state TEXT NOT NULL CHECK (state IN ('intended', 'made', 'awaiting-certificate', 'registered', 'failed', 'incident', 'closed')),
        intent_seq INTEGER NOT NULL REFERENCES audit_entry (seq),
        -- SubjectPublicKeyInfo (DER) of the key that was made, and its SHA-256.
        spki BLOB CHECK (length(spki) BETWEEN 32 AND 1024),
        spki_sha256 TEXT CHECK (length(spki_sha256) = 64),
        certificate_request TEXT CHECK (length(certificate_request) <= 16384),
        fingerprint TEXT,
        -- JSON of the failure for which the certificate is only here and not on the token.
        certificate_not_on_token TEXT CHECK (json_valid(certificate_not_on_token)),
        failure TEXT CHECK (json_valid(failure)),
        operator TEXT NOT NULL,
        begun_at TEXT NOT NULL CHECK (length(begun_at) = 24),
        updated_at TEXT NOT NULL CHECK (length(updated_at) = 24),
        CHECK ((spki IS NULL) = (spki_sha256 IS NULL)),
        CHECK (state NOT IN ('made', 'awaiting-certificate', 'registered') OR spki IS NOT NULL),
        CHECK (state <> 'awaiting-certificate' OR certificate_request IS NOT NULL),
        CHECK ((state = 'registered') = (fingerprint IS NOT NULL))
      ) STRICT;
      -- While one is open, nobody begins another under the same id of the token, and a request has one key.
      CREATE UNIQUE INDEX key_generation_place ON key_generation (token_serial, cka_id)
        WHERE state IN ('intended', 'made', 'awaiting-certificate', 'incident');
      CREATE UNIQUE INDEX key_generation_of_request ON key_generation (request_id)
        WHERE request_id IS NOT NULL AND state NOT IN ('failed', 'closed');
      CREATE TRIGGER key_generation_begins BEFORE INSERT ON key_generation
      BEGIN
        SELECT RAISE(ABORT, 'key-generation-forward: it begins with its intent') WHERE NEW.state <> 'intended' OR NEW.spki IS NOT NULL;
        SELECT RAISE(ABORT, 'key-generation-once: there is one of this id') WHERE EXISTS (SELECT 1 FROM key_generation WHERE id = NEW.id);
      END;
      CREATE TRIGGER key_generation_forward BEFORE UPDATE OF state ON key_generation WHEN OLD.state <> NEW.state
      BEGIN
        SELECT RAISE(ABORT, 'key-generation-forward: this does not follow')
        WHERE NOT (
          (OLD.state = 'intended' AND NEW.state IN ('made', 'failed', 'incident'))
          OR (OLD.state = 'made' AND NEW.state IN ('awaiting-certificate', 'registered', 'closed'))
          OR (OLD.state = 'awaiting-certificate' AND NEW.state IN ('registered', 'closed'))
          OR (OLD.state = 'incident' AND NEW.state = 'closed'));
      END;
      CREATE TRIGGER key_generation_identity BEFORE UPDATE OF id, request_id, plan, token_serial, cka_id, intent_seq, operator, begun_at ON key_generation
      BEGIN SELECT RAISE(ABORT, 'key-generation-identity: what was intended never changes'); END;
      CREATE TRIGGER key_generation_key BEFORE UPDATE OF spki, spki_sha256 ON key_generation WHEN OLD.spki IS NOT NULL
      BEGIN SELECT RAISE(ABORT, 'key-generation-identity: the key that was made never becomes another'); END;
      CREATE TRIGGER key_generation_kept BEFORE DELETE ON key_generation
      BEGIN SELECT RAISE(ABORT, 'key-generation-kept: an act on a key store is never forgotten'); END;

      -- Assets of registered keys at servers: what was made there, so that it is not made twice.
      CREATE TABLE key_asset (
        server TEXT NOT NULL,
        fingerprint TEXT NOT NULL CHECK (length(fingerprint) IN (40, 64)),
        asset_id INTEGER NOT NULL CHECK (asset_id > 0),
        workspace TEXT NOT NULL,
        made_at TEXT NOT NULL CHECK (length(made_at) = 24),
        PRIMARY KEY (server, fingerprint)
      ) STRICT, WITHOUT ROWID;
    `)
  },
}
