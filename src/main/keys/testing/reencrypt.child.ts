// Run as a program by reencrypt-keys.fault.test.ts: rotates the bench in argv[2] and kills itself at the step argv[3]
// (`reseal:before:2` is the second time), as a power cut would. Prints what came of it if it lives.
import { subscribe } from 'node:diagnostics_channel'
import { reencryptKeys } from '../reencrypt-keys.ts'
import { operator, softwareBench } from './software-bench.ts'

const [folder = '', at = ''] = process.argv.slice(2)
const [name, when, nth = '1'] = at.split(':')
let seen = 0

subscribe('station:step', (message) => {
  if (typeof message !== 'object' || message === null || !('name' in message) || !('when' in message)) return
  if (message.name !== name || message.when !== when) return
  seen += 1
  if (seen === Number(nth)) process.kill(process.pid, 'SIGKILL')
})

const bench = await softwareBench(folder)
const done = await reencryptKeys(bench.ports, {
  operator,
  onProgress: () => {},
  signal: new AbortController().signal,
})
await bench.close()
process.stdout.write(JSON.stringify(done))
