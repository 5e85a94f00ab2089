import type { Migration } from '../migration.ts'

export const migration: Migration = {
  version: 190,
  update: (file) => {
    file.exec(`
      -- Signatures by the keys after the first, of a file that several keys sign. Each is a packet that waits for the first key's, which
      -- completes the output in \`signature\`; alone it is never released (docs/adr/0012).
      CREATE TABLE further_signature (
        request_id TEXT NOT NULL REFERENCES request (id),
        ordinal INTEGER NOT NULL CHECK (ordinal >= 0),
        -- Which of the sheet's further keys, from 1: the first key's signature is not here.
        position INTEGER NOT NULL CHECK (position BETWEEN 1 AND 7),
        sheet_digest TEXT NOT NULL CHECK (length(sheet_digest) = 64),
        purpose TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        input_sha256 TEXT NOT NULL CHECK (length(input_sha256) = 64),
        -- As in \`signature\`; made: the packet is here.
        state TEXT NOT NULL CHECK (state IN ('begun', 'made', 'failed', 'unknown', 'withdrawn')),
        intent_seq INTEGER NOT NULL REFERENCES audit_entry (seq),
        outcome_seq INTEGER REFERENCES audit_entry (seq),
        packet BLOB CHECK (length(packet) BETWEEN 1 AND 65536),
        packet_sha256 TEXT CHECK (length(packet_sha256) = 64),
        failure TEXT CHECK (json_valid(failure)),
        at TEXT NOT NULL CHECK (length(at) = 24),
        -- At most one signature a key of a file (invariant I3).
        PRIMARY KEY (request_id, ordinal, position),
        UNIQUE (request_id, ordinal, fingerprint),
        CHECK ((state = 'begun') = (outcome_seq IS NULL)),
        CHECK (outcome_seq > intent_seq),
        CHECK ((state = 'made') = (packet IS NOT NULL)),
        CHECK ((packet IS NULL) = (packet_sha256 IS NULL))
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX further_signature_of_input ON further_signature (input_sha256, purpose, fingerprint) WHERE state = 'made';
      -- When each key was last used: asked whenever a key is looked at.
      CREATE INDEX further_signature_of_key ON further_signature (purpose, fingerprint, outcome_seq, at) WHERE state = 'made';
      CREATE INDEX further_signature_open ON further_signature (request_id) WHERE state = 'begun';
      CREATE TRIGGER further_signature_needs_approval BEFORE INSERT ON further_signature
      BEGIN
        SELECT RAISE(ABORT, 'signature-needs-approval: no approval of this sheet')
        WHERE NOT EXISTS (SELECT 1 FROM decision WHERE request_id = NEW.request_id AND kind = 'approved' AND sheet_digest = NEW.sheet_digest);
        SELECT RAISE(ABORT, 'signature-needs-approval: the sheet has another key there, or none')
        WHERE NOT EXISTS (SELECT 1 FROM review_sheet, json_each(CAST(sheet AS TEXT), '$.furtherKeys') AS named
          WHERE review_sheet.request_id = NEW.request_id AND digest = NEW.sheet_digest AND named.key = NEW.position - 1
          AND json_extract(named.value, '$.key.fingerprint') = NEW.fingerprint);
        SELECT RAISE(ABORT, 'signature-once: there is an intent of this key for this file already')
        WHERE EXISTS (SELECT 1 FROM further_signature WHERE request_id = NEW.request_id AND ordinal = NEW.ordinal
          AND (position = NEW.position OR fingerprint = NEW.fingerprint))
        OR EXISTS (SELECT 1 FROM signature WHERE request_id = NEW.request_id AND ordinal = NEW.ordinal AND fingerprint = NEW.fingerprint);
        -- The first key signs last: what it completes is complete.
        SELECT RAISE(ABORT, 'signature-order: the first key has signed or was asked')
        WHERE EXISTS (SELECT 1 FROM signature WHERE request_id = NEW.request_id AND ordinal = NEW.ordinal AND state <> 'withdrawn');
        SELECT RAISE(ABORT, 'signature-forward: a signature begins with its intent') WHERE NEW.state <> 'begun';
      END;
      CREATE TRIGGER further_signature_forward BEFORE UPDATE ON further_signature
      BEGIN
        SELECT RAISE(ABORT, 'signature-final: this outcome is final')
        WHERE NOT (OLD.state = 'begun' AND NEW.state <> 'begun') AND NOT (OLD.state = 'withdrawn' AND NEW.state = 'begun');
        SELECT RAISE(ABORT, 'signature-final: what is signed never changes')
        WHERE NEW.request_id <> OLD.request_id OR NEW.ordinal <> OLD.ordinal OR NEW.position <> OLD.position
          OR NEW.sheet_digest <> OLD.sheet_digest OR NEW.fingerprint <> OLD.fingerprint OR NEW.purpose <> OLD.purpose
          OR NEW.input_sha256 <> OLD.input_sha256;
        -- The outcome is of the intent that was written; what is begun again has an intent of its own (invariant I1).
        SELECT RAISE(ABORT, 'signature-final: another intent')
        WHERE (OLD.state = 'begun' AND NEW.intent_seq <> OLD.intent_seq) OR (NEW.state = 'begun' AND NEW.intent_seq <= OLD.outcome_seq);
      END;
      CREATE TRIGGER further_signature_kept BEFORE DELETE ON further_signature
      BEGIN SELECT RAISE(ABORT, 'signature-final: a signature row is never deleted'); END;
      -- No output of a file is begun or released while the signature of another of its keys is missing or in doubt, or is of other bytes.
      CREATE TRIGGER signature_after_further BEFORE INSERT ON signature
      BEGIN
        SELECT RAISE(ABORT, 'signature-order: a further key has not signed')
        WHERE EXISTS (SELECT 1 FROM further_signature WHERE request_id = NEW.request_id AND ordinal = NEW.ordinal
          AND (state <> 'made' OR input_sha256 <> NEW.input_sha256));
        SELECT RAISE(ABORT, 'signature-once: this key has signed this file as a further key')
        WHERE EXISTS (SELECT 1 FROM further_signature WHERE request_id = NEW.request_id AND ordinal = NEW.ordinal AND fingerprint = NEW.fingerprint);
        -- Nor while one that the sheet names was not even asked. Only an index has several keys: no other sheet is read for each of its files.
        SELECT RAISE(ABORT, 'signature-order: a further key was not asked')
        WHERE (SELECT task_name FROM request WHERE id = NEW.request_id) = 'signrepositoryindex' AND EXISTS (
          SELECT 1 FROM review_sheet, json_each(CAST(sheet AS TEXT), '$.furtherKeys') AS named
          WHERE review_sheet.request_id = NEW.request_id AND digest = NEW.sheet_digest AND NOT EXISTS (
            SELECT 1 FROM further_signature WHERE request_id = NEW.request_id AND ordinal = NEW.ordinal AND position = named.key + 1));
      END;
      CREATE TRIGGER signature_again_after_further BEFORE UPDATE ON signature WHEN NEW.state IN ('begun', 'signed')
      BEGIN
        SELECT RAISE(ABORT, 'signature-order: a further key has not signed')
        WHERE EXISTS (SELECT 1 FROM further_signature WHERE request_id = NEW.request_id AND ordinal = NEW.ordinal AND state <> 'made');
      END;
    `)
  },
}
