import { stderrLog } from '../../log/logger.ts'
import { UsbWatcher } from '../usb-watcher.ts'

// Main's side of the watcher, in a process that a test can put into a namespace: each picture a line on standard output.
const write = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)
const watcher = new UsbWatcher({
  node: process.execPath,
  entry: new URL(process.argv[2] ?? '../process/index.ts', import.meta.url),
  onState: (state) => write({ at: performance.timeOrigin + performance.now(), ...state }),
  log: stderrLog(),
  firstRetryMs: 50,
})
watcher.start()
process.stdin.on('end', () => void watcher.close()).resume()
