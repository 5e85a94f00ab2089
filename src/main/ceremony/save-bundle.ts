import { constants } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { databaseFailureOf } from '../../../db/database-failure.ts'
import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Bundle } from './bundle.ts'

/** Where it was put, under names of ours. */
export interface SavedBundle {
  readonly folder: string
  readonly bundle: string
  /** File names of backups beside it. */
  readonly backups: readonly string[]
}

/** Writes the evidence, and the backups beside it, into a new folder that only its user can enter; each file is on disk when it answers. */
export async function saveBundle(
  exports: string,
  { ceremonyId, bundle, now }: { readonly ceremonyId: string; readonly bundle: Bundle; readonly now: Date },
): Promise<Result<SavedBundle, Failure>> {
  const folder = join(exports, `ceremony-${ceremonyId}-${now.toISOString().replaceAll(/[-:.]/g, '')}`)
  try {
    await mkdir(folder, { mode: 0o700 })
    await write(folder, 'evidence.zip', bundle.zip)
    for (const { name, content } of bundle.backups) await write(folder, name, content)
    await sync(folder)
    return ok({ folder, bundle: 'evidence.zip', backups: bundle.backups.map(({ name }) => name) })
  } catch (error) {
    if (databaseFailureOf(error) === null) throw error
    return err({
      kind: 'unavailable',
      code: 'bundle-not-written',
      message: `The evidence could not be written to ${folder}. What is sealed is kept. Make room there and try again.`,
      detail: error instanceof Error ? error.message : String(error),
    })
  }
}

async function write(folder: string, name: string, content: Uint8Array): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  const handle = await open(join(folder, name), flags, 0o600)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function sync(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
