import type { Migration } from '../migration.ts'

export const migration: Migration = {
  version: 210,
  update: (file) => {
    file.exec(`
      -- The outcome is of the intent that was written; what is begun again has an intent of its own (invariant I1). As of further keys.
      CREATE TRIGGER signature_intent BEFORE UPDATE ON signature
      BEGIN
        SELECT RAISE(ABORT, 'signature-final: another intent')
        WHERE (OLD.state = 'begun' AND NEW.intent_seq <> OLD.intent_seq) OR (NEW.state = 'begun' AND NEW.intent_seq <= OLD.outcome_seq);
        SELECT RAISE(ABORT, 'signature-final: an outcome is younger than its intent') WHERE NEW.outcome_seq <= NEW.intent_seq;
        -- That one without an output has none is a CHECK of the table; one without both may not have the digest alone.
        SELECT RAISE(ABORT, 'signature-final: the digest of an output that is not released')
        WHERE NEW.state <> 'signed' AND NEW.output IS NULL AND NEW.output_sha256 IS NOT NULL;
      END;
    `)
  },
}
