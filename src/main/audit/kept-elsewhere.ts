import { realpath } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'
import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../db/database.ts'
import type { Settings } from '../../shared/settings.ts'
import { checkpointFileName, checkpointFileOf, readCheckpoint } from './checkpoint-file.ts'
import type { SignedCheckpoint } from './format/checkpoint.ts'
import { parseVerifierKey, type VerifierKey } from './format/signed-note.ts'
import type { Media } from './media.ts'

export interface KeptElsewhere {
  /** In the operator's folders, outside the profile folder: what a verdict is made with. */
  readonly outside: readonly { readonly path: string; readonly text: string }[]
  /** Beside the database. It comes and goes with it, so it shows faults and excludes nothing. */
  readonly beside: { readonly path: string; readonly text: string; readonly signed: SignedCheckpoint } | null
  /** Verifier keys of the settings' witnesses that cosigned something here; the others have nothing to be checked. */
  readonly witnesses: readonly string[]
}

/** The checkpoints of this log outside its database: the file beside it, and the copies in the operator's folders. */
export async function keptElsewhere(
  db: ReadonlyKysely<Database>,
  database: string,
  key: VerifierKey,
  { checkpointFolders, witnesses }: Pick<Settings, 'checkpointFolders' | 'witnesses'>,
  media: Media,
): Promise<KeptElsewhere> {
  // What is there and is no checkpoint of ours is a warning in the status, and for the start-up check.
  const besidePath = checkpointFileOf(database)
  const beside = await readCheckpoint(besidePath, key)
  const outside = await Promise.all(
    checkpointFolders.map((folder) =>
      media.soon(folder, async () => {
        const path = join(folder, checkpointFileName(key))
        const kept = await readCheckpoint(path, key)
        return kept.kind === 'kept' && !(await isInside(folder, dirname(database))) ? { path, text: kept.text } : null
      }),
    ),
  )
  const cosigned = new Set(
    (await db.selectFrom('audit_cosignature').select('witness').distinct().execute()).map(({ witness }) => witness),
  )
  return {
    outside: outside.filter((kept) => kept !== null),
    beside: beside.kind === 'kept' ? { path: besidePath, text: beside.text, signed: beside.signed } : null,
    witnesses: witnesses.filter((vkey) => {
      const witness = parseVerifierKey(vkey)
      return witness.ok && cosigned.has(witness.value.name)
    }),
  }
}

/** Whether a folder is `outer` or lies in it, through whatever links; one that is not there yet is where it would be made. */
export async function isInside(folder: string, outer: string): Promise<boolean> {
  const way = relative(await realpath(outer), await placeOf(folder))
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`))
}

async function placeOf(folder: string): Promise<string> {
  try {
    return await realpath(folder)
  } catch {
    // Whatever the reason, nothing can be read there now.
    const parent = dirname(folder)
    return parent === folder ? folder : join(await placeOf(parent), basename(folder))
  }
}
