import { randomBytes } from 'node:crypto'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { openReviewIndex, type ReviewIndex, removeReviewIndex } from '../../../db/review-index.ts'
import type {
  AuditDetail,
  AuditFilter,
  AuditSource,
  LogComparison,
  OpenedLog,
  VerificationReport,
} from '../../shared/audit.ts'
import type { Failure } from '../../shared/failure.ts'
import type { AuditSeq } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { type AuditPage, listEntries, type Numbers, showEntry } from '../audit/audit.repository.ts'
import { proofIn } from '../audit/proofs.ts'
import { LogReader, type LogReaderOptions } from './log-reader.ts'
import type { ReadJob } from './protocol.ts'
import { reportOf } from './report.ts'

/** What is known of a log outside it. */
export interface KnownOfLog {
  readonly vkey: string | null
  readonly checkpoints: readonly { readonly path: string; readonly text: string }[]
  readonly witnesses: readonly string[]
}

const nothingKnown: KnownOfLog = { vkey: null, checkpoints: [], witnesses: [] }

/** Foreign logs, one at a time, and everything that reads a whole log. Needs no station. */
export interface ReviewDesk {
  /** Verifies a database of our own against what is known of it elsewhere. */
  verifyOwn(path: string, known: KnownOfLog): Promise<Result<VerificationReport, Failure>>
  /** Verifies the log that is open again. */
  verifyOpened(): Promise<Result<VerificationReport, Failure>>
  /** `known`: what the reviewer has from elsewhere; it counts for as long as the log is open. */
  open(path: string, known?: KnownOfLog): Promise<Result<OpenedLog, Failure>>
  opened(): OpenedLog | null
  list(filter: AuditFilter, cursor: string | null, limit: number, skip: number): Promise<Result<AuditPage, Failure>>
  show(seq: AuditSeq): Promise<Result<AuditDetail | null, Failure>>
  closeOpened(): Promise<void>
  compare(older: string, newer: string): Promise<Result<LogComparison, Failure>>
  /** Stops whatever reads a log. */
  cancel(): void
  close(): Promise<void>
}

export interface ReviewDeskParts extends LogReaderOptions {
  readonly now: () => Date
  /** `bytes`: a database is copied, so that nothing is written beside it. */
  readonly onProgress: (source: AuditSource, done: number, total: number | null, unit: 'entries' | 'bytes') => void
}

interface Opened {
  readonly log: OpenedLog
  readonly known: KnownOfLog
  /** By which the file is known again. */
  readonly state: string
  readonly index: ReviewIndex
  readonly numbers: Numbers | null
  /** What reads the index just now: it is not closed under it. */
  readonly reading: Set<Promise<unknown>>
}

export function createReviewDesk(parts: ReviewDeskParts): ReviewDesk {
  const reader = new LogReader(parts)
  let running: { readonly abort: AbortController; readonly done: Promise<unknown> } | null = null
  let opened: Opened | null = null
  let closing = false
  // What a program that was killed left behind.
  for (const name of readdirSync(parts.folder))
    if (/\.(?:index|copy)(?:-journal|-wal|-shm)?$/.test(name)) rmSync(join(parts.folder, name), { force: true })

  /** Copies that the process that reads now may have made. */
  const copies: string[] = []
  function scratch(): string {
    const path = join(parts.folder, `${randomBytes(8).toString('hex')}.copy`)
    copies.push(path)
    return path
  }

  /** One log is read at a time: two would only take each other's time. */
  async function alone<T>(
    source: AuditSource,
    work: (run: <J extends ReadJob>(job: J) => ReturnType<typeof reader.run<J>>) => Promise<Result<T, Failure>>,
  ): Promise<Result<T, Failure>> {
    if (running !== null || closing) return err(busy)
    const abort = new AbortController()
    const done = work((job) =>
      reader.run(job, abort.signal, (read, total, unit) => parts.onProgress(source, read, total, unit)),
    )
    running = { abort, done }
    try {
      return await done
    } finally {
      // The process removes its copies itself, unless it was stopped.
      for (const copy of copies.splice(0)) removeReviewIndex(copy)
      running = null
    }
  }

  async function closeOpened(): Promise<void> {
    const before = opened
    opened = null
    if (before === null) return
    await Promise.allSettled(before.reading)
    await before.index.close()
  }

  async function reading<T>(work: (from: Opened) => Promise<T>): Promise<Result<T, Failure>> {
    if (opened === null) return err(nothingOpen)
    const from = opened.reading
    const done = work(opened)
    from.add(done)
    try {
      return ok(await done)
    } finally {
      from.delete(done)
    }
  }

  async function verify(
    source: AuditSource,
    path: string,
    { vkey, checkpoints, witnesses }: KnownOfLog,
    state: string | null = null,
  ): Promise<Result<VerificationReport, Failure>> {
    return alone(source, async (run) => {
      const read = await run({
        op: 'verify',
        path,
        scratch: source === 'station' ? null : scratch(),
        state,
        vkey,
        checkpoints: [...checkpoints],
        witnesses: [...witnesses],
      })
      if (!read.ok) return read
      const keyFrom = vkey === null ? 'log' : source === 'station' ? 'station' : 'reviewer'
      return ok(reportOf(read.value.outcome, keyFrom, parts.now()))
    })
  }

  return {
    verifyOwn: (path, known) => verify('station', path, known),
    verifyOpened: async () => {
      const asked = opened
      if (asked === null) return err(nothingOpen)
      const found = await verify('opened', asked.log.path, asked.known, asked.state)
      if (found.ok && rootOf(found.value) !== rootOf(asked.log.report)) return err(otherLog)
      if (found.ok && opened === asked) opened = { ...asked, log: { ...asked.log, report: found.value } }
      return found
    },
    open: (path, known = nothingKnown) =>
      alone('opened', async (run) => {
        const place = join(parts.folder, `${randomBytes(8).toString('hex')}.index`)
        const { vkey, checkpoints, witnesses } = known
        const read = await run({
          op: 'open',
          path,
          scratch: scratch(),
          index: place,
          vkey,
          checkpoints: [...checkpoints],
          witnesses: [...witnesses],
        })
        if (!read.ok) {
          removeReviewIndex(place)
          return read
        }
        const { what, outcome, origin, selection, entries, gaps, state } = read.value
        await closeOpened()
        const index = openReviewIndex(place, entries)
        const log = {
          kind: what,
          path,
          origin,
          selection,
          entries,
          report: reportOf(outcome, vkey === null ? 'log' : 'reviewer', parts.now()),
        }
        const numbers = gaps ? { count: entries, ...index.placed } : null
        opened = { log, known, state, index, numbers, reading: new Set() }
        return ok(log)
      }),
    opened: () => opened?.log ?? null,
    list: (filter, cursor, limit, skip) =>
      reading(({ index, numbers }) => listEntries(index.reader, filter, cursor, limit, skip, numbers)),
    show: (seq) => reading(({ index }) => showEntry(index.reader, seq, (wanted) => proofIn(index.reader, wanted))),
    closeOpened,
    compare: (older, newer) =>
      alone('opened', async (run) => {
        const read = await run({ op: 'compare', older, newer, scratch: { older: scratch(), newer: scratch() } })
        if (!read.ok) return read
        const { kind: _kind, ...comparison } = read.value
        return ok(comparison)
      }),
    cancel: () => running?.abort.abort(),
    close: async () => {
      closing = true
      running?.abort.abort()
      await running?.done.catch(() => null)
      await closeOpened()
    },
  }
}

function rootOf({ facts }: VerificationReport): string | null {
  return facts?.lastCheckpoint?.rootHash ?? null
}

const otherLog: Failure = {
  kind: 'invalid',
  code: 'log-unreadable',
  message:
    'The file was changed after it was opened: what is listed is what it held before. Open it again. The list and its verdict were left as they are.',
}
const busy: Failure = {
  kind: 'unavailable',
  code: 'log-reader-busy',
  message: 'Another log is being read. Wait until that is done, or stop it, then try again.',
}
const nothingOpen: Failure = {
  kind: 'refused',
  code: 'no-opened-log',
  message: 'No other log is open. Open one first.',
}
