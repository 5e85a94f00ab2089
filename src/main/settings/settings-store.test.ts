import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createStationDatabase } from '../../../db/create.ts'
import { readerOf } from '../../../db/database.ts'
import type { StationDatabase } from '../../../db/open.ts'
import type { Settings } from '../../shared/settings.ts'
import {
  changedFields,
  defaultSettings,
  readSetting,
  readSettings,
  writeSetting,
  writeSettings,
} from './settings-store.ts'

const at = '2026-06-01T12:00:00.000Z'
const settings = defaultSettings('desk.example.org', 'Release Manager')
const server = { apiUrl: 'https://debusine.example.org/api', caPem: 'PEM', scope: 'debian' }

describe('which settings changed', () => {
  const changes: readonly [string, Partial<Settings>][] = [
    ['stationName', { stationName: 'other.example.org' }],
    ['operatorName', { operatorName: 'Somebody else' }],
    ['theme', { theme: 'dark' }],
    ['server.apiUrl', { server: { ...settings.server, apiUrl: server.apiUrl } }],
    ['server.caPem', { server: { ...settings.server, caPem: 'PEM' } }],
    ['server.scope', { server: { ...settings.server, scope: 'debian' } }],
    ['modules', { modules: [{ path: '/usr/lib/x.so', enabled: true }] }],
    ['trustedCerts', { trustedCerts: ['AB'] }],
    ['checkpointFolders', { checkpointFolders: ['/media/stick'] }],
    ['witnesses', { witnesses: ['witness+00000000+BA=='] }],
    ['keyRequests', { keyRequests: { ...settings.keyRequests, accept: true } }],
    ['yubihsm.connectors', { yubihsm: { ...settings.yubihsm, connectors: ['yhusb://'] } }],
    ['yubihsm.caPem', { yubihsm: { ...settings.yubihsm, caPem: 'PEM' } }],
  ]

  test.each(changes)('%s is told by its name alone', (name, change) => {
    expect(changedFields(settings, { ...settings, ...change })).toEqual([name])
  })
  test('nothing is told when nothing differs', () => {
    expect(changedFields(settings, structuredClone(settings))).toEqual([])
  })
  test('every setting that there is can be told', () => {
    const told = new Set(changes.map(([name]) => name.replace(/\..*/, '')))
    expect([...told].sort()).toEqual(Object.keys(settings).sort())
    expect(Object.keys(settings.server).map((name) => `server.${name}`)).toEqual(
      changes.map(([name]) => name).filter((name) => name.startsWith('server.')),
    )
  })
  test('switching a module off and turning the order of certificates round are changes', () => {
    const one = { ...settings, modules: [{ path: '/x.so', enabled: true }], trustedCerts: ['AB', 'CD'] }
    const two = { ...one, modules: [{ path: '/x.so', enabled: false }], trustedCerts: ['CD', 'AB'] }
    expect(changedFields(one, two)).toEqual(['modules', 'trustedCerts'])
  })
})

describe('settings in the database', () => {
  const folder = mkdtempSync(join(tmpdir(), 'settings-'))
  let database: StationDatabase

  beforeAll(async () => {
    const made = await createStationDatabase(join(folder, 'station.db'), (trx) => writeSettings(trx, settings, at))
    if (!made.ok) throw new Error(made.error.message)
    database = made.value
  })
  afterAll(async () => {
    await database.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('come back as they were written', async () => {
    expect(await readSettings(readerOf(database.db))).toEqual(settings)
    const next = { ...settings, server, trustedCerts: ['AB'], modules: [{ path: '/x.so', enabled: false }] }
    await database.db.transaction().execute((trx) => writeSettings(trx, next, at))
    expect(await readSettings(readerOf(database.db))).toEqual(next)
  })
  test('of a station that is older than requests for keys take none', async () => {
    const { keyRequests: _, ...older } = settings
    await writeSetting(database.db, 'settings', older, at)
    expect((await readSettings(readerOf(database.db))).keyRequests.accept).toBe(false)
  })
  test('of a station that is older than connectors in the settings name none', async () => {
    const { yubihsm: _, ...older } = settings
    await writeSetting(database.db, 'settings', older, at)
    expect((await readSettings(readerOf(database.db))).yubihsm).toEqual({ connectors: [], caPem: null })
  })
  test('of a station that is older than checkpoints have none of what came with them', async () => {
    const { checkpointFolders, witnesses, ...older } = settings
    await writeSetting(database.db, 'settings', older, at)
    expect(await readSettings(readerOf(database.db))).toEqual({ ...older, checkpointFolders: [], witnesses: [] })
    expect([checkpointFolders, witnesses]).toEqual([[], []])
  })
  test('that this version cannot read are a defect and never replaced by defaults', async () => {
    await writeSetting(database.db, 'settings', { ...settings, unknownField: 1 }, at)
    await expect(readSettings(readerOf(database.db))).rejects.toThrow()
    await writeSetting(
      database.db,
      'settings',
      { ...settings, server: { ...server, apiUrl: 'http://debusine.example.org/api' } },
      at,
    )
    await expect(readSettings(readerOf(database.db))).rejects.toThrow()
  })
  test('a value that was never set is null', async () => {
    expect(await readSetting(readerOf(database.db), 'duty')).toBeNull()
    await writeSetting(database.db, 'duty', true, at)
    expect(await readSetting(readerOf(database.db), 'duty')).toBe(true)
  })
})
