// What checkpoints and their verification cost: `node bench/tree.bench.ts [FOLDER [ENTRIES]]`. All ratios are of one run.
// Verification (scan, hash, links, tree, checkpoints) next to a loop that only reads the rows and hashes the entries; memory of
// the verifier at a hundredth of the log and at all of it; a durable append with its checkpoint next to fdatasync.
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  fdatasyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { DatabaseSync } from 'node:sqlite'
import BetterSqlite3 from 'better-sqlite3'
import { createStationDatabase } from '../db/create.ts'
import { readerOf } from '../db/database.ts'
import { openStationDatabase } from '../db/open.ts'
import { createEntryIndexer } from '../src/main/audit/entry-index.ts'
import { checkpointText, signedCheckpoint } from '../src/main/audit/format/checkpoint.ts'
import { encodeEntry, leafHash } from '../src/main/audit/format/encode.ts'
import { growTree } from '../src/main/audit/format/merkle.ts'
import { formatVerifierKey } from '../src/main/audit/format/signed-note.ts'
import { proveEntry } from '../src/main/audit/proofs.ts'
import { saveExport } from '../src/main/audit/save-export.ts'
import { checkpointedStation } from '../src/main/audit/testing/checkpointed-station.ts'
import { sampleIntent } from '../src/main/audit/testing/sample-entries.ts'
import { sampleKey } from '../src/main/audit/testing/sample-log.ts'
import { isStoredLevel } from '../src/main/audit/tree.repository.ts'
import { verifyTarget } from '../src/main/cli/verify-target.ts'
import { entryUrl } from '../src/main/digest/entry-url.ts'
import { createReviewDesk } from '../src/main/log-review/review-desk.ts'
import { auditSeq, sha256Hex } from '../src/shared/ids.ts'

const entries = Number(process.argv[3] ?? 1_000_000)
const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'station-bench-'))
const log = sampleKey()
const vkey = formatVerifierKey(log.key)
/** A checkpoint for so many entries. A station writes one for each decision; each costs what "a checkpoint" says below. */
const step = 1000

const say = (what: string, value: string) => process.stdout.write(`${what.padEnd(64)} ${value}\n`)
const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`
const timed = <T>(work: () => T): { readonly ms: number; readonly value: T } => {
  const start = performance.now()
  const value = work()
  return { ms: performance.now() - start, value }
}

/** A log of `count` entries under `name`, written straight into the tables: the rows are what the station writes, the speed is not. */
async function makeLog(name: string, count: number): Promise<{ readonly path: string; readonly checkpoint: string }> {
  const path = join(folder, `${name}.db`)
  const made = await createStationDatabase(path, async () => {})
  if (!made.ok) throw new Error(made.error.message)
  await made.value.close()
  const file = new BetterSqlite3(path)
  file.pragma('synchronous = OFF')
  const triggers = file
    .prepare<[], { name: string; sql: string }>(`select name, sql from sqlite_schema where type = 'trigger'`)
    .all()
  for (const trigger of triggers) file.exec(`drop trigger ${trigger.name}`)
  const insert = file.prepare(
    `insert into audit_entry (seq, entry, leaf_hash, prev_hash, at, event) values (?, ?, ?, ?, ?, 'intent')`,
  )
  const checkpoint = file.prepare('insert into audit_checkpoint (size, note, at) values (?, ?, ?)')
  const node = file.prepare('insert into audit_node (level, position, hash) values (?, ?, ?)')
  const tree = growTree(({ level, index }, hash) => {
    if (isStoredLevel(level)) node.run(level, index, hash)
  })
  const at = '2026-01-02T03:04:05.678Z'
  const template = String(encodeEntryText(at))
  const [before = '', between = '', after = ''] = template.split(/(?<="prev":")0{64}|(?<="seq":)1(?=,)/)
  let prev: Uint8Array = new Uint8Array(32)
  let note = ''
  file.exec('begin')
  file.prepare('insert into audit_log_key values (1, ?, ?)').run(vkey, at)
  for (let seq = 1; seq <= count; seq += 1) {
    const entry = Buffer.from(`${before}${Buffer.from(prev).toString('hex')}${between}${seq}${after}`)
    const leaf = leafHash(entry)
    insert.run(seq, entry, leaf, prev, at)
    tree.add(0, leaf)
    prev = leaf
    if (seq % step === 0 || seq === count) {
      const head = { origin: log.key.name, size: seq, root: tree.root(), extensions: [] }
      note = signedCheckpoint(head, log.key, log.sign(Buffer.from(checkpointText(head))))
      checkpoint.run(seq, note, at)
    }
  }
  file.exec('commit')
  for (const trigger of triggers) file.exec(trigger.sql)
  file.pragma('wal_checkpoint(TRUNCATE)')
  file.close()
  const checkpointFile = join(folder, `${name}.checkpoint`)
  writeFileSync(checkpointFile, note)
  return { path, checkpoint: checkpointFile }
}

function encodeEntryText(at: string): Buffer {
  return Buffer.from(encodeEntry({ seq: auditSeq.parse(1), at, prev: sha256Hex.parse('0'.repeat(64)) }, sampleIntent()))
}

function scanAndHash(path: string): number {
  const file = new DatabaseSync(path, { readOnly: true })
  const rows = file.prepare('select seq, entry from audit_entry order by seq')
  rows.setReturnArrays(true)
  let found = 0
  for (const row of rows.iterate() as Iterable<unknown>) {
    const [, entry] = row as readonly [number, Uint8Array]
    leafHash(entry)
    found += 1
  }
  file.close()
  return found
}

const wanted = (target: string, checkpoint: string) => ({
  target,
  key: log.key,
  checkpoints: [checkpoint],
  consistency: [],
  witnesses: [],
  file: null,
  readEntries: false,
  json: false,
})

function expectVerified(target: string, checkpoint: string, readEntries = false): void {
  const outcome = verifyTarget({ ...wanted(target, checkpoint), readEntries })
  if (outcome.kind !== 'verified') throw new Error(JSON.stringify(outcome))
}

/** Peak resident memory of the verifier as a process of its own, in MiB. */
function peakOf(target: string, checkpoint: string): number {
  const program = `
    const { verifyTarget } = await import(${JSON.stringify(new URL('../src/main/cli/verify-target.ts', import.meta.url).href)})
    const { parseVerifierKey } = await import(${JSON.stringify(new URL('../src/main/audit/format/signed-note.ts', import.meta.url).href)})
    const key = parseVerifierKey(${JSON.stringify(vkey)}).value
    const outcome = verifyTarget({ ...${JSON.stringify(wanted(target, checkpoint))}, key })
    if (outcome.kind !== 'verified') throw new Error(JSON.stringify(outcome))
    console.log(process.resourceUsage().maxRSS)`
  const done = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
  if (done.status !== 0) throw new Error(done.stderr)
  return Number(done.stdout) / 1024
}

async function exportOf(path: string, target: string): Promise<number> {
  const station = await checkpointedStation(path)
  const start = performance.now()
  await station.exportTo(target)
  const ms = performance.now() - start
  await station.close()
  return ms
}

/** What the window has done: the same work in a process beside, or in slices, and how long main's event loop stood still for it. */
async function besideMain(made: { readonly path: string; readonly checkpoint: string }, target: string): Promise<void> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  async function measure(what: string, work: () => Promise<{ readonly ok: boolean }>): Promise<void> {
    delay.reset()
    delay.enable()
    const start = performance.now()
    const done = await work()
    const ms = performance.now() - start
    delay.disable()
    if (!done.ok) throw new Error(`${what}: ${JSON.stringify(done)}`)
    say(what, `${seconds(ms)}; longest stall of the event loop ${(delay.max / 1e6).toFixed(0)} ms (at most 50)`)
  }
  const place = join(folder, 'review')
  mkdirSync(place)
  const desk = createReviewDesk({
    node: process.execPath,
    entry: entryUrl('log-reader', new URL('../src/main/index.ts', import.meta.url).href),
    folder: place,
    log: () => {},
    now: () => new Date(),
    onProgress: () => {},
  })
  const known = {
    vkey,
    checkpoints: [{ path: made.checkpoint, text: readFileSync(made.checkpoint, 'utf8') }],
    witnesses: [],
  }
  await measure('“Verify now” in the window', () => desk.verifyOwn(made.path, known))
  await measure('the export opened for review', () => desk.open(target, known))
  await desk.close()
  const opened = await openStationDatabase(made.path, 'read')
  if (!opened.ok) throw new Error(opened.error.message)
  await measure('“Export” in the window', () =>
    saveExport({
      db: readerOf(opened.value.db),
      key: log.key,
      selection: { since: null, until: null, fingerprint: null, requestId: null },
      folder: place,
      softwareVersion: '0',
      now: new Date(),
      signal: new AbortController().signal,
      onProgress: () => {},
    }),
  )
  await opened.value.close()
}

async function ratePerSecond(work: () => Promise<void> | void, forMs = 2000): Promise<number> {
  const start = performance.now()
  let done = 0
  while (performance.now() - start < forMs) {
    await work()
    done += 1
  }
  return (done * 1000) / (performance.now() - start)
}

try {
  const small = await makeLog('small', Math.ceil(entries / 100))
  const made = await makeLog('whole', entries)
  say(
    `a log of ${entries} entries, ${Math.ceil(entries / step)} checkpoints`,
    `${(statSync(made.path).size / 2 ** 20).toFixed(0)} MiB`,
  )

  const limits: number[] = []
  const times: number[] = []
  for (let round = 0; round < 5; round += 1) {
    limits.push(timed(() => scanAndHash(made.path)).ms)
    times.push(timed(() => expectVerified(made.path, made.checkpoint)).ms)
  }
  // Each pair ran back to back: other work on the machine weighs on both.
  const ratios = limits.map((limit, round) => limit / (times[round] ?? Number.NaN)).sort((a, b) => a - b)
  say('scan and hash alone (best of 5)', seconds(Math.min(...limits)))
  say(
    'verification of the database (best of 5)',
    `${seconds(Math.min(...times))}, ratio ${ratios.map((ratio) => ratio.toFixed(2)).join(' ')} of the limit (median at least 0.60)`,
  )
  say('with --read-entries', seconds(timed(() => expectVerified(made.path, made.checkpoint, true)).ms))
  const target = join(folder, 'whole.jsonl')
  say('export', seconds(await exportOf(made.path, target)))
  say('verification of the export', seconds(timed(() => expectVerified(target, made.checkpoint)).ms))
  say('peak memory, a hundredth of the log', `${peakOf(small.path, small.checkpoint).toFixed(0)} MiB`)
  say('peak memory, the log', `${peakOf(made.path, made.checkpoint).toFixed(0)} MiB`)
  say('peak memory, its export', `${peakOf(target, made.checkpoint).toFixed(0)} MiB`)

  await besideMain(made, target)

  const opened = await openStationDatabase(made.path, 'read')
  if (!opened.ok) throw new Error(opened.error.message)
  const db = readerOf(opened.value.db)
  let seq = 0
  const proofs = await ratePerSecond(async () => {
    seq = (seq + 7919) % entries
    const proof = await proveEntry(db, log.key, auditSeq.parse(seq + 1))
    if (!proof.ok) throw new Error(proof.error.message)
  })
  say('inclusion proofs', `${proofs.toFixed(0)}/s`)
  await opened.value.close()

  const handle = openSync(join(folder, 'sync'), 'w')
  const block = Buffer.alloc(4096, 1)
  const station = await checkpointedStation(join(folder, 'station.db'))
  const index = createEntryIndexer(station.db, (error) => {
    throw error
  })
  // As in the station: where many entries come, what they are found by is paid for among them.
  const write = async () => {
    index.touch((await station.write(sampleIntent())).length)
  }
  await write()
  await station.checkpoint()
  // In turn, and compared within each turn: how fast a disk syncs changes from second to second.
  const turns: { readonly sync: number; readonly append: number; readonly both: number }[] = []
  for (let turn = 0; turn < 9; turn += 1) {
    const sync = await ratePerSecond(() => {
      writeSync(handle, block)
      fdatasyncSync(handle)
    }, 500)
    const append = await ratePerSecond(write, 500)
    const both = await ratePerSecond(async () => {
      await write()
      await station.checkpoint()
    }, 500)
    turns.push({ sync, append, both })
  }
  closeSync(handle)
  await index.close()
  await station.close()
  const middle = (values: readonly number[]) => values.toSorted((x, y) => x - y)[Math.floor(values.length / 2)] ?? 0
  const ratesOf = (name: 'sync' | 'append' | 'both') => middle(turns.map((turn) => turn[name]))
  const ratio = (name: 'append' | 'both') => middle(turns.map((turn) => turn[name] / turn.sync)).toFixed(2)
  say('write 4 KiB + fdatasync', `${ratesOf('sync').toFixed(0)}/s`)
  say(
    'durable append of one entry',
    `${ratesOf('append').toFixed(0)}/s, ratio ${ratio('append')} of fdatasync (at least 0.50); turns ${turns.map((turn) => (turn.append / turn.sync).toFixed(2)).join(' ')}`,
  )
  say(
    'durable append with its checkpoint, in database and file',
    `${ratesOf('both').toFixed(0)}/s, ratio ${ratio('both')} of fdatasync`,
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
