import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import type { HashAnswer, HashJob } from './hash-job.ts'
import { hashFileRanges } from './hash-ranges.ts'

// Entry of a worker thread: hashing half a gigabyte takes longer than main's event loop may stand still.
if (parentPort === null) throw new Error('hash-worker runs as a worker thread only')
const port = parentPort
port.on('message', (job: HashJob) => port.postMessage(answer(job)))

function answer(job: HashJob): HashAnswer {
  let fd: number | null = null
  try {
    fd = openSync(job.path, constants.O_RDONLY | constants.O_NOFOLLOW)
    const stat = fstatSync(fd)
    if (!stat.isFile() || stat.size !== job.size) return { kind: 'changed' }
    const sha256 = hashFileRanges(fd, job.ranges, job.zeros)
    return sha256 === null ? { kind: 'changed' } : { kind: 'digest', sha256 }
  } catch (error) {
    return { kind: 'unreadable', detail: error instanceof Error ? error.message : String(error) }
  } finally {
    if (fd !== null) closeSync(fd)
  }
}
