import { createHash, type Hash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { Failure } from '../../shared/failure.ts'
import { type Sha256Hex, sha256Hex } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { copyRows } from './dump-copy.ts'
import { jsonRows } from './dump-json.ts'
import type { DumpRow } from './dump-row.ts'

export type DumpFailure = Failure<
  | 'dump-unreadable'
  | 'dump-too-large'
  | 'dump-format'
  | 'dump-truncated'
  | 'dump-malformed'
  | 'dump-without-keys'
  | 'dump-too-many'
>

export interface Dump {
  readonly format: 'postgresql-copy' | 'django-json'
  readonly sha256: Sha256Hex
  readonly rows: readonly DumpRow[]
}

export const maxDumpBytes = 4 * 1024 ** 3
/** Rows of the keys' table; more are no signing service. */
export const maxDumpKeys = 2000
const chunkBytes = 256 * 1024

/**
 * Reads the keys out of a dump of debusine-signing's database: a plain one of PostgreSQL (`pg_dump`), or Django's (`dumpdata`). What
 * belongs to other tables is passed over unread. The file is somebody else's: it is read in pieces, and nothing of it is kept but rows of keys.
 */
export async function readDump(path: string, signal: AbortSignal): Promise<Result<Dump, DumpFailure>> {
  let handle: FileHandle
  try {
    // Not blocking: a pipe under this name must not hold the program up.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    return err(unreadable(codeOf(error)))
  }
  try {
    const stat = await handle.stat()
    if (!stat.isFile()) return err(unreadable('it is no regular file'))
    if (stat.size > maxDumpBytes) return err(tooLarge)
    const hash = createHash('sha256')
    const chunks = chunksOf(handle, hash, signal)
    const first = await chunks.next()
    const start = first.done === true ? Buffer.alloc(0) : first.value
    const foreign = foreignFormat(start)
    if (foreign !== null) return err(foreign)
    const isJson = /^\s*\[/.test(start.subarray(0, 1024).toString('latin1'))
    const all = startingWith(start, chunks)
    const rows = await (isJson ? jsonRows(all, maxDumpKeys) : copyRows(all, maxDumpKeys))
    if (!rows.ok) return rows
    if (rows.value.length === 0) return err(withoutKeys)
    return ok({
      format: isJson ? 'django-json' : 'postgresql-copy',
      sha256: sha256Hex.parse(hash.digest('hex')),
      rows: rows.value,
    })
  } catch (error) {
    const code = codeOf(error)
    if (code === 'unknown') throw error
    return err(unreadable(code))
  } finally {
    await handle.close()
  }
}

async function* chunksOf(handle: FileHandle, hash: Hash, signal: AbortSignal): AsyncGenerator<Buffer, void> {
  let total = 0
  for (;;) {
    if (signal.aborted) throw Object.assign(new Error('stopped'), { code: 'ECANCELED' })
    // A new buffer each time: rows keep views of it.
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, null)
    if (bytesRead === 0) return
    total += bytesRead
    // It grows while it is read.
    if (total > maxDumpBytes) throw Object.assign(new Error('too large'), { code: 'EFBIG' })
    const piece = buffer.subarray(0, bytesRead)
    hash.update(piece)
    yield piece
  }
}

async function* startingWith(first: Buffer, rest: AsyncGenerator<Buffer, void>): AsyncGenerator<Buffer, void> {
  if (first.length > 0) yield first
  yield* rest
}

/** Forms of a dump that people make by habit, each with the command that makes one that is read here. */
function foreignFormat(start: Buffer): DumpFailure | null {
  if (start.subarray(0, 5).toString('latin1') === 'PGDMP')
    return format('This is a dump in PostgreSQL’s custom format. Make a plain one: pg_restore --file=keys.sql DUMP')
  if (start[0] === 0x1f && start[1] === 0x8b) return format('This is a gzip file. Unpack it first.')
  if (start.includes(0)) return format('This is no text. Make a plain dump: pg_dump --table=signing_key')
  return null
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown'
}

function format(message: string): DumpFailure {
  return { kind: 'invalid', code: 'dump-format', message: `${message}. Nothing was taken.`.replace('..', '.') }
}
function unreadable(detail: string): DumpFailure {
  return {
    kind: 'unavailable',
    code: 'dump-unreadable',
    message: 'The dump cannot be read. Nothing was taken. Check its path and that it is a file of yours.',
    detail,
  }
}
const tooLarge: DumpFailure = {
  kind: 'invalid',
  code: 'dump-too-large',
  message:
    'The dump is larger than 4 GiB. Nothing was taken. Dump the table of the keys alone: pg_dump --table=signing_key debusine-signing',
}
const withoutKeys: DumpFailure = {
  kind: 'invalid',
  code: 'dump-without-keys',
  message:
    'No row of debusine-signing’s table of keys (signing_key) is in this file. Nothing was taken. Dump the database of the signing worker, not that of the server: pg_dump debusine-signing, or debusine-signing dumpdata signing.key',
}
