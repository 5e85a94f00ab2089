import type { Migration } from '../migration.ts'

export const migration: Migration = {
  version: 160,
  update: (file) => {
    file.exec(`
      -- Answers to tasks of a server that wait for a person's yes or no, each with how it ended (docs/flows/waiting.md).
      CREATE TABLE confirmation (
        intent_seq INTEGER PRIMARY KEY REFERENCES audit_entry (seq),
        server TEXT NOT NULL,
        scope TEXT,
        work_request_id INTEGER NOT NULL CHECK (work_request_id > 0),
        -- 1: yes.
        confirm INTEGER NOT NULL CHECK (confirm IN (0, 1)),
        -- What a no does there.
        deny_action TEXT NOT NULL CHECK (length(deny_action) BETWEEN 1 AND 64),
        comment TEXT CHECK (length(comment) BETWEEN 1 AND 1000),
        operator TEXT NOT NULL,
        intended_at TEXT NOT NULL CHECK (length(intended_at) = 24),
        -- Null: it is not known yet whether the answer arrived.
        outcome TEXT CHECK (outcome IN ('taken', 'not-taken', 'overtaken', 'not-delivered')),
        outcome_seq INTEGER REFERENCES audit_entry (seq),
        CHECK ((outcome IS NULL) = (outcome_seq IS NULL)),
        CHECK (outcome_seq > intent_seq)
      ) STRICT;
      -- While it is not known what became of one answer, no other is given.
      CREATE UNIQUE INDEX confirmation_open ON confirmation (server, work_request_id) WHERE outcome IS NULL;
      CREATE TRIGGER confirmation_begins BEFORE INSERT ON confirmation
      BEGIN
        SELECT RAISE(ABORT, 'confirmation-forward: it begins with its intent') WHERE NEW.outcome IS NOT NULL;
        SELECT RAISE(ABORT, 'confirmation-once: there is one of this intent')
        WHERE EXISTS (SELECT 1 FROM confirmation WHERE intent_seq = NEW.intent_seq);
      END;
      CREATE TRIGGER confirmation_forward BEFORE UPDATE OF outcome, outcome_seq ON confirmation WHEN OLD.outcome IS NOT NULL
      BEGIN SELECT RAISE(ABORT, 'confirmation-forward: it has ended'); END;
      CREATE TRIGGER confirmation_identity
      BEFORE UPDATE OF intent_seq, server, scope, work_request_id, confirm, deny_action, comment, operator, intended_at ON confirmation
      BEGIN SELECT RAISE(ABORT, 'confirmation-identity: what was intended never changes'); END;
      CREATE TRIGGER confirmation_kept BEFORE DELETE ON confirmation
      BEGIN SELECT RAISE(ABORT, 'confirmation-kept: an answer is never forgotten'); END;
    `)
  },
}
