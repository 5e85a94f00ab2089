import { realpath } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../db/database.ts'
import type { Settings } from '../../shared/settings.ts'
import type { FolderAccess, Media } from '../media/media.ts'
import { checkpointFileName, checkpointFileOf, readCheckpoint } from './checkpoint-file.ts'
import { readFrom } from './checkpoint-places.ts'
import type { SignedCheckpoint } from './format/checkpoint.ts'
import { parseVerifierKey, type VerifierKey } from './format/signed-note.ts'

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
      media.soon(folder, async (at) => {
        const name = checkpointFileName(key)
        const kept = await readFrom(at, name, key)
        // A folder that does not say where it is counts as inside.
        return kept.kind === 'kept' && (await isInside(at, dirname(database))) === false
          ? { path: join(folder, name), text: kept.text }
          : null
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

/** Whether a folder is `outer` or lies in it, through whatever links. Null: it does not answer. */
export async function isInside(at: FolderAccess, outer: string): Promise<boolean | null> {
  const place = await at.place()
  if (place === null) return null
  const way = relative(await realpath(outer), place)
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`))
}
