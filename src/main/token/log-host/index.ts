import { killSelf, watchLeash } from '../host/watchdog.ts'
import { type HostMessage, hostRequest } from '../protocol.ts'
import { exchange } from './connector.ts'
import { DeviceServer } from './device-server.ts'
import { logDuties } from './serve.ts'

// The process that takes the log out of a YubiHSM. Arguments: `device-log URL`. It never exits by itself: main kills it, or the leash does.
// It is not the token process (docs/token-session.md): no PKCS#11 module is loaded here, and the token process has no network.

watchLeash()

function send(message: HostMessage): void {
  // Fails only when main is gone, and then the leash ends this process.
  process.send?.(message, () => {})
}

function defect(error: unknown): void {
  // Text of our own exceptions; neither PINs nor keys are ever put into one.
  const text = error instanceof Error ? (error.stack ?? error.message) : 'unknown'
  process.send?.({ kind: 'defect', text: text.slice(0, 2000) } satisfies HostMessage, killSelf)
}

process.on('uncaughtException', defect)
process.on('disconnect', killSelf)

const [, , kind, url] = process.argv
if (kind !== 'device-log' || url === undefined) throw new Error('usage: device-log-host device-log URL')
const server = new DeviceServer((message) => exchange(url, message), send, logDuties)
process.on('message', (message) => {
  server.receive(hostRequest.parse(message)).catch(defect)
})
send({ kind: 'ready' })
