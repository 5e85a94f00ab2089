import { subscribe } from 'node:diagnostics_channel'
import { appendFileSync } from 'node:fs'
import { setFlagsFromString, writeHeapSnapshot } from 'node:v8'
import { isMainThread } from 'node:worker_threads'
import type { CdpPipe } from '../../src/main/desktop/chromium/cdp-pipe.ts'

// Loaded before the product with `node --import`, so that a test sees what main has: every message between main and its window goes
// into the file STATION_TEST_RECORD, and on SIGUSR2 what is alive in main's heap into STATION_TEST_HEAP.

const { STATION_TEST_RECORD: record, STATION_TEST_HEAP: heap } = process.env

if (isMainThread && record !== undefined && heap !== undefined) {
  // Strings are cut at 1,024 characters otherwise.
  setFlagsFromString('--heap-snapshot-string-limit=1000000')
  process.on('SIGUSR2', () => void writeHeapSnapshot(heap))
  const write = (line: object) => appendFileSync(record, `${JSON.stringify(line)}\n`)
  subscribe('station:cdp', (message) => {
    // Published by our own adapter alone; the channel's type is unknown by nature.
    const pipe = message as { -readonly [K in keyof CdpPipe]: CdpPipe[K] }
    pipe.onEvent(({ method, params }) => write({ from: 'window', method, params }))
    // The adapter's own calls; the bridge of the tests has `post`.
    const { call, tell } = pipe
    pipe.call = (method, params, sessionId) => {
      write({ from: 'main', method, params })
      return call(method, params, sessionId)
    }
    pipe.tell = (method, params, sessionId) => {
      write({ from: 'main', method, params })
      tell(method, params, sessionId)
    }
  })
}
