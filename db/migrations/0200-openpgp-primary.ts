import type { Migration } from '../migration.ts'

export const migration: Migration = {
  version: 200,
  update: (file) => {
    file.exec(`
      -- Primary keys whose certificates were made here with a signing subkey: signing_key has the key that signs, this one certifies.
      CREATE TABLE openpgp_primary (
        purpose TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        algorithm TEXT NOT NULL CHECK (length(algorithm) BETWEEN 1 AND 64),
        -- A token's key is the primary key of one certificate.
        spki_sha256 TEXT NOT NULL UNIQUE CHECK (length(spki_sha256) = 64 AND spki_sha256 NOT GLOB '*[^0-9a-f]*'),
        -- Its creation time, seconds since 1970, which is part of the fingerprint.
        created INTEGER NOT NULL CHECK (created BETWEEN 1 AND 4294967295),
        token_manufacturer TEXT NOT NULL,
        token_model TEXT NOT NULL,
        token_serial TEXT NOT NULL CHECK (length(token_serial) BETWEEN 1 AND 64),
        cka_id TEXT NOT NULL CHECK (length(cka_id) BETWEEN 2 AND 256),
        at TEXT NOT NULL CHECK (length(at) = 24),
        PRIMARY KEY (purpose, fingerprint),
        FOREIGN KEY (purpose, fingerprint) REFERENCES signing_key (purpose, fingerprint)
      ) STRICT, WITHOUT ROWID;
      CREATE TRIGGER openpgp_primary_begins BEFORE INSERT ON openpgp_primary
      BEGIN
        SELECT RAISE(ABORT, 'openpgp-primary-not-subkey: a key is no subkey of its own, nor the primary key where it signs') WHERE EXISTS (
          SELECT 1 FROM signing_key AS k JOIN openpgp_certificate AS c ON c.purpose = k.purpose AND c.fingerprint = k.fingerprint
          WHERE k.spki_sha256 = NEW.spki_sha256);
        SELECT RAISE(ABORT, 'openpgp-primary-signs-itself: the certificate has no signing subkey') WHERE NOT EXISTS (
          SELECT 1 FROM openpgp_certificate AS c
          WHERE c.purpose = NEW.purpose AND c.fingerprint = NEW.fingerprint AND c.signing_fingerprint <> c.fingerprint);
        SELECT RAISE(ABORT, 'openpgp-primary-one-subkey: the key that signs has another certificate') WHERE EXISTS (
          SELECT 1 FROM signing_key AS mine
          JOIN signing_key AS other ON other.spki_sha256 = mine.spki_sha256 AND other.fingerprint <> mine.fingerprint
          JOIN openpgp_certificate AS c ON c.purpose = other.purpose AND c.fingerprint = other.fingerprint
          WHERE mine.purpose = NEW.purpose AND mine.fingerprint = NEW.fingerprint);
        SELECT RAISE(ABORT, 'openpgp-primary-kept: it is written once') WHERE EXISTS (
          SELECT 1 FROM openpgp_primary AS p
          WHERE (p.purpose = NEW.purpose AND p.fingerprint = NEW.fingerprint) OR p.spki_sha256 = NEW.spki_sha256);
      END;
      CREATE TRIGGER openpgp_primary_unchanged BEFORE UPDATE ON openpgp_primary
      BEGIN SELECT RAISE(ABORT, 'openpgp-primary-kept: where a primary key is never becomes another place'); END;
      CREATE TRIGGER openpgp_primary_kept BEFORE DELETE ON openpgp_primary
      BEGIN SELECT RAISE(ABORT, 'openpgp-primary-kept: it is never forgotten'); END;
    `)
  },
}
