import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'
import { readerOf } from '../../../db/database.ts'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { readDeviceLog } from '../../../src/main/audit/device-log/device-log.repository.ts'
import { reviewDevice } from '../../../src/main/audit/device-log/review-device.ts'
import { auditStation } from '../../../src/main/audit/testing/audit-station.ts'
import { command } from './codes.ts'
import { type Connector, startConnector } from './connector.ts'
import { u16 } from './message.ts'
import { HostSession } from './testing/host-session.ts'
import { VirtualYubiHsm } from './virtual-yubihsm.ts'

// The station killed at each step of taking the log out of a device (docs/flows/recovery.md): nothing is lost, nothing is stored twice.

const program = fileURLToPath(new URL('testing/drain.child.ts', import.meta.url))
const serial = '07550140'
const connectors: Connector[] = []
afterEach(async () => {
  for (const connector of connectors.splice(0)) await connector.kill()
})

async function run(path: string, url: string, point: string) {
  const child = spawn(process.execPath, [program, path, url, point], { stdio: ['ignore', 'ignore', 'inherit'] })
  await once(child, 'close')
  return child.signalCode ?? child.exitCode
}

it.each([
  ['the log is read and not stored', 'device-log before', 0],
  ['it is stored and not freed', 'device-log after', 12],
  ['the device is about to be told', 'device-log-free before', 12],
  ['the device was told', 'device-log-free after', 12],
])('killed when %s', async (_name, point, storedThen) => {
  const device = new VirtualYubiHsm({ serial: 7_550_140 })
  const connector = await startConnector(device)
  connectors.push(connector)
  const session = await HostSession.open((bytes) => device.exchange(bytes))
  const audit = Buffer.concat([Uint8Array.of(3), u16(2), Uint8Array.of(command.getPseudoRandom, 1)])
  await session.send(command.setOption, audit)
  const use = async (times: number) => {
    for (let time = 0; time < times; time++) await session.send(command.getPseudoRandom, u16(1))
  }
  await use(10)
  const path = join(tempFolder(), 'station.db')

  expect(await run(path, connector.url, point)).toBe('SIGKILL')
  const killed = await auditStation(path)
  expect((await readDeviceLog(readerOf(killed.db), serial)).entries).toHaveLength(storedThen)
  await killed.close()
  await use(3)

  expect(await run(path, connector.url, '')).toBe(0)
  const station = await auditStation(path)
  const stored = await readDeviceLog(readerOf(station.db), serial)
  // Reset, boot, ten and three: each once, in order.
  expect(stored.entries.map(({ entry }) => entry.number)).toEqual(Array.from({ length: 15 }, (_, index) => index + 1))
  const review = await reviewDevice(readerOf(station.db), serial)
  expect(review.ok && review.value.findings).toEqual([])
  expect(await station.log.check()).toMatchObject({ kind: 'whole' })
  await station.close()
  // And the device has let go of what is stored.
  expect(device.save().log.entries).toEqual([])
})
