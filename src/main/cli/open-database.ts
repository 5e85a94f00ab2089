import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readSync,
  realpathSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { err, ok, type Result } from '../../shared/result.ts'

/** A database that is open for reading. */
export interface OpenedDatabase {
  readonly file: DatabaseSync
  /** It is read in one state, whoever writes the original meanwhile. */
  readonly inOneState: boolean
  /** Closes it, and removes the copy where one was made. */
  readonly close: () => void
}

export interface CopyOptions {
  /** Where a copy may be made: the path of a file that is not there yet. */
  readonly scratch: string
  /** Told while it is copied. */
  readonly onBytes?: (done: number, total: number) => void
  /** Bytes that are copied at most. A station's log of ten million entries has about as many. */
  readonly limit?: number
}

const defaultLimit = 32 * 1024 ** 3
/** What is left free on the disk of the copy. */
const spare = 64 * 1024 ** 2
const tries = 3

/**
 * Opens a database of somebody else's so that nothing is written beside it. Where there is no write-ahead log the file is all there is,
 * and is opened as one that nobody changes. Where there is one it belongs to the log and must be read with it; SQLite would put its
 * index of it (`-shm`) beside it, so both are copied and the copy is opened. The error is a sentence.
 */
export function openForeign(path: string, options: CopyOptions): Result<OpenedDatabase, string> {
  // SQLite follows links before it looks for the write-ahead log, so that lies beside the file and not beside a link to it.
  const real = realpathSync(path)
  if (!hasWriteAheadLog(real)) return ok(opened(openImmutable(real), false))
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const copied = copyBoth(real, options)
    if (!copied.ok) return copied
    if (copied.value) {
      const remove = () => removeCopy(options.scratch)
      try {
        return ok(opened(new DatabaseSync(options.scratch, { readOnly: true }), true, remove))
      } catch (error) {
        remove()
        throw error
      }
    }
  }
  // A program that writes it has its index there already, and keeps it in order: none appears.
  if (existsSync(`${real}-shm`)) return ok(opened(openLive(real), true))
  return err('The database was written while it was copied. Close the program that writes it, or make an export.')
}

/** Our own, which this program has open itself: its write-ahead log and its index are there already. */
export function openLive(path: string): DatabaseSync {
  const real = realpathSync(path)
  return hasWriteAheadLog(real) ? new DatabaseSync(real, { readOnly: true }) : openImmutable(real)
}

/** Of the file itself, not of a link to it. */
export function hasWriteAheadLog(path: string): boolean {
  const wal = `${path}-wal`
  return existsSync(wal) && statSync(wal).size > 0
}

function openImmutable(real: string): DatabaseSync {
  const url = pathToFileURL(real)
  url.search = '?immutable=1'
  return new DatabaseSync(url, { readOnly: true })
}

function opened(file: DatabaseSync, inOneState: boolean, after: () => void = () => {}): OpenedDatabase {
  return {
    file,
    inOneState,
    close: () => {
      file.close()
      after()
    },
  }
}

/** False: they were written meanwhile, and the copy is of no state that they ever had. Nothing of it is left then. */
function copyBoth(real: string, { scratch, onBytes, limit = defaultLimit }: CopyOptions): Result<boolean, string> {
  const before = stampOf(real)
  const total = statSync(real).size + statSync(`${real}-wal`).size
  if (total > limit)
    return err(
      `The database has ${total} bytes with its write-ahead log, and more than ${limit} are not copied to be read. Make an export of it.`,
    )
  const { bavail, bsize } = statfsSync(dirname(scratch))
  if (bavail * bsize < total + spare)
    return err(
      `The database has ${total} bytes and has to be copied to be read, and there is not so much room in ${dirname(scratch)}. Nothing was written.`,
    )
  try {
    const halfway = copyFile(real, scratch, total, (done) => onBytes?.(done, total))
    copyFile(`${real}-wal`, `${scratch}-wal`, total - halfway, (done) => onBytes?.(halfway + done, total))
    if (stampOf(real) === before) return ok(true)
    removeCopy(scratch)
    return ok(false)
  } catch (error) {
    removeCopy(scratch)
    throw error
  }
}

/** Bytes that were copied; a file that grows under the reader is left at `most`. */
function copyFile(from: string, to: string, most: number, onBytes: (done: number) => void): number {
  const source = openSync(from, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const target = openSync(to, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
    try {
      const buffer = Buffer.alloc(1024 * 1024)
      let done = 0
      while (done < most) {
        const read = readSync(source, buffer, 0, Math.min(buffer.length, most - done), done)
        if (read === 0) break
        for (let written = 0; written < read; ) written += writeSync(target, buffer, written, read - written)
        done += read
        onBytes(done)
      }
      return done
    } finally {
      closeSync(target)
    }
  } finally {
    closeSync(source)
  }
}

function stampOf(real: string): string {
  return [real, `${real}-wal`]
    .map((name) => {
      const stat = statSync(name, { bigint: true, throwIfNoEntry: false })
      return stat === undefined ? 'none' : [stat.dev, stat.ino, stat.size, stat.mtimeNs].join(':')
    })
    .join(' ')
}

function removeCopy(scratch: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${scratch}${suffix}`, { force: true })
}
