// The audit log of a station with a million entries: every query of its screen, and its list in the window:
// `node bench/log.bench.ts [ENTRIES]`. The list wants a built program. Counting what a filter leaves is an aggregate: told apart.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createStationDatabase } from '../db/create.ts'
import { readerOf } from '../db/database.ts'
import { openStationDatabase } from '../db/open.ts'
import { attach } from '../e2e/harness/fixtures.ts'
import { makeFolders, missing, removeFolders, startStation } from '../e2e/harness/station-process.ts'
import { makeStation } from '../e2e/workbench/many-requests.ts'
import { entriesOfRequest, listEntries, showEntry } from '../src/main/audit/audit.repository.ts'
import { longestTail } from '../src/main/audit/entry-index.ts'
import type { AuditFilter } from '../src/shared/audit.ts'
import { auditSeq } from '../src/shared/ids.ts'
import { appendRequests, digestOf, keyOf, operatorOf, requestOf } from './testing/large-log.ts'
import { scrollGrid, shareOf } from './testing/scroll.ts'

const entries = Number(process.argv[2] ?? 1_000_000)
const rounds = 30
const limitMs = 5
const page = 100
/** Of the frames, more than a page that stands still drops in the same window. */
const droppedLimit = 0.05
const say = (line: string) => void process.stdout.write(`${line}\n`)
const folder = mkdtempSync(join(tmpdir(), 'station-log-bench-'))
const missed: string[] = []

async function measure(what: string, work: (round: number) => Promise<unknown>, limit: number | null = limitMs) {
  const times: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const start = performance.now()
    await work(round)
    times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  const median = times[Math.floor(rounds / 2)] ?? 0
  if (limit !== null && !(median <= limit)) missed.push(what)
  say(
    `${what.padEnd(58)} median ${median.toFixed(2)} ms, longest ${(times.at(-1) ?? 0).toFixed(2)} ms${limit === null ? ' (an aggregate)' : ` (limit ${limit})`}`,
  )
}

/** The list of the log in the window of a station, from its newest entry on. */
async function scrollInWindow(): Promise<void> {
  const folders = makeFolders()
  try {
    await makeStation(folders)
    appendRequests(join(folders.profile, 'station.db'), entries)
    const started = performance.now()
    const station = startStation({ window: 'chromium', folders })
    const { page } = await attach(station)
    const status = () => page.evaluate(async () => window.station.stationStatus(null))
    for (;;) {
      const now = await status()
      if (!now.ok) throw new Error(now.error.message)
      if (now.value.station !== 'ready') throw new Error(`the station opened ${now.value.station}`)
      // Entries that no checkpoint covers are read once, beside everything else.
      if ((now.value.checkpoint?.size ?? 0) >= entries) break
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    say(
      `a station with it is open, and its checkpoint signed, after ${((performance.now() - started) / 1000).toFixed(1)} s`,
    )
    await page
      .getByRole('link', { name: 'Audit log' })
      .or(page.getByRole('button', { name: 'Audit log' }))
      .first()
      .click()
    const grid = page.getByRole('grid', { name: 'Audit log' })
    for (const [how, step] of [
      ['as with a wheel', 40],
      ['as fast as a thumb drags', 1200],
    ] as const) {
      const idle = shareOf(await scrollGrid(grid, 0))
      const moved = await scrollGrid(grid, step)
      const more = shareOf(moved) - idle
      if (more > droppedLimit) missed.push(how)
      say(
        `${entries} entries scrolled ${how}: ${moved.frames} frames, ${(shareOf(moved) * 100).toFixed(1)} % dropped, ${(idle * 100).toFixed(1)} % by a page that stands still (limit ${droppedLimit * 100} more); 95 % within ${moved.p95Ms.toFixed(1)} ms, longest ${moved.longestMs.toFixed(0)} ms`,
      )
    }
    station.kill('SIGTERM')
    await station.exit
  } finally {
    removeFolders(folders)
  }
}

try {
  const path = join(folder, 'station.db')
  const made = await createStationDatabase(path, async () => {})
  if (!made.ok) throw new Error(made.error.message)
  await made.value.close()
  const requests = appendRequests(path, entries)
  const opened = await openStationDatabase(path, 'read')
  if (!opened.ok) throw new Error(opened.error.message)
  const db = readerOf(opened.value.db)
  const some = (round: number) => Math.floor(((round * 7919 + 13) % requests) % requests)
  const list = (filter: AuditFilter, cursor: string | null = null, skip = 0) =>
    listEntries(db, filter, cursor, page, skip)
  say(`${requests * 12} entries of ${requests} requests, the last ${longestTail} not in the index yet`)

  await measure('the newest page', () => list({}))
  await measure('a page after a jump into the middle', (round) => list({}, null, some(round) * 10))
  await measure('one entry', (round) => showEntry(db, auditSeq.parse(some(round) * 12 + 5), async () => null))
  await measure('the entries of a request', (round) => entriesOfRequest(db, requestOf(some(round))))
  await measure('filter: request', (round) => list({ requestId: requestOf(some(round)) }))
  await measure('filter: work request', (round) => list({ workRequestId: some(round) + 1 }))
  await measure('filter: digest', (round) => list({ digest: digestOf(some(round), 2) }))
  await measure('filter: the beginning of a digest', (round) => list({ digest: digestOf(some(round), 2).slice(0, 8) }))
  await measure('filter: digest that is not there', (round) => list({ digest: `${round}`.padStart(64, 'f') }))
  await measure('filter: rare event', () => list({ event: 'login-failed' }))
  await measure('filter: rare purpose', () => list({ purpose: 'hab' }))
  await measure('filter: unknown operator', () => list({ operator: 'Nobody' }))
  await measure('filter: key and request', (round) =>
    list({ fingerprint: keyOf(some(round)), requestId: requestOf(some(round)) }),
  )
  await measure('filter: event, operator and work request', (round) =>
    list({ event: 'signed', operator: operatorOf(some(round)), workRequestId: some(round) + 1 }),
  )
  await measure('filter: key and the beginning of a digest', (round) =>
    list({ fingerprint: keyOf(some(round)), digest: digestOf(some(round), 2).slice(0, 10) }),
  )
  await measure('filter: rare event and a time', () =>
    list({ event: 'login-failed', since: '2026-01-02T03:04:15.000Z', until: '2026-01-02T03:05:00.000Z' }),
  )
  // What leaves a large part of the log is counted, which reads a row of an index for each.
  await measure('filter: an event of a third of the log, with its count', () => list({ event: 'signed' }), null)
  await measure(
    'filter: a key of a seventh of the log, with its count',
    (round) => list({ fingerprint: keyOf(round) }),
    null,
  )
  await measure(
    'filter: an operator of a fifth, with its count',
    (round) => list({ operator: operatorOf(round) }),
    null,
  )
  await measure('filter: a time, with its count', () => list({ since: '2026-01-02T03:04:06.000Z' }), null)
  await opened.value.close()

  const reason = existsSync(join(import.meta.dirname, '..', 'out', 'renderer')) ? missing() : 'the program is not built'
  if (reason === null) await scrollInWindow()
  else say(`the list in the window is not measured: ${reason}`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = missed.length === 0 ? 0 : 1
