import { readFileSync, readSync, writeFileSync, writeSync } from 'node:fs'
import { createConnection } from 'node:net'
import { inspectedDescriptor } from '../protocol.ts'

// An inspector in an attacker's hand. The inspected file says what it tries, and how that ended is the answer.

const buffer = Buffer.alloc(4096)
const [order = '', argument = ''] = buffer
  .toString('utf8', 0, readSync(inspectedDescriptor, buffer, 0, buffer.length, 0))
  .split(' ')

function answer(reason: string): void {
  writeSync(1, JSON.stringify({ kind: 'facts', facts: { kind: 'opaque', reason, firstBytesHex: '' } }))
}

function attempt(action: () => unknown): string {
  try {
    action()
    return 'succeeded'
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  }
}

const orders: Readonly<Record<string, () => void | Promise<void>>> = {
  read: () => answer(attempt(() => readFileSync(argument))),
  reopen: () => answer(attempt(() => readFileSync(`/proc/self/fd/${inspectedDescriptor}`))),
  'write-file': () => answer(attempt(() => writeFileSync(argument, 'x'))),
  'write-input': () => answer(attempt(() => writeSync(inspectedDescriptor, 'x', 0))),
  spawn: async () => {
    const { execFileSync } = await import('node:child_process')
    answer(attempt(() => execFileSync('/bin/true')))
  },
  worker: async () => {
    const { Worker } = await import('node:worker_threads')
    answer(attempt(() => new Worker('0', { eval: true })))
  },
  // oxlint-disable-next-line typescript/no-implied-eval -- whether it works is the question
  evaluate: () => answer(attempt(() => new Function('return 1')())),
  signal: () => answer(attempt(() => process.kill(Number(argument), 0))),
  environment: () => answer(JSON.stringify(process.env)),
  connect: async () => {
    answer(
      await new Promise<string>((resolve) => {
        const socket = createConnection({ host: '127.0.0.1', port: Number(argument) })
        socket.on('connect', () => resolve('connected'))
        socket.on('error', (error) => resolve('code' in error ? String(error.code) : error.message))
      }),
    )
    process.exit()
  },
  hang: () => {
    for (;;) continue
  },
  heap: () => {
    const kept: string[][] = []
    for (;;) kept.push(Array.from({ length: 100_000 }, (_, index) => `${index}`))
  },
  buffers: () => {
    const kept: Uint8Array[] = []
    for (;;) kept.push(new Uint8Array(64 * 1024 * 1024).fill(1))
  },
  talk: () => {
    for (;;) writeSync(1, 'x'.repeat(65536))
  },
  lie: () => void writeSync(1, '{"kind":"facts","facts":{"kind":"pe"}}'),
  silence: () => {},
  die: () => process.exit(7),
}

await orders[order]?.()
