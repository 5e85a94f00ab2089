import { setTimeout } from 'node:timers/promises'
import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../db/database.ts'
import type { AuditState } from '../../shared/audit.ts'
import { checkLog, fullCheckAtStart } from './check.ts'

/** Milliseconds between two slices: it is beside the work, and has minutes for a million entries. */
const pauseMs = 10

export interface WholeCheck {
  /** Ends it, and waits for what runs. */
  stop(): Promise<void>
}

/**
 * Reads the rest of a log of which the check at start looked at both ends only. The tree would show a changed entry sooner or later;
 * what entries are *searched* by repeats them, is signed by nobody, and would be believed by every search.
 */
export function startWholeCheck(
  db: ReadonlyKysely<Database>,
  entries: number,
  found: (state: AuditState) => Promise<void>,
  failed: (error: unknown) => void,
): WholeCheck {
  const stopping = new AbortController()
  const pause = () => setTimeout(pauseMs, undefined, { signal: stopping.signal })
  const running =
    entries <= fullCheckAtStart
      ? Promise.resolve()
      : checkLog(db, pause)
          .then(found)
          .catch((error: unknown) => {
            if (!stopping.signal.aborted) failed(error)
          })
  return {
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}
