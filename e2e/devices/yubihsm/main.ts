import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { startConnector } from './connector.ts'
import type { Firmware } from './firmware.ts'
import type { SavedDevice } from './saved-device.ts'
import { VirtualYubiHsm } from './virtual-yubihsm.ts'

// A connector with a virtual YubiHSM as a program: one line of JSON says where it is. It understands `unplug`, `plug` and `quit` on
// standard input, ends when its standard input ends, and keeps the device in a file if it is given one.
const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '12345' },
    serial: { type: 'string', default: '7550140' },
    firmware: { type: 'string', default: '2.4.0' },
    state: { type: 'string' },
  },
})
const file = values.state
const saved = file !== undefined && existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as SavedDevice) : null
const [major = 2, minor = 4, patch = 0] = values.firmware.split('.').map(Number)
const firmware: Firmware = [major, minor, patch]
const device = new VirtualYubiHsm({ serial: Number(values.serial), firmware }, saved)
const connector = await startConnector(device, Number(values.port))
process.stdout.write(`${JSON.stringify({ ready: true, url: connector.url, serial: device.serial })}\n`)

process.on('SIGINT', () => process.stdin.destroy())
process.on('SIGTERM', () => process.stdin.destroy())
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'unplug') device.unplug()
  else if (line === 'plug') device.plugIn()
  else if (line === 'quit') break
  else process.stdout.write(`${JSON.stringify({ unknown: line })}\n`)
}
if (file !== undefined) {
  // Whole or not at all, and for its owner only: the device's keys are in it.
  writeFileSync(`${file}.new`, JSON.stringify(device.save()), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
await connector.kill()
process.stdin.destroy()
