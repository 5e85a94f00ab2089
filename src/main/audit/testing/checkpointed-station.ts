import { closeSync, openSync, writeSync } from 'node:fs'
import { readerOf } from '../../../../db/database.ts'
import { ok } from '../../../shared/result.ts'
import { testMedia } from '../../media/testing/test-media.ts'
import { checkpointFileOf } from '../checkpoint-file.ts'
import { type Checkpointer, createCheckpointer } from '../checkpointer.ts'
import { type ExportSelection, everything, exportLog } from '../export.ts'
import { formatVerifierKey } from '../format/signed-note.ts'
import type { LogKey } from '../log-key.ts'
import { type AuditStation, auditStation, tickingClock } from './audit-station.ts'
import { type SampleKey, sampleKey } from './sample-log.ts'

export function logKeyOf({ key, sign }: SampleKey): LogKey {
  return { key, vkey: formatVerifierKey(key), sign: async (text) => ok(sign(Buffer.from(text))) }
}

export interface CheckpointedStation extends AuditStation {
  readonly checkpointer: Checkpointer
  readonly logKey: LogKey
  /** The note of a checkpoint over what is there now. */
  readonly checkpoint: () => Promise<string>
  readonly exportTo: (path: string, selection?: Partial<ExportSelection>) => Promise<void>
}

/** A station in a real file with a log key made from a word. */
export async function checkpointedStation(
  path: string,
  by: SampleKey = sampleKey(),
  folders: readonly string[] = [],
): Promise<CheckpointedStation> {
  const station = await auditStation(path)
  const logKey = logKeyOf(by)
  const checkpointer = createCheckpointer({
    media: testMedia(),
    db: station.db,
    key: logKey,
    file: checkpointFileOf(path),
    folders: () => folders,
    now: tickingClock('2026-02-03T00:00:00.000Z'),
  })
  return {
    ...station,
    checkpointer,
    logKey,
    checkpoint: async () => {
      const written = await checkpointer.write()
      if (!written.ok) throw new Error(written.error.message)
      return written.value.note
    },
    exportTo: async (file, selection = {}) => {
      const handle = openSync(file, 'w')
      const done = await exportLog({
        db: readerOf(station.db),
        key: logKey.key,
        selection: { ...everything, ...selection },
        softwareVersion: '0.1.0',
        now: new Date('2026-03-04T05:06:07.000Z'),
        write: async (chunk) => {
          writeSync(handle, chunk)
        },
      })
      closeSync(handle)
      if (!done.ok) throw new Error(done.error.message)
    },
  }
}
