// Run as a program by drain-kill.test.ts: the station's parts around the log at argv[2] take out the log of the device at the connector
// argv[3]. argv[4]: the step at which it kills itself ("device-log before"), or nothing.
import { subscribe } from 'node:diagnostics_channel'
import { dirname } from 'node:path'
import { auditStation } from '../../../../src/main/audit/testing/audit-station.ts'
import { createStationDeviceLog } from '../../../../src/main/station/device-log.ts'
import { createStationRunLogs } from '../../../../src/main/station/run-logs.ts'
import { Secret } from '../../../../src/shared/secret.ts'
import { deviceLogReader } from './device-log-bench.ts'

const [path = '', url = '', point = ''] = process.argv.slice(2)
subscribe('station:step', (message) => {
  const { name, when } = message as { name: string; when: string } // our own channel
  if (`${name} ${when}` === point) process.kill(process.pid, 'SIGKILL')
})
const now = () => new Date()
const { db, log, close } = await auditStation(path, now)
const deviceLog = createStationDeviceLog({
  db,
  append: (trx, entries) => log.append(trx, entries),
  isTrusted: () => true,
  operator: () => 'Release Manager',
  now,
  onChange: () => {},
})
const runLogs = createStationRunLogs({
  db,
  reader: deviceLogReader(dirname(path), url),
  deviceLog,
  now,
  log: () => {},
  onChange: () => {},
})
const token = { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiHSM', serial: '07550140' }
const run = runLogs.begin(token, Secret.fromText('0001password'))
const room = await run?.makeRoom(1)
await run?.end()
await close()
process.exitCode = room?.ok === true ? 0 : 1
