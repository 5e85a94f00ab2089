import type { Migration } from '../migration.ts'

export const migration: Migration = {
  version: 30,
  update: (file) => {
    file.exec(`
      CREATE TABLE request (
        id TEXT PRIMARY KEY CHECK (length(id) = 36),
        server TEXT NOT NULL,
        work_request_id INTEGER NOT NULL CHECK (work_request_id > 0),
        scope TEXT,
        workspace TEXT NOT NULL,
        token TEXT,
        worker INTEGER,
        -- Set before the result is reported: a request that is gone afterwards was finished, not aborted.
        completion_sent INTEGER NOT NULL DEFAULT 0 CHECK (completion_sent IN (0, 1)),
        fetched_at TEXT NOT NULL CHECK (length(fetched_at) = 24),
        task_name TEXT NOT NULL,
        raw TEXT NOT NULL CHECK (length(raw) <= 1000000),
        purpose TEXT,
        fingerprint TEXT,
        created_by INTEGER NOT NULL,
        requested_at TEXT NOT NULL,
        retry_count INTEGER NOT NULL CHECK (retry_count >= 0),
        title TEXT NOT NULL,
        requested_by TEXT,
        stage TEXT NOT NULL CHECK (stage IN ('preparing', 'unprepared', 'review', 'signing', 'interrupted', 'incident', 'returning', 'done')),
        outcome TEXT CHECK (outcome IN ('signed', 'partly-signed', 'declined', 'failed', 'aborted-by-server')),
        state TEXT NOT NULL CHECK (json_valid(state)),
        file_count INTEGER NOT NULL CHECK (file_count >= 0),
        signed_count INTEGER NOT NULL CHECK (signed_count BETWEEN 0 AND file_count),
        worst_check TEXT CHECK (worst_check IN ('passed', 'attention', 'refused', 'unknown')),
        received_at TEXT NOT NULL CHECK (length(received_at) = 24),
        updated_at TEXT NOT NULL CHECK (length(updated_at) = 24),
        -- A request that the server hands out again is the same request: it never gets a second decision.
        UNIQUE (server, work_request_id),
        CHECK ((stage = 'done') = (outcome IS NOT NULL)),
        CHECK (json_extract(state, '$.kind') = stage)
      ) STRICT;
      CREATE INDEX request_in_hand ON request (received_at, id) WHERE stage <> 'done';
      CREATE INDEX request_done ON request (updated_at, id) WHERE stage = 'done';

      CREATE TABLE request_file (
        request_id TEXT NOT NULL REFERENCES request (id),
        ordinal INTEGER NOT NULL CHECK (ordinal >= 0),
        artifact_position INTEGER NOT NULL CHECK (artifact_position >= 0),
        artifact_id INTEGER NOT NULL CHECK (artifact_id > 0),
        path TEXT NOT NULL,
        size INTEGER NOT NULL CHECK (size >= 0),
        sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
        PRIMARY KEY (request_id, ordinal)
      ) STRICT, WITHOUT ROWID;
      -- Names, sizes and digests are fixed at fetch (invariant I2).
      CREATE TRIGGER request_file_fixed BEFORE UPDATE ON request_file
      BEGIN SELECT RAISE(ABORT, 'request-file-fixed: what was fetched never changes'); END;
      CREATE TRIGGER request_file_kept BEFORE DELETE ON request_file
      BEGIN SELECT RAISE(ABORT, 'request-file-fixed: what was fetched is never deleted'); END;
      CREATE TRIGGER request_file_once BEFORE INSERT ON request_file
      BEGIN SELECT RAISE(ABORT, 'request-file-fixed: there is one already') WHERE EXISTS (SELECT 1 FROM request_file WHERE request_id = NEW.request_id AND ordinal = NEW.ordinal); END;

      CREATE TABLE review_sheet (
        request_id TEXT NOT NULL REFERENCES request (id),
        digest TEXT NOT NULL CHECK (length(digest) = 64),
        sheet BLOB NOT NULL,
        made_at TEXT NOT NULL CHECK (length(made_at) = 24),
        -- First time that it was on the screen. Null: nobody has seen it, nobody can have approved it.
        shown_at TEXT CHECK (length(shown_at) = 24),
        PRIMARY KEY (request_id, digest)
      ) STRICT;
      CREATE TRIGGER review_sheet_fixed BEFORE UPDATE OF request_id, digest, sheet, made_at ON review_sheet
      BEGIN SELECT RAISE(ABORT, 'review-sheet-fixed: a sheet is never changed'); END;
      CREATE TRIGGER review_sheet_kept BEFORE DELETE ON review_sheet
      BEGIN SELECT RAISE(ABORT, 'review-sheet-fixed: a sheet is never deleted'); END;
      CREATE TRIGGER review_sheet_seen_once BEFORE UPDATE OF shown_at ON review_sheet WHEN OLD.shown_at IS NOT NULL
      BEGIN SELECT RAISE(ABORT, 'review-sheet-fixed: the first time that it was shown stays'); END;
      -- The same sheet made again is the one that is there; REPLACE would put another under its digest.
      CREATE TRIGGER review_sheet_once BEFORE INSERT ON review_sheet
      BEGIN SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM review_sheet WHERE request_id = NEW.request_id AND digest = NEW.digest); END;

      CREATE TABLE decision (
        -- One decision a request (invariant I3).
        request_id TEXT PRIMARY KEY REFERENCES request (id),
        kind TEXT NOT NULL CHECK (kind IN ('approved', 'declined')),
        sheet_digest TEXT,
        operator TEXT NOT NULL,
        reason TEXT,
        at TEXT NOT NULL CHECK (length(at) = 24),
        CHECK (kind = 'declined' OR sheet_digest IS NOT NULL),
        CHECK (kind = 'approved' OR reason IS NOT NULL),
        FOREIGN KEY (request_id, sheet_digest) REFERENCES review_sheet (request_id, digest)
      ) STRICT;
      CREATE TRIGGER decision_final BEFORE UPDATE ON decision
      BEGIN SELECT RAISE(ABORT, 'decision-final: a decision is never changed'); END;
      CREATE TRIGGER decision_kept BEFORE DELETE ON decision
      BEGIN SELECT RAISE(ABORT, 'decision-final: a decision is never deleted'); END;
      -- REPLACE would delete without firing the trigger above.
      CREATE TRIGGER decision_once BEFORE INSERT ON decision
      BEGIN SELECT RAISE(ABORT, 'decision-final: there is one already') WHERE EXISTS (SELECT 1 FROM decision WHERE request_id = NEW.request_id); END;

      CREATE TABLE signature (
        request_id TEXT NOT NULL REFERENCES request (id),
        ordinal INTEGER NOT NULL CHECK (ordinal >= 0),
        sheet_digest TEXT NOT NULL CHECK (length(sheet_digest) = 64),
        purpose TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        input_sha256 TEXT NOT NULL CHECK (length(input_sha256) = 64),
        -- begun: the intent is on disk. unknown: the token was asked and gave no answer that arrived. withdrawn: never asked.
        state TEXT NOT NULL CHECK (state IN ('begun', 'signed', 'failed', 'unknown', 'withdrawn')),
        intent_seq INTEGER NOT NULL REFERENCES audit_entry (seq),
        outcome_seq INTEGER REFERENCES audit_entry (seq),
        output BLOB CHECK (length(output) BETWEEN 1 AND 1048576),
        output_sha256 TEXT CHECK (length(output_sha256) = 64),
        failure TEXT CHECK (json_valid(failure)),
        at TEXT NOT NULL CHECK (length(at) = 24),
        -- At most one signature a file of a request (invariant I3).
        PRIMARY KEY (request_id, ordinal),
        CHECK ((state = 'begun') = (outcome_seq IS NULL)),
        CHECK ((state = 'signed') = (output IS NOT NULL AND output_sha256 IS NOT NULL))
      ) STRICT;
      CREATE INDEX signature_of_input ON signature (input_sha256, purpose, fingerprint) WHERE state = 'signed';
      CREATE INDEX signature_open ON signature (request_id) WHERE state = 'begun';
      -- Without an approval of this very sheet there is no intent, whatever the program believes.
      CREATE TRIGGER signature_needs_approval BEFORE INSERT ON signature
      BEGIN
        SELECT RAISE(ABORT, 'signature-needs-approval: no approval of this sheet')
        WHERE NOT EXISTS (SELECT 1 FROM decision WHERE request_id = NEW.request_id AND kind = 'approved' AND sheet_digest = NEW.sheet_digest);
        SELECT RAISE(ABORT, 'signature-once: there is an intent for this file already')
        WHERE EXISTS (SELECT 1 FROM signature WHERE request_id = NEW.request_id AND ordinal = NEW.ordinal);
        SELECT RAISE(ABORT, 'signature-forward: a signature begins with its intent') WHERE NEW.state <> 'begun';
      END;
      -- begun → signed, failed, unknown, withdrawn; withdrawn → begun under the same approval. All else is final.
      CREATE TRIGGER signature_forward BEFORE UPDATE ON signature
      BEGIN
        SELECT RAISE(ABORT, 'signature-final: this outcome is final')
        WHERE NOT (OLD.state = 'begun' AND NEW.state <> 'begun') AND NOT (OLD.state = 'withdrawn' AND NEW.state = 'begun');
        SELECT RAISE(ABORT, 'signature-final: what is signed never changes')
        WHERE NEW.request_id <> OLD.request_id OR NEW.ordinal <> OLD.ordinal OR NEW.sheet_digest <> OLD.sheet_digest
          OR NEW.fingerprint <> OLD.fingerprint OR NEW.purpose <> OLD.purpose OR NEW.input_sha256 <> OLD.input_sha256;
      END;
      CREATE TRIGGER signature_kept BEFORE DELETE ON signature
      BEGIN SELECT RAISE(ABORT, 'signature-final: a signature row is never deleted'); END;

      CREATE TABLE returned_artifact (
        request_id TEXT NOT NULL REFERENCES request (id),
        kind TEXT NOT NULL CHECK (kind IN ('output', 'logs')),
        position INTEGER NOT NULL CHECK (position >= 0),
        artifact_id INTEGER NOT NULL CHECK (artifact_id > 0),
        uploaded INTEGER NOT NULL CHECK (uploaded IN (0, 1)),
        PRIMARY KEY (request_id, kind, position)
      ) STRICT, WITHOUT ROWID;
    `)
  },
}
