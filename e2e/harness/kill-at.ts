// Loaded beside the built program by the fault tests (`--import`): kills it, as a power cut would, at the step that
// STATION_KILL_AT names (`outcome:before`, `token:after:2` for the second time). The program itself knows nothing of this.
import { subscribe } from 'node:diagnostics_channel'

const [name, when, nth = '1'] = (process.env['STATION_KILL_AT'] ?? '').split(':')
let seen = 0

subscribe('station:step', (message) => {
  if (typeof message !== 'object' || message === null || !('name' in message) || !('when' in message)) return
  if (message.name !== name || message.when !== when) return
  seen += 1
  if (seen === Number(nth)) process.kill(process.pid, 'SIGKILL')
})
