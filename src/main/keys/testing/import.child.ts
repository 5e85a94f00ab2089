// Run as a program by import-keys.fault.test.ts: takes the keys of the dump argv[3] into the bench in argv[2] and kills itself at the
// step argv[4] (`key-import:after:2` is the second time), as a power cut would.
import { subscribe } from 'node:diagnostics_channel'
import { importKeys } from '../import-keys.ts'
import { judgeDump } from '../import-preview.ts'
import { operator, softwareBench } from './software-bench.ts'

const [folder = '', path = '', at = ''] = process.argv.slice(2)
const [name, when, nth = '1'] = at.split(':')
let seen = 0

subscribe('station:step', (message) => {
  if (typeof message !== 'object' || message === null || !('name' in message) || !('when' in message)) return
  if (message.name !== name || message.when !== when) return
  seen += 1
  if (seen === Number(nth)) process.kill(process.pid, 'SIGKILL')
})

const bench = await softwareBench(folder)
const { signal } = new AbortController()
const judged = await judgeDump(bench.ports, path, signal)
if (!judged.ok) throw new Error(judged.error.message)
const { dumpSha256 } = judged.value.preview
await importKeys(bench.ports, { path, dumpSha256, operator, onProgress: () => {}, signal })
await bench.close()
