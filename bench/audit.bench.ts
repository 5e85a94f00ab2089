// How many entries a second the audit log takes, next to what the disk can do at all: `node bench/audit.bench.ts [FOLDER]`.
// One commit costs one sync; an entry that is written alone can therefore not be faster than fdatasync in the same folder.
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createStationDatabase } from '../db/create.ts'
import type { StationDatabase } from '../db/open.ts'
import { memoryDatabase } from '../db/testing/memory-db.ts'
import { createAuditLog } from '../src/main/audit/create-audit-log.ts'
import { sampleIntent } from '../src/main/audit/testing/sample-entries.ts'

const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'station-bench-'))
const seconds = 2

async function rate(
  work: () => Promise<void> | void,
): Promise<{ readonly perSecond: number; readonly medianMs: number }> {
  const times: number[] = []
  const end = performance.now() + seconds * 1000
  while (performance.now() < end) {
    const start = performance.now()
    await work()
    times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  const total = times.reduce((sum, time) => sum + time, 0)
  return { perSecond: (times.length * 1000) / total, medianMs: times[Math.floor(times.length / 2)] ?? 0 }
}

function report(what: string, { perSecond, medianMs }: Awaited<ReturnType<typeof rate>>, each = 1): void {
  const entries =
    each === 1 ? '' : `, ${(perSecond * each).toFixed(0)} entries/s, ${(medianMs / each).toFixed(3)} ms an entry`
  process.stdout.write(
    `${what.padEnd(44)} ${perSecond.toFixed(0).padStart(6)}/s, median ${medianMs.toFixed(2)} ms${entries}\n`,
  )
}

function batches(station: StationDatabase, size: number): () => Promise<void> {
  const log = createAuditLog(station.db, () => new Date())
  const bodies = Array.from({ length: size }, (_, index) => sampleIntent(index))
  return async () => {
    await station.db.transaction().execute((trx) => log.append(trx, bodies))
  }
}

try {
  const handle = openSync(join(folder, 'sync'), 'w')
  const block = Buffer.alloc(4096, 1)
  const sync = await rate(() => {
    writeSync(handle, block)
    fdatasyncSync(handle)
  })
  closeSync(handle)
  report('write 4 KiB + fdatasync', sync)

  const made = await createStationDatabase(join(folder, 'station.db'), async () => {})
  if (!made.ok) throw new Error(made.error.message)
  for (const size of [1, 16, 32])
    report(
      `commit with ${size} ${size === 1 ? 'entry' : 'entries'}, on disk`,
      await rate(batches(made.value, size)),
      size,
    )

  const log = createAuditLog(made.value.db, () => new Date())
  const start = performance.now()
  const state = await log.check()
  const took = performance.now() - start
  if (state.kind !== 'whole') throw new Error(JSON.stringify(state))
  process.stdout.write(
    `check of ${state.entries} entries: ${took.toFixed(0)} ms, ${((state.entries * 1000) / took).toFixed(0)} entries/s\n`,
  )
  await made.value.close()

  const memory = memoryDatabase()
  for (const size of [1, 32])
    report(
      `commit with ${size} ${size === 1 ? 'entry' : 'entries'}, in memory (CPU only)`,
      await rate(batches(memory, size)),
      size,
    )
  await memory.close()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
