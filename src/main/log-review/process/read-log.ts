import { closeSync, openSync, readSync, realpathSync, statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { ok, type Result } from '../../../shared/result.ts'
import { maxExportLine, parseHeaderLine } from '../../audit/format/export-file.ts'
import type { VerifierKey } from '../../audit/format/signed-note.ts'
import type { Handed, Watcher } from '../../cli/handed.ts'
import { tablesFault } from '../../cli/log-tables.ts'
import { hasWriteAheadLog, type OpenedDatabase, openForeign, openLive } from '../../cli/open-database.ts'
import { linesOf } from '../../cli/read-lines.ts'
import { sqliteError, verifyTables } from '../../cli/verify-database.ts'
import { verifyExport } from '../../cli/verify-export.ts'
import type { Outcome } from '../../cli/verify-output.ts'
import type { LogState, ReadOutcome } from '../protocol.ts'

/** Why there is nothing to say of a log, for people. */
export interface Unreadable {
  readonly kind: 'unreadable'
  readonly sentence: string
}

export function unreadable(sentence: string): Unreadable {
  return { kind: 'unreadable', sentence }
}

/** Told how far a log was read, or copied to be read. */
export type Progress = (done: number, total: number | null, unit?: 'entries' | 'bytes') => void

/** What a file is by how it begins; the sentence says why it is nothing that can be read. */
export function kindOfLog(path: string): { readonly kind: 'export' | 'database' } | Unreadable {
  // Before it is opened: a pipe or a device would hold the process, or begin something.
  if (!statSync(path).isFile()) return unreadable('This is no file.')
  const start = Buffer.alloc(16)
  const file = openSync(path, 'r')
  try {
    const text = start.toString('latin1', 0, readSync(file, start, 0, start.length, 0))
    if (text.startsWith('SQLite format 3\0')) return { kind: 'database' }
    // A header of which one byte was changed is still an export that was tampered with; a picture is none.
    if (text.startsWith('{"')) return { kind: 'export' }
    return unreadable('This file is neither an export of a log nor a station’s database.')
  } finally {
    closeSync(file)
  }
}

/**
 * By which a log is known again. Links are followed: the write-ahead log of a database lies beside the file itself. Whoever writes
 * a file can set the time of its content, but not that of its inode; SQLite changes the latter where there is a write-ahead log.
 */
export function stateOf(path: string): LogState {
  const real = realpathSync(path)
  const parts = (hasWriteAheadLog(real) ? [real, `${real}-wal`] : [real]).map((name) =>
    statSync(name, { bigint: true }),
  )
  return {
    bytes: parts.reduce((sum, { size }) => sum + Number(size), 0),
    state: parts
      .map(({ dev, ino, size, mtimeNs, ctimeNs }) =>
        [dev, ino, size, mtimeNs, parts.length === 1 ? ctimeNs : ''].join(':'),
      )
      .join(' '),
  }
}

export interface ExportHead {
  readonly origin: string | null
  readonly selection: string | null
  readonly size: number | null
  readonly vkey: string | null
  readonly madeAt: string | null
}

export const noHead: ExportHead = { origin: null, selection: null, size: null, vkey: null, madeAt: null }

/** What an export says of itself; nothing of it is signed. */
export function headOfExport(path: string): ExportHead {
  const file = openSync(path, 'r')
  try {
    const first = linesOf(file, maxExportLine).next().value
    const header = first !== undefined && 'line' in first ? parseHeaderLine(first.line) : null
    return header?.ok === true ? header.value : noHead
  } finally {
    closeSync(file)
  }
}

/** The newest number that a database claims, for the progress alone. */
export function claimedSize(file: DatabaseSync): number | null {
  try {
    if (tablesFault(file) !== null) return null
    const size = file
      .prepare(
        `SELECT CASE WHEN max(seq) <= ${Number.MAX_SAFE_INTEGER} THEN max(seq) END AS size FROM audit_entry NOT INDEXED`,
      )
      .get()?.['size']
    return typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? size : null
  } catch (error) {
    // A table of another form is the verifier's business to name.
    if (sqliteError(error) === null) throw error
    return null
  }
}

/** The key that a log names itself. */
export function vkeyOf(path: string, file: DatabaseSync | null): string | null {
  if (file === null) return headOfExport(path).vkey
  try {
    if (tablesFault(file) !== null) return null
    const vkey = file.prepare('SELECT vkey FROM audit_log_key NOT INDEXED').get()?.['vkey']
    return typeof vkey === 'string' ? vkey : null
  } catch (error) {
    if (sqliteError(error) === null) throw error
    return null
  }
}

/** What was handed in beside the log: no signed file, nothing that has to be read. */
export function handedFor(
  path: string,
  beside: {
    readonly key?: VerifierKey | null
    readonly checkpoints?: Handed['checkpoints']
    readonly witnesses?: readonly VerifierKey[]
  } = {},
): Handed {
  return {
    wanted: {
      target: path,
      key: beside.key ?? null,
      checkpoints: [],
      consistency: [],
      witnesses: beside.witnesses ?? [],
      file: null,
      readEntries: false,
      json: false,
    },
    checkpoints: beside.checkpoints ?? [],
    consistency: [],
    signedFile: null,
  }
}

/** Verifies a log of either kind. `file`: the open database, so that whoever reads on sees the same state. */
export function verifyOpen(handed: Handed, file: DatabaseSync | null, watcher: Watcher): Outcome {
  return file === null ? verifyExport(handed, watcher) : verifyTables(file, handed, watcher)
}

/** `scratch`: where a foreign one may be copied to; null: it is our own, and open in main. */
export function openDatabase(path: string, scratch: string | null, progress: Progress): OpenedDatabase | Unreadable {
  const onBytes = (done: number, total: number) => progress(done, total, 'bytes')
  const opened = scratch === null ? liveDatabase(path) : openForeign(path, { scratch, onBytes })
  if (!opened.ok) return unreadable(opened.error)
  const { file } = opened.value
  // Before the first question: neither a function that a planted column calls nor what it computes may do harm here.
  file.exec('PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA hard_heap_limit = 268435456')
  return opened.value
}

function liveDatabase(path: string): Result<OpenedDatabase, string> {
  const file = openLive(path)
  return ok({ file, inOneState: true, close: () => file.close() })
}

/** As it crosses to main; the sentence of a log that cannot be read instead. */
export function crossing(outcome: Outcome): ReadOutcome | Unreadable {
  if (outcome.kind === 'usage') return unreadable(outcome.sentence)
  const { file: _file, facts, ...rest } = outcome
  const found =
    facts === null
      ? null
      : {
          ...facts,
          known: [...facts.known].slice(0, 100),
          cosigned: [...facts.cosigned].slice(0, 100),
          openIntents:
            facts.openIntents === null
              ? null
              : { count: facts.openIntents.length, first: facts.openIntents.slice(0, 100) },
        }
  return rest.kind === 'cannot-tell'
    ? { ...rest, doubts: rest.doubts.map((doubt) => ({ ...doubt })), facts: found }
    : { ...rest, facts: found }
}
