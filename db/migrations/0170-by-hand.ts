import type { Migration } from '../migration.ts'

export const migration: Migration = {
  version: 170,
  update: (file) => {
    file.exec(`
      -- Requests whose files a person opened at this station: their server is the word by-hand, their number counts them.
      CREATE TABLE hand_request (
        request_id TEXT PRIMARY KEY REFERENCES request (id),
        number INTEGER NOT NULL UNIQUE CHECK (number > 0),
        sign_as TEXT NOT NULL CHECK (length(sign_as) BETWEEN 1 AND 64),
        opened_by TEXT NOT NULL CHECK (length(opened_by) BETWEEN 1 AND 200),
        opened_at TEXT NOT NULL CHECK (length(opened_at) = 24)
      ) STRICT;
      CREATE TABLE hand_file (
        request_id TEXT NOT NULL REFERENCES hand_request (request_id),
        ordinal INTEGER NOT NULL CHECK (ordinal >= 0),
        -- As it was named, what the kernel says was read, and the file that its signature is to be written to.
        named TEXT NOT NULL CHECK (named GLOB '/*'),
        opened TEXT NOT NULL,
        -- Null: it is not signed itself.
        output TEXT CHECK (output GLOB '/*'),
        PRIMARY KEY (request_id, ordinal),
        UNIQUE (request_id, output),
        FOREIGN KEY (request_id, ordinal) REFERENCES request_file (request_id, ordinal)
      ) STRICT, WITHOUT ROWID;
      CREATE TRIGGER hand_request_fixed BEFORE UPDATE ON hand_request
      BEGIN SELECT RAISE(ABORT, 'hand-request-fixed: who opened what never changes'); END;
      CREATE TRIGGER hand_request_kept BEFORE DELETE ON hand_request
      BEGIN SELECT RAISE(ABORT, 'hand-request-fixed: who opened what is never forgotten'); END;
      CREATE TRIGGER hand_request_once BEFORE INSERT ON hand_request
      BEGIN SELECT RAISE(ABORT, 'hand-request-fixed: there is one already')
        WHERE EXISTS (SELECT 1 FROM hand_request WHERE request_id = NEW.request_id OR number = NEW.number); END;
      CREATE TRIGGER hand_file_fixed BEFORE UPDATE ON hand_file
      BEGIN SELECT RAISE(ABORT, 'hand-file-fixed: what was opened never changes'); END;
      CREATE TRIGGER hand_file_kept BEFORE DELETE ON hand_file
      BEGIN SELECT RAISE(ABORT, 'hand-file-fixed: what was opened is never forgotten'); END;
      CREATE TRIGGER hand_file_once BEFORE INSERT ON hand_file
      BEGIN SELECT RAISE(ABORT, 'hand-file-fixed: there is one already')
        WHERE EXISTS (SELECT 1 FROM hand_file WHERE request_id = NEW.request_id AND (ordinal = NEW.ordinal OR output = NEW.output)); END;

      -- Where each signature is going: written down before the folder is touched, so that a start after a crash knows what is ours there.
      CREATE TABLE hand_output (
        request_id TEXT NOT NULL,
        ordinal INTEGER NOT NULL,
        path TEXT NOT NULL CHECK (path GLOB '/*'),
        state TEXT NOT NULL CHECK (state IN ('intended', 'written', 'kept')),
        -- 1: the person was asked about the file that is there, and said that it may be replaced.
        may_replace INTEGER NOT NULL CHECK (may_replace IN (0, 1)),
        -- SHA-256 of the file that was, or is about to be, replaced.
        replaced_sha256 TEXT CHECK (length(replaced_sha256) = 64),
        -- 1: about to be created there under its own name, because the file system has no links; a part of it may be there.
        in_place INTEGER NOT NULL DEFAULT 0 CHECK (in_place IN (0, 1)),
        at TEXT NOT NULL CHECK (length(at) = 24),
        PRIMARY KEY (request_id, ordinal),
        FOREIGN KEY (request_id, ordinal) REFERENCES hand_file (request_id, ordinal),
        -- A signature goes out only once its outcome is on disk (invariant I1).
        CHECK (replaced_sha256 IS NULL OR may_replace = 1)
      ) STRICT, WITHOUT ROWID;
      CREATE TRIGGER hand_output_signed BEFORE INSERT ON hand_output
      BEGIN
        SELECT RAISE(ABORT, 'hand-output-signed: there is no signature to write')
        WHERE NOT EXISTS (SELECT 1 FROM signature WHERE request_id = NEW.request_id AND ordinal = NEW.ordinal AND state = 'signed');
        SELECT RAISE(ABORT, 'hand-output-once: there is one already')
        WHERE EXISTS (SELECT 1 FROM hand_output WHERE request_id = NEW.request_id AND ordinal = NEW.ordinal);
      END;
      CREATE TRIGGER hand_output_final BEFORE UPDATE ON hand_output WHEN OLD.state <> 'intended'
      BEGIN SELECT RAISE(ABORT, 'hand-output-final: what was handed out stays so'); END;
      CREATE TRIGGER hand_output_kept BEFORE DELETE ON hand_output
      BEGIN SELECT RAISE(ABORT, 'hand-output-final: what was handed out is never forgotten'); END;
    `)
  },
}
