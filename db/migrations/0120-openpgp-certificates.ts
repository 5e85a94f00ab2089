import type { Migration } from '../migration.ts'

export const migration: Migration = {
  version: 120,
  update: (file) => {
    file.exec(`
      -- The certificates of OpenPGP keys, each as it became: the newest counts (docs/formats/openpgp.md).
      CREATE TABLE openpgp_certificate (
        id INTEGER PRIMARY KEY,
        purpose TEXT NOT NULL CHECK (purpose IN ('openpgp', 'openpgp-repository')),
        fingerprint TEXT NOT NULL,
        -- The key in the certificate that the token holds: the primary key, or a subkey.
        signing_fingerprint TEXT NOT NULL CHECK (length(signing_fingerprint) IN (40, 64) AND signing_fingerprint NOT GLOB '*[^0-9A-F]*'),
        -- Its creation time, seconds since 1970. It is part of the fingerprint: with another one this is another key.
        created INTEGER NOT NULL CHECK (created BETWEEN 1 AND 4294967295),
        -- Armored.
        certificate TEXT NOT NULL CHECK (length(certificate) BETWEEN 64 AND 131072),
        -- The prepared revocation, armored; null where somebody else has it.
        revocation TEXT CHECK (length(revocation) BETWEEN 64 AND 16384),
        why TEXT NOT NULL CHECK (why IN ('made', 'brought', 'extended', 'revoked')),
        operator TEXT NOT NULL,
        at TEXT NOT NULL CHECK (length(at) = 24),
        FOREIGN KEY (purpose, fingerprint) REFERENCES signing_key (purpose, fingerprint)
      ) STRICT;
      CREATE INDEX openpgp_certificate_of_key ON openpgp_certificate (purpose, fingerprint, id);
      CREATE TRIGGER openpgp_certificate_same_key BEFORE INSERT ON openpgp_certificate
      BEGIN
        SELECT RAISE(ABORT, 'openpgp-certificate-same-key: the key that signs never becomes another')
        WHERE EXISTS (SELECT 1 FROM openpgp_certificate AS before
          WHERE before.purpose = NEW.purpose AND before.fingerprint = NEW.fingerprint
            AND (before.signing_fingerprint <> NEW.signing_fingerprint OR before.created <> NEW.created));
        SELECT RAISE(ABORT, 'openpgp-certificate-kept: one is written once')
        WHERE EXISTS (SELECT 1 FROM openpgp_certificate WHERE id = NEW.id);
      END;
      CREATE TRIGGER openpgp_certificate_unchanged BEFORE UPDATE ON openpgp_certificate
      BEGIN SELECT RAISE(ABORT, 'openpgp-certificate-kept: a certificate that was written stays as it was'); END;
      CREATE TRIGGER openpgp_certificate_kept BEFORE DELETE ON openpgp_certificate
      BEGIN SELECT RAISE(ABORT, 'openpgp-certificate-kept: a certificate that was written stays'); END;
    `)
  },
}
