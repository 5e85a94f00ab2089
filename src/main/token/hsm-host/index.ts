import { killSelf, watchLeash } from '../host/watchdog.ts'
import { exchange } from '../log-host/connector.ts'
import { DeviceServer } from '../log-host/device-server.ts'
import { type HostMessage, hostRequest } from '../protocol.ts'
import { hsmDuties } from './serve.ts'

// The process that does with a YubiHSM what a ceremony needs and PKCS#11 has no word for: wrapped keys, options, attestation. Arguments:
// `hsm URL`. It never exits by itself: main kills it, or the leash does. Apart from the process that reads the device's log around every
// signature, which knows no command that changes the device.

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
if (kind !== 'hsm' || url === undefined) throw new Error('usage: hsm-host hsm URL')
const server = new DeviceServer((message) => exchange(url, message), send, hsmDuties)
process.on('message', (message) => {
  server.receive(hostRequest.parse(message)).catch(defect)
})
send({ kind: 'ready' })
