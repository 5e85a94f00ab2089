import { readerOf } from '../../../db/database.ts'
import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { keepCosignature } from '../audit/keep-cosignature.ts'
import { type SavedExport, saveExport } from '../audit/save-export.ts'
import { lastCheckpoint } from '../audit/tree.repository.ts'
import { changing, reading, type StationAccess } from './answers.ts'
import type { Publish } from './publish.ts'
import { bind } from './router.ts'

/** The log's key, its checkpoints and its exports. */
export function logBindings(access: StationAccess, version: string, publish: Publish, now: () => Date) {
  let exporting: AbortController | null = null
  let told = 0

  /** Ten times a second at most. */
  function progress(entries: number, total: number): void {
    const at = now().getTime()
    if (Math.abs(at - told) < 100) return
    told = at
    publish('audit.export-progress', { entries, total })
  }

  return {
    'audit.export': bind('audit.export', (selection) =>
      reading(access, async (station): Promise<Result<SavedExport, Failure>> => {
        const key = station.checkpoints.key()
        if (key === null) return err(noKey)
        if (exporting !== null) return err(busy)
        const abort = new AbortController()
        exporting = abort
        try {
          // So that the newest entries are in it; where that fails, it goes up to the last checkpoint.
          if (station.logState.kind === 'whole') await station.checkpoints.write()
          return await saveExport({
            db: readerOf(station.database.db),
            key,
            selection,
            folder: station.profile.exports,
            softwareVersion: version,
            now: now(),
            signal: abort.signal,
            onProgress: progress,
          })
        } finally {
          exporting = null
        }
      }),
    ),
    'audit.export-cancel': bind('audit.export-cancel', () => {
      exporting?.abort()
      return ok(null)
    }),
    'audit.checkpoint': bind('audit.checkpoint', () =>
      changing(access, async ({ checkpoints }) => {
        const written = await checkpoints.write()
        return written.ok ? ok({ size: written.value.size, note: written.value.note }) : written
      }),
    ),
    'audit.last-checkpoint': bind('audit.last-checkpoint', () =>
      reading(access, async ({ database }) => ok(await lastCheckpoint(readerOf(database.db)))),
    ),
    'audit.add-cosignature': bind('audit.add-cosignature', ({ text, witness }) =>
      changing(access, async ({ database, settings, checkpoints }) => {
        const kept = await keepCosignature(database.db, text, witness, settings().witnesses, now())
        if (!kept.ok && 'evidence' in kept.error) await checkpoints.contradictedBy(kept.error.evidence)
        // The checkpoint outside the database gets the line too; where that fails, the status says so.
        if (kept.ok) await checkpoints.write()
        return kept
      }),
    ),
    'incident.close-device': bind('incident.close-device', ({ opened, note }) =>
      changing(access, (station) => station.deviceLog.closeIncident(opened, note)),
    ),
    'audit.close-contradiction': bind('audit.close-contradiction', ({ contradiction, reason }) =>
      // Not `changing`: it is the one change that a station makes that is for reading only because of it.
      reading(access, (station) => station.closeContradiction(contradiction, reason)),
    ),
    'log.create-key': bind('log.create-key', () => changing(access, (station) => station.createLogKey())),
  }
}

const noKey: Failure = {
  kind: 'refused',
  code: 'log-key-absent',
  message: 'The log of this station has no key, so an export would prove nothing. Make the key of the log first.',
}
const busy: Failure = {
  kind: 'unavailable',
  code: 'export-running',
  message: 'An export is being written already. Wait until it is done, or stop it.',
}
