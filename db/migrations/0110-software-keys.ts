import type { Migration } from '../migration.ts'

export const migration: Migration = {
  version: 110,
  update: (file) => {
    file.exec(`
      -- A private key stays where it is: sealed anew with another service key it may be, nothing else.
      CREATE TRIGGER signing_key_place BEFORE UPDATE OF private_key ON signing_key
      WHEN json_extract(OLD.private_key, '$.storage') IS NOT 'nacl' OR json_extract(NEW.private_key, '$.storage') IS NOT 'nacl'
      BEGIN SELECT RAISE(ABORT, 'signing-key-identity: only a sealed record is exchanged for another'); END;

      -- Software keys that were taken over from another installation: marked so for ever, as nobody here knows who else has them.
      CREATE TABLE imported_key (
        key_id INTEGER PRIMARY KEY REFERENCES signing_key (id),
        -- SHA-256 of the dump that it came in, lower-case hex.
        dump_sha256 TEXT NOT NULL CHECK (length(dump_sha256) = 64 AND dump_sha256 NOT GLOB '*[^0-9a-f]*'),
        imported_at TEXT NOT NULL CHECK (length(imported_at) = 24),
        -- When the other installation says that it made it.
        made_at TEXT CHECK (length(made_at) = 24)
      ) STRICT;
      CREATE TRIGGER imported_key_no_update BEFORE UPDATE ON imported_key
      BEGIN SELECT RAISE(ABORT, 'imported-key: an imported key stays one'); END;
      CREATE TRIGGER imported_key_no_delete BEFORE DELETE ON imported_key
      BEGIN SELECT RAISE(ABORT, 'imported-key: an imported key stays one'); END;
      -- REPLACE deletes without firing delete triggers, but it cannot get past this one.
      CREATE TRIGGER imported_key_once BEFORE INSERT ON imported_key
      WHEN EXISTS (SELECT 1 FROM imported_key WHERE key_id = NEW.key_id)
      BEGIN SELECT RAISE(ABORT, 'imported-key: an imported key stays one'); END;
      CREATE TRIGGER imported_key_sealed BEFORE INSERT ON imported_key
      WHEN (SELECT json_extract(private_key, '$.storage') FROM signing_key WHERE id = NEW.key_id) IS NOT 'nacl'
      BEGIN SELECT RAISE(ABORT, 'imported-key: only a software key is imported'); END;
    `)
  },
}
