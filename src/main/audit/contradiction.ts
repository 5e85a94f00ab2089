import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { type Sha256Hex, sha256Hex, utcTime } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { SignedCheckpoint } from './format/checkpoint.ts'
import { maxNoteBytes } from './format/signed-note.ts'

/**
 * A checkpoint that the key of this log signed and that the log does not contain, as it is kept beside the database. What brought
 * it may be unplugged the next moment: the station stays read-only by this record, until a person closes it.
 */
export const contradiction = z.strictObject({
  /** SHA-256 of the signed text: the same checkpoint with other lines of witnesses is the same contradiction. */
  id: sha256Hex,
  foundAt: utcTime,
  /** Where it lay, or who gave it. */
  path: z.string().max(4200),
  /** Entries that it is for. */
  size: z.int().nonnegative(),
  how: z.enum(['more-entries', 'other-entries']),
  /** The signed note as it was found. */
  note: z.string().max(maxNoteBytes),
})
export type Contradiction = z.infer<typeof contradiction>

/** What was found and where, before it is recorded. */
export interface Evidence {
  /** A file, or who gave the checkpoint. */
  readonly path: string
  readonly note: string
  readonly signed: SignedCheckpoint
  readonly how: Contradiction['how']
}

/** Where contradictions are kept outside the database: an older database that is put back does not take them away. */
export function contradictionFileOf(database: string): string {
  return `${database}.contradiction`
}

export function contradictionId({ note }: SignedCheckpoint): Sha256Hex {
  return sha256Hex.parse(createHash('sha256').update(note.text).digest('hex'))
}

/** One line of the file, and the value of a row in the database. */
export function contradictionLine(record: Contradiction): string {
  return JSON.stringify(record)
}

export function parseContradiction(line: string): Result<Contradiction, string> {
  try {
    const parsed = contradiction.safeParse(JSON.parse(line))
    return parsed.success ? ok(parsed.data) : err('a line of it is not a record of a contradiction')
  } catch {
    return err('a line of it is no JSON')
  }
}

/** So many different ones are kept: one is enough to stop everything. */
const mostKept = 50
const maxBytes = mostKept * 3 * maxNoteBytes

/** No file: none was found. The error says what is wrong with a file that is there, and must never be read as “none”. */
export function readContradictions(file: string): Result<readonly Contradiction[], string> {
  let handle: number
  try {
    handle = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const code = codeOf(error)
    return code === 'ENOENT' ? ok([]) : err(`it cannot be opened (${code})`)
  }
  try {
    const stat = fstatSync(handle)
    if (!stat.isFile() || stat.size > maxBytes) return err(stat.isFile() ? 'it is too large' : 'it is no file')
    const records: Contradiction[] = []
    for (const line of readFileSync(handle, 'utf8').split('\n').slice(0, -1)) {
      const parsed = parseContradiction(line)
      if (!parsed.ok) return parsed
      records.push(parsed.value)
    }
    return records.length === 0 ? err('it is empty') : ok(records)
  } catch (error) {
    return err(`it cannot be read (${codeOf(error)})`)
  } finally {
    closeSync(handle)
  }
}

/**
 * Adds a record, on disk when this returns; the file is replaced as a whole. If we crash before the rename the record is lost and
 * nothing else: it is found again where it was found. Blocks: nothing may happen between the finding and the record.
 */
export function addContradiction(file: string, record: Contradiction): Result<null, string> {
  const there = readContradictions(file)
  // What is there already stops the station as well as anything that could be added, and may be evidence.
  if (!there.ok) return err(`${file} is there, and ${there.error}`)
  if (there.value.length >= mostKept || there.value.some(({ id }) => id === record.id)) return ok(null)
  const unfinished = `${file}.new`
  try {
    rmSync(unfinished, { force: true })
    const handle = openSync(
      unfinished,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    )
    try {
      const bytes = Buffer.from([...there.value, record].map((each) => `${contradictionLine(each)}\n`).join(''))
      for (let done = 0; done < bytes.length; ) done += writeSync(handle, bytes, done)
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
    renameSync(unfinished, file)
    const folder = openSync(dirname(file), 'r')
    try {
      fsyncSync(folder)
    } finally {
      closeSync(folder)
    }
    return ok(null)
  } catch (error) {
    return err(`it cannot be written (${codeOf(error)})`)
  }
}

function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  throw error
}
