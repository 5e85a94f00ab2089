import { constants } from 'node:fs'
import { type FileHandle, link, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../db/database.ts'
import { databaseFailureOf } from '../../../db/database-failure.ts'
import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { type ExportFailure, type ExportSelection, exportLog } from './export.ts'
import { formatVerifierKey, type VerifierKey } from './format/signed-note.ts'

export interface SavedExport {
  readonly path: string
  /** Entries in the file. */
  readonly entries: number
  readonly bytes: number
}

export interface SaveExportParts {
  readonly db: ReadonlyKysely<Database>
  readonly key: VerifierKey
  readonly selection: ExportSelection
  /** Only its user can enter it. */
  readonly folder: string
  readonly softwareVersion: string
  readonly now: Date
  readonly signal: AbortSignal
  readonly onProgress: (entries: number, total: number) => void
}

/**
 * Writes an export under a name of ours, mode 0600, and the log's verifier key beside it. The file gets its name when it is whole
 * and on disk; one that was begun and not finished is removed.
 */
export async function saveExport(
  parts: SaveExportParts,
): Promise<Result<SavedExport, ExportFailure | Failure<'export-not-written'>>> {
  const { folder, key, now } = parts
  const name = `signing-log-${Buffer.from(key.id).toString('hex')}-${now.toISOString().replaceAll(/[-:.]/g, '')}`
  const path = join(folder, `${name}.jsonl`)
  const unfinished = `${path}.new`
  try {
    const handle = await open(
      unfinished,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    )
    try {
      const written = await writeTo(handle, parts)
      if (!written.ok) return written
      await handle.sync()
      // `link` fails where the name is taken; `rename` would replace what is there.
      await link(unfinished, path)
      await keepVerifierKey(folder, key)
      await syncFolder(folder)
      return ok({ path, ...written.value })
    } finally {
      await handle.close()
      await rm(unfinished, { force: true })
    }
  } catch (error) {
    if (databaseFailureOf(error) === null) throw error
    return err({
      kind: 'unavailable',
      code: 'export-not-written',
      message: `The export could not be written to ${folder}. Nothing of the log was changed. Make room there and try again.`,
      detail: error instanceof Error ? error.message : String(error),
    })
  }
}

async function writeTo(
  handle: FileHandle,
  { db, key, selection, softwareVersion, now, signal, onProgress }: SaveExportParts,
): Promise<Result<Omit<SavedExport, 'path'>, ExportFailure>> {
  let bytes = 0
  const exported = await exportLog({
    db,
    key,
    selection,
    softwareVersion,
    now,
    write: async (chunk) => {
      await handle.appendFile(chunk)
      bytes += chunk.length
    },
    onProgress: (done, size) => {
      onProgress(done, size)
      return signal.aborted
    },
  })
  return exported.ok ? ok({ entries: exported.value.entries, bytes }) : exported
}

/** The same key is the same bytes: a file that is there already is left alone. */
async function keepVerifierKey(folder: string, key: VerifierKey): Promise<void> {
  const path = join(folder, `signing-log-${Buffer.from(key.id).toString('hex')}.vkey`)
  try {
    const handle = await open(
      path,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    )
    try {
      await handle.writeFile(`${formatVerifierKey(key)}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
