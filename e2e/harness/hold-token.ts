// Loaded beside the built program (`--import`): stops the token's process (SIGSTOP) in the middle of a signing, so that the
// screens of a token that takes its time can be looked at. STATION_HOLD_TOKEN names a file; a number n in it asks for a stop when
// the token is asked for the n-th time from then on, and is replaced by the stopped process's id. The program knows nothing of this.
import { subscribe } from 'node:diagnostics_channel'
import { readFileSync, writeFileSync } from 'node:fs'
import { processTree } from './process-tree.ts'

const file = process.env['STATION_HOLD_TOKEN'] ?? ''

subscribe('station:step', (message) => {
  if (typeof message !== 'object' || message === null || !('name' in message) || !('when' in message)) return
  if (message.name !== 'token' || message.when !== 'before') return
  const [order, value] = readFileSync(file, 'utf8').split(' ')
  if (order !== 'hold') return
  const left = Number(value) - 1
  if (left > 0) return writeFileSync(file, `hold ${left}`)
  // The one with the token: the other one, with the keys in software, signs checkpoints of the log meanwhile.
  const host = processTree(process.pid).find(({ command }) => /token-host\S* module /.test(command))
  if (host === undefined) throw new Error('the token has no process')
  process.kill(host.pid, 'SIGSTOP')
  writeFileSync(file, `held ${host.pid}`)
})
