import { parseVerifierKey, type VerifierKey } from '../../audit/format/signed-note.ts'
import type { Handed } from '../../cli/handed.ts'
import { sqliteError } from '../../cli/verify-database.ts'
import type { ReadAnswer, ReadJob } from '../protocol.ts'
import {
  claimedSize,
  crossing,
  handedFor,
  headOfExport,
  kindOfLog,
  openDatabase,
  type Progress,
  stateOf,
  type Unreadable,
  unreadable,
  verifyOpen,
} from './read-log.ts'

/** Reads a log as an auditor does, against what is known of it from elsewhere. */
export function verifyKnown(job: Extract<ReadJob, { op: 'verify' }>, progress: Progress): ReadAnswer<'verify'> {
  return readSafely(job.path, () => {
    const what = kindOfLog(job.path)
    if (what.kind === 'unreadable') return what
    if (isOther(job)) return exchanged
    const handed = handedBy(job)
    const database = what.kind === 'database' ? openDatabase(job.path, job.scratch, progress) : null
    if (database !== null && 'kind' in database) return database
    const file = database?.file ?? null
    try {
      const total = file === null ? headOfExport(job.path).size : claimedSize(file)
      const outcome = crossing(verifyOpen(handed, file, { entry: (seq) => progress(seq, total) }))
      if (outcome.kind === 'unreadable') return outcome
      return isOther(job) ? exchanged : { kind: 'report', outcome }
    } finally {
      database?.close()
    }
  })
}

/** The verdict is put over the list that was made of the file: of another one it must not be. */
function isOther({ path, state }: Extract<ReadJob, { op: 'verify' }>): boolean {
  return state !== null && stateOf(path).state !== state
}

const exchanged = unreadable(
  'The file was changed after it was opened: what is listed is what it held before. Open it again.',
)

/** What main knows of the log from elsewhere, as the verifier takes it. */
export function handedBy(job: Extract<ReadJob, { op: 'verify' | 'open' }>): Handed {
  const key = job.vkey === null ? null : keyOf(job.vkey)
  return handedFor(job.path, { key, witnesses: job.witnesses.map(keyOf), checkpoints: job.checkpoints })
}

function keyOf(vkey: string): VerifierKey {
  const key = parseVerifierKey(vkey)
  // Main hands in keys that it has parsed.
  if (!key.ok) throw new Error(key.error)
  return key.value
}

/** What the file system and SQLite refuse is a sentence; anything else is a defect. */
export function readSafely<T>(path: string, read: () => T): T | Unreadable {
  try {
    return read()
  } catch (error) {
    const sqlite = sqliteError(error)
    if (sqlite !== null)
      return unreadable(
        sqlite.damaged
          ? `The database is damaged and cannot be read at all: ${sqlite.message}.`
          : `The database cannot be read: ${sqlite.message}. Copy it, with the files beside it, to a folder that you may write.`,
      )
    if (!(error instanceof Error && 'code' in error && 'syscall' in error)) throw error
    return unreadable(
      error.code === 'ENOENT' ? `There is no file ${path}.` : `The file cannot be read (${String(error.code)}).`,
    )
  }
}
