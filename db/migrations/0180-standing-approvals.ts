import type { Migration } from '../migration.ts'

export const migration: Migration = {
  version: 180,
  update: (file) => {
    file.exec(`
      -- Approvals that were given ahead (docs/adr/0011). The session that goes with one is in memory only: after a start all of them are ended.
      CREATE TABLE standing_approval (
        id TEXT PRIMARY KEY CHECK (length(id) = 36),
        purpose TEXT NOT NULL,
        fingerprint TEXT NOT NULL CHECK (length(fingerprint) IN (40, 64)),
        scope TEXT NOT NULL CHECK (length(scope) BETWEEN 1 AND 1000),
        uses INTEGER NOT NULL CHECK (uses BETWEEN 1 AND 1000),
        used INTEGER NOT NULL CHECK (used BETWEEN 0 AND uses),
        granted_seq INTEGER NOT NULL REFERENCES audit_entry (seq),
        granted_at TEXT NOT NULL CHECK (length(granted_at) = 24),
        ends_at TEXT NOT NULL CHECK (length(ends_at) = 24),
        operator TEXT NOT NULL CHECK (length(operator) BETWEEN 1 AND 200),
        ended_seq INTEGER REFERENCES audit_entry (seq),
        why TEXT CHECK (length(why) BETWEEN 1 AND 64),
        CHECK ((ended_seq IS NULL) = (why IS NULL))
      ) STRICT;
      CREATE TABLE standing_use (
        request_id TEXT PRIMARY KEY REFERENCES request (id),
        standing_id TEXT NOT NULL REFERENCES standing_approval (id),
        use INTEGER NOT NULL CHECK (use > 0),
        UNIQUE (standing_id, use)
      ) STRICT;
      CREATE TRIGGER standing_approval_begins BEFORE INSERT ON standing_approval
      BEGIN
        SELECT RAISE(ABORT, 'standing-approval: it begins unused and open') WHERE NEW.used <> 0 OR NEW.ended_seq IS NOT NULL;
        SELECT RAISE(ABORT, 'standing-approval: there is one of this id') WHERE EXISTS (SELECT 1 FROM standing_approval WHERE id = NEW.id);
      END;
      CREATE TRIGGER standing_approval_fixed BEFORE UPDATE OF id, purpose, fingerprint, scope, uses, granted_seq, granted_at, ends_at, operator ON standing_approval
      BEGIN SELECT RAISE(ABORT, 'standing-approval: what was granted never changes'); END;
      CREATE TRIGGER standing_approval_final BEFORE UPDATE ON standing_approval WHEN OLD.ended_seq IS NOT NULL
      BEGIN SELECT RAISE(ABORT, 'standing-approval: what has ended stays ended'); END;
      CREATE TRIGGER standing_approval_counts BEFORE UPDATE OF used ON standing_approval
      WHEN NEW.used <> OLD.used AND (NEW.used <> OLD.used + 1 OR NOT EXISTS (SELECT 1 FROM standing_use WHERE standing_id = OLD.id AND use = NEW.used))
      BEGIN SELECT RAISE(ABORT, 'standing-approval: each use is counted once'); END;
      CREATE TRIGGER standing_approval_kept BEFORE DELETE ON standing_approval
      BEGIN SELECT RAISE(ABORT, 'standing-approval: it is never forgotten'); END;
      -- A use is of an open approval, the next one of it, and for the key that it is for.
      CREATE TRIGGER standing_use_begins BEFORE INSERT ON standing_use
      BEGIN
        SELECT RAISE(ABORT, 'standing-use: this approval does not cover it') WHERE NOT EXISTS (
          SELECT 1 FROM standing_approval AS a JOIN request AS r ON r.id = NEW.request_id
          WHERE a.id = NEW.standing_id AND a.ended_seq IS NULL AND a.used < a.uses AND NEW.use = a.used + 1
            AND a.purpose = r.purpose AND a.fingerprint = r.fingerprint);
        SELECT RAISE(ABORT, 'standing-use: there is one already') WHERE EXISTS (SELECT 1 FROM standing_use WHERE request_id = NEW.request_id);
      END;
      CREATE TRIGGER standing_use_fixed BEFORE UPDATE ON standing_use
      BEGIN SELECT RAISE(ABORT, 'standing-use: it never changes'); END;
      CREATE TRIGGER standing_use_kept BEFORE DELETE ON standing_use
      BEGIN SELECT RAISE(ABORT, 'standing-use: it is never forgotten'); END;
    `)
  },
}
