import { writeSync } from 'node:fs'
import type { WatcherMessage } from '../protocol.ts'
import { watchLeash } from './leash.ts'
import { UsbWatch } from './watch.ts'

// The USB watcher. It holds no key and is told nothing; it writes what is on the bus to its standard output until it is killed.

watchLeash()

function send(message: WatcherMessage): void {
  // A pipe, written at once: what was seen must not wait behind a call that hangs.
  writeSync(1, `${JSON.stringify(message)}\n`)
}

const watch = new UsbWatch({
  send,
  // Loaded only when there is USB, and only here: where /sys/bus/usb is missing its first call ends the process.
  listen: async (ring) => (await import('./bell.ts')).listen(ring),
  after: (milliseconds, call) => void setTimeout(call, milliseconds),
})

// `usb` throws from promises and timers of its own that nobody can catch elsewhere. Then the bus is polled.
function survive(error: unknown): void {
  watch.lostEvents()
  send({
    kind: 'trouble',
    text: (error instanceof Error ? (error.stack ?? error.message) : String(error)).slice(0, 2000),
  })
}
process.on('uncaughtException', survive)
process.on('unhandledRejection', survive)

await watch.start()
