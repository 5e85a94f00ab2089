import { readFileSync, writeSync } from 'node:fs'
import { type ReadAnswer, type ReadJob, type ReadMessage, readJob } from '../protocol.ts'
import { compareLogs } from './compare-logs.ts'
import { openLog } from './open-log.ts'
import { verifyKnown } from './verify-known.ts'

// Entry of the process that reads logs: one job in, lines of JSON out. It holds no key and no connection; a log that harms it harms
// nothing else. Everything in it runs in one turn, so it looks itself whether main is still there.

const parent = process.ppid
let lastTold = 0

function tell(message: ReadMessage): void {
  const bytes = Buffer.from(`${JSON.stringify(message)}\n`)
  for (let written = 0; written < bytes.length; ) written += writeSync(1, bytes, written)
}

/** Ten lines a second at most. */
function progress(done: number, total: number | null, unit: 'entries' | 'bytes' = 'entries'): void {
  if (unit === 'entries' && done % 256 !== 0) return
  const now = performance.now()
  if (now - lastTold < 100) return
  lastTold = now
  // Main is gone: nobody waits for the rest.
  if (process.ppid !== parent) process.exit(1)
  tell({ kind: 'progress', done, total, unit })
}

function run(job: ReadJob): ReadAnswer<ReadJob['op']> {
  switch (job.op) {
    case 'verify':
      return verifyKnown(job, progress)
    case 'open':
      return openLog(job, progress)
    case 'compare':
      return compareLogs(job, progress)
  }
}

tell({ kind: 'done', answer: run(readJob.parse(JSON.parse(readFileSync(0, 'utf8')))) })
