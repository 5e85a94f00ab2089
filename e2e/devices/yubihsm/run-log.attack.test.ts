import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { afterEach, expect, it } from 'vitest'
import { auditStation } from '../../../src/main/audit/testing/audit-station.ts'
import { createStationDeviceLog } from '../../../src/main/station/device-log.ts'
import { createStationRunLogs } from '../../../src/main/station/run-logs.ts'
import { ok } from '../../../src/shared/result.ts'
import { Secret } from '../../../src/shared/secret.ts'
import { startConnector } from './connector.ts'
import { deviceLogReader } from './testing/device-log-bench.ts'
import { VirtualYubiHsm } from './virtual-yubihsm.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
})

it('a database that takes nothing after a signature leaves no login to the device behind', async () => {
  const connector = await startConnector(new VirtualYubiHsm({ serial: 7_550_140 }))
  undo.push(() => connector.kill())
  const folder = mkdtempSync(join(tmpdir(), 'run-log-'))
  undo.push(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'station.db')
  const now = () => new Date()
  const { db, log, close } = await auditStation(path, now)
  undo.push(close)
  const reader = deviceLogReader(folder, connector.url)
  const sessions = { opened: 0, closed: 0 }
  const runLogs = createStationRunLogs({
    db,
    reader: {
      ...reader,
      open: async (serial, pin) => {
        const opened = await reader.open(serial, pin)
        if (!opened.ok) return opened
        sessions.opened += 1
        undo.push(() => opened.value.close())
        const end = async () => {
          sessions.closed += 1
          await opened.value.close()
        }
        return ok({ ...opened.value, close: end })
      },
    },
    deviceLog: createStationDeviceLog({
      db,
      append: (trx, entries) => log.append(trx, entries),
      isTrusted: () => true,
      operator: () => 'Release Manager',
      now,
      onChange: () => {},
    }),
    now,
    log: () => {},
    onChange: () => {},
  })
  const token = { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiHSM', serial: '07550140' }
  const run = runLogs.begin(token, Secret.fromText('0001password'))
  expect(await run?.makeRoom(1)).toEqual({ ok: true, value: null })
  const other = new BetterSqlite3(path)
  undo.push(() => other.close())
  other.exec('BEGIN IMMEDIATE')
  await expect(run?.end()).resolves.toBeUndefined()
  expect(sessions).toEqual({ opened: 1, closed: 1 })
}, 60_000)
