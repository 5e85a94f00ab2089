import { readerOf } from '../../../db/database.ts'
import type { Failure } from '../../shared/failure.ts'
import { err, ok } from '../../shared/result.ts'
import { inHistory } from '../audit/checkpoint-history.ts'
import { formatVerifierKey } from '../audit/format/signed-note.ts'
import { knownToReviewer } from '../audit/known-to-reviewer.ts'
import { lastCheckpoint } from '../audit/tree.repository.ts'
import { findLogs, mediaFolders } from '../log-review/find-logs.ts'
import { contradictedBeside, knownOnlyInside } from '../log-review/report.ts'
import type { ReviewDesk } from '../log-review/review-desk.ts'
import { answered, reading, type StationAccess } from './answers.ts'
import { bind } from './router.ts'

const noSuchEntry: Failure = {
  kind: 'invalid',
  code: 'no-such-entry',
  message: 'The log has no entry with this number.',
}

/** Entries of the station's own log and of the one that is open for review, and what verifies either. */
export function reviewBindings(access: StationAccess, review: ReviewDesk, exports: string, user: string) {
  return {
    'audit.list': bind('audit.list', async ({ source, filter, cursor, skip, limit }) => {
      if (source === 'opened') {
        const listed = await review.list(filter, cursor, limit, skip)
        return answered(listed.ok ? ok({ ...listed.value, rows: [...listed.value.rows] }) : listed)
      }
      return reading(access, async ({ audit }) => {
        const page = await audit.list(filter, cursor, limit, skip)
        return ok({ ...page, rows: [...page.rows] })
      })
    }),
    'audit.show': bind('audit.show', async ({ source, seq }) => {
      if (source === 'opened') {
        const shown = await review.show(seq)
        if (!shown.ok) return answered(shown)
        return answered(shown.value === null ? err(noSuchEntry) : ok(shown.value))
      }
      return reading(access, async ({ audit }) => {
        const entry = await audit.show(seq)
        return entry === null ? err(noSuchEntry) : ok(entry)
      })
    }),
    'audit.check': bind('audit.check', () => reading(access, async (station) => ok(await station.checkLog()))),
    'audit.verify': bind('audit.verify', async ({ source }) => {
      if (source === 'opened') return answered(await review.verifyOpened())
      return reading(access, async (station) => {
        const { checkpoints, database, profile, logState } = station
        // What is kept is read first: it is what the log is held against, not what is written now.
        const { outside, beside, witnesses } = await checkpoints.kept()
        // So that the newest entries are signed for; where that fails, the report says which are not.
        if (logState.kind === 'whole' && checkpoints.key() !== null) await checkpoints.write()
        const key = checkpoints.key()
        const found = await review.verifyOwn(profile.database, {
          vkey: key === null ? null : formatVerifierKey(key),
          checkpoints: outside.length > 0 || beside === null ? outside : [{ path: beside.path, text: beside.text }],
          witnesses,
        })
        if (!found.ok) return found
        const how = beside === null ? 'contained' : await inHistory(readerOf(database.db), beside.signed)
        if (beside !== null && how !== 'contained')
          return ok(
            contradictedBeside(found.value, {
              size: beside.signed.checkpoint.size,
              signedHere: (await lastCheckpoint(readerOf(database.db)))?.size ?? 0,
              how,
            }),
          )
        return outside.length > 0 ? found : ok(knownOnlyInside(found.value))
      })
    }),
    'audit.verify-cancel': bind('audit.verify-cancel', () => {
      review.cancel()
      return ok(null)
    }),
    'audit.open': bind('audit.open', async ({ path, vkey, checkpoint }) => {
      const known = knownToReviewer(vkey, checkpoint)
      return answered(known.ok ? await review.open(path, known.value) : known)
    }),
    'audit.opened': bind('audit.opened', () => ok(review.opened())),
    'audit.close-opened': bind('audit.close-opened', async () => {
      await review.closeOpened()
      return ok(null)
    }),
    'audit.found': bind('audit.found', async () => ok([...(await findLogs(exports, mediaFolders(user)))])),
    'audit.compare': bind('audit.compare', async ({ older, newer }) => answered(await review.compare(older, newer))),
  }
}
