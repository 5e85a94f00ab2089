import { join } from 'node:path'
import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../db/database.ts'
import type { Settings } from '../../shared/settings.ts'
import { checkpointFileName, checkpointFileOf, readCheckpoint } from './checkpoint-file.ts'
import { parseVerifierKey, type VerifierKey } from './format/signed-note.ts'

export interface KeptElsewhere {
  /** Something of it lies outside the profile folder. What lies beside the database comes and goes with it. */
  readonly outside: boolean
  readonly checkpoints: readonly { readonly path: string; readonly text: string }[]
  /** Verifier keys of the settings' witnesses that cosigned something here; the others have nothing to be checked. */
  readonly witnesses: readonly string[]
}

/** The checkpoints of this log outside its database: the file beside it, and the copies in the operator's folders. */
export async function keptElsewhere(
  db: ReadonlyKysely<Database>,
  database: string,
  key: VerifierKey,
  { checkpointFolders, witnesses }: Pick<Settings, 'checkpointFolders' | 'witnesses'>,
): Promise<KeptElsewhere> {
  const beside = checkpointFileOf(database)
  const paths = [beside, ...checkpointFolders.map((folder) => join(folder, checkpointFileName(key)))]
  const checkpoints: { path: string; text: string }[] = []
  for (const path of paths) {
    const kept = await readCheckpoint(path, key)
    // What is there and is no checkpoint of ours is a warning in the status, and for the start-up check.
    if (kept.kind === 'kept') checkpoints.push({ path, text: kept.text })
  }
  const cosigned = new Set(
    (await db.selectFrom('audit_cosignature').select('witness').distinct().execute()).map(({ witness }) => witness),
  )
  return {
    outside: checkpoints.some(({ path }) => path !== beside),
    checkpoints,
    witnesses: witnesses.filter((vkey) => {
      const witness = parseVerifierKey(vkey)
      return witness.ok && cosigned.has(witness.value.name)
    }),
  }
}
