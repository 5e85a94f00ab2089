import type { Migration } from '../migration.ts'

export const migration: Migration = {
  version: 90,
  update: (file) => {
    file.exec(`
      -- Each look at the attestation of a registered key, docs/formats/attestation.md. A bad one stays beside the better that follows.
      CREATE TABLE key_attestation (
        id INTEGER PRIMARY KEY CHECK (id > 0),
        purpose TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        -- The entry key-attested in the audit log, written in the same transaction.
        audit_seq INTEGER NOT NULL UNIQUE CHECK (audit_seq > 0),
        at TEXT NOT NULL CHECK (length(at) = 24),
        operator TEXT NOT NULL CHECK (length(operator) BETWEEN 1 AND 200),
        source TEXT NOT NULL CHECK (source IN ('token', 'files')),
        verdict TEXT NOT NULL CHECK (json_valid(verdict) AND length(verdict) <= 16384),
        -- Repeats what the verdict says.
        kind TEXT NOT NULL CHECK (
          kind IN ('verified', 'chain-incomplete', 'failed', 'not-offered', 'missing') AND kind IS json_extract(verdict, '$.kind')
        ),
        -- PEM, the statement first; empty where there was none.
        certificates TEXT NOT NULL CHECK (
          length(certificates) <= 262144 AND (certificates = '') = (kind IN ('not-offered', 'missing'))
        ),
        FOREIGN KEY (purpose, fingerprint) REFERENCES signing_key (purpose, fingerprint)
      ) STRICT;
      CREATE INDEX key_attestation_key ON key_attestation (purpose, fingerprint, id);
      CREATE TRIGGER key_attestation_no_update BEFORE UPDATE ON key_attestation
      BEGIN SELECT RAISE(ABORT, 'attestation-append-only: an attestation is never changed'); END;
      CREATE TRIGGER key_attestation_no_delete BEFORE DELETE ON key_attestation
      BEGIN SELECT RAISE(ABORT, 'attestation-append-only: an attestation is never deleted'); END;
      -- REPLACE deletes without firing delete triggers unless recursive_triggers is on, but it cannot get past this one.
      CREATE TRIGGER key_attestation_next_only BEFORE INSERT ON key_attestation
      BEGIN
        SELECT RAISE(ABORT, 'attestation-append-only: only the next attestation may be written')
        WHERE NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM key_attestation);
        SELECT RAISE(ABORT, 'attestation-append-only: it is written with its entry in the audit log')
        WHERE NEW.audit_seq IS NOT (SELECT max(seq) FROM audit_entry) OR NOT EXISTS (
          SELECT 1 FROM audit_entry
          WHERE seq = NEW.audit_seq AND event = 'key-attested' AND purpose = NEW.purpose AND fingerprint = NEW.fingerprint
        );
      END;

      -- Roots and intermediates that the operator trusts beside those that are shipped. One that is withdrawn stays, as withdrawn.
      CREATE TABLE attestation_root (
        id INTEGER PRIMARY KEY CHECK (id > 0),
        -- Of the certificate's DER.
        sha256 TEXT NOT NULL CHECK (length(sha256) = 64 AND sha256 NOT GLOB '*[^0-9a-f]*'),
        device TEXT NOT NULL CHECK (device IN ('yubikey-piv', 'yubihsm')),
        role TEXT NOT NULL CHECK (role IN ('root', 'intermediate')),
        certificate BLOB NOT NULL CHECK (length(certificate) BETWEEN 1 AND 16384),
        added_at TEXT NOT NULL CHECK (length(added_at) = 24),
        added_by TEXT NOT NULL CHECK (length(added_by) BETWEEN 1 AND 200),
        withdrawn_at TEXT CHECK (length(withdrawn_at) = 24),
        withdrawn_by TEXT CHECK (length(withdrawn_by) BETWEEN 1 AND 200),
        CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL))
      ) STRICT;
      CREATE UNIQUE INDEX attestation_root_once ON attestation_root (sha256, device) WHERE withdrawn_at IS NULL;
      CREATE TRIGGER attestation_root_no_delete BEFORE DELETE ON attestation_root
      BEGIN SELECT RAISE(ABORT, 'attestation-append-only: a root is withdrawn, never deleted'); END;
      CREATE TRIGGER attestation_root_withdrawn_once BEFORE UPDATE ON attestation_root
      WHEN OLD.withdrawn_at IS NOT NULL OR NEW.withdrawn_at IS NULL
        OR (NEW.id, NEW.sha256, NEW.device, NEW.role, NEW.certificate, NEW.added_at, NEW.added_by)
          IS NOT (OLD.id, OLD.sha256, OLD.device, OLD.role, OLD.certificate, OLD.added_at, OLD.added_by)
      BEGIN SELECT RAISE(ABORT, 'attestation-append-only: a root can only be withdrawn, once'); END;
      CREATE TRIGGER attestation_root_next_only BEFORE INSERT ON attestation_root
      BEGIN
        SELECT RAISE(ABORT, 'attestation-append-only: only the next root may be written')
        WHERE NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM attestation_root);
        SELECT RAISE(ABORT, 'attestation-append-only: a root begins as trusted') WHERE NEW.withdrawn_at IS NOT NULL;
        SELECT RAISE(ABORT, 'attestation-append-only: this root is trusted already')
        WHERE EXISTS (SELECT 1 FROM attestation_root WHERE sha256 = NEW.sha256 AND device = NEW.device AND withdrawn_at IS NULL);
      END;
    `)
  },
}
