import { createHash, X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import type { Failure } from '../../shared/failure.ts'
import type { Result } from '../../shared/result.ts'
import { exportKeys } from './export-keys.ts'
import { importKeys } from './import-keys.ts'
import { judgeDump } from './import-preview.ts'
import { createKeyRegistry } from './key-registry.ts'
import { reencryptKeys } from './reencrypt-keys.ts'
import { addServiceKey } from './service-key-desk.ts'
import { publicKeyOf } from './software/sealed-box.ts'
import { sealPrivateKey, unsealPrivateKey } from './software/sealed-record.ts'
import { operator, type SoftwareBench, softwareBench } from './testing/software-bench.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 })

const testdata = (name: string) => new URL(`testdata/debusine-signing/${name}`, import.meta.url).pathname
const realKey = Buffer.from(readFileSync(testdata('service-key.hex'), 'utf8').trim(), 'hex')
const realPrint = createHash('sha256').update(publicKeyOf(realKey)).digest('hex')
type DumpObject = {
  model: string
  fields: { fingerprint: string; private_key: Record<string, string>; public_key: string; purpose: string }
}
const realObjects = () => JSON.parse(readFileSync(testdata('dumpdata.json'), 'utf8')) as DumpObject[] // the fixture
const realKeys = () => realObjects().filter(({ model }) => model === 'signing.key')

function orThrow<T>(result: Result<T, Failure>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message} ${result.error.detail ?? ''}`)
  return result.value
}

describe('keys of another installation', () => {
  let bench: SoftwareBench
  beforeEach(async () => {
    bench = await softwareBench(tempFolder())
  })
  afterEach(() => bench.close())

  const signal = () => new AbortController().signal
  const bringServiceKey = () => writeFileSync(join(bench.serviceKeys, '0.key'), realKey, { mode: 0o600 })
  const judge = async (path: string) => orThrow(await judgeDump(bench.ports, path, signal())).preview
  const take = (path: string, dumpSha256: string, stop = signal()) =>
    importKeys(bench.ports, { path, dumpSha256, operator, onProgress: () => {}, signal: stop })
  const codes = async (path: string) => (await judge(path)).rows.map(({ verdict, code }) => `${verdict} ${code}`)
  const dump = (objects: readonly unknown[]) => {
    const path = join(bench.folder, `dump-${Math.random()}.json`)
    writeFileSync(path, JSON.stringify(objects))
    return path
  }
  const registry = () =>
    createKeyRegistry({ ...bench.ports, opensSealed: (sealed) => bench.tokens.opensSealed(sealed) })

  test('are shown with what would be taken and why the rest not, before anything is', async () => {
    bringServiceKey()
    for (const name of ['pg_dump.sql', 'dumpdata.json']) {
      const preview = await judge(testdata(name))
      expect(preview.rows.map(({ purpose, verdict, code }) => [purpose, verdict, code])).toEqual([
        ['uefi', 'leave', 'on-token'],
        ['uefi', 'take', 'takeable'],
        ['openpgp', 'leave', 'purpose-not-served'],
        ['uefi', 'take', 'takeable'],
      ])
      expect(preview.taking).toBe(2)
      expect(preview.rows[0]?.why).toContain('token testbed, object uefi-hsm')
      expect(preview.rows[1]).toMatchObject({ name: 'CN=testbed uefi key', serviceKey: realPrint })
      // The PIN that debusine keeps in its URIs goes nowhere.
      expect(JSON.stringify(preview)).not.toContain('123456')
    }
    expect([await bench.rows(), await bench.entries()]).toEqual([[], []])
  })

  test('need their service key, which is named with the folder where it is looked for', async () => {
    const without = await judge(testdata('pg_dump.sql'))
    expect(without.rows.map(({ verdict, code }) => `${verdict} ${code}`)).toEqual([
      'leave on-token',
      'leave service-key-absent',
      'leave purpose-not-served',
      'leave service-key-absent',
    ])
    expect(without.rows[1]?.why).toContain(realPrint)
    expect(without.rows[1]?.why).toContain(bench.serviceKeys)
    expect(await take(testdata('pg_dump.sql'), without.dumpSha256)).toMatchObject({
      ok: false,
      error: { code: 'nothing-to-take' },
    })
    expect([await bench.rows(), await bench.entries()]).toEqual([[], []])
  })

  test('are taken with a proof of possession for each, and marked as imported for ever', async () => {
    bringServiceKey()
    const path = testdata('pg_dump.sql')
    const { dumpSha256, rows } = await judge(path)
    const prints = rows.flatMap(({ verdict, fingerprint }) =>
      verdict === 'take' && fingerprint !== null ? [String(fingerprint)] : [],
    )
    expect(orThrow(await take(path, dumpSha256))).toEqual({ taken: 2, left: 2, failed: [], stopped: false })
    const entries = await bench.entries()
    expect(entries.map(({ event }) => event)).toEqual([
      'service-key-added',
      'key-import-begun',
      'possession-challenged',
      'key-registered',
      'possession-challenged',
      'key-registered',
    ])
    expect(entries[0]).toMatchObject({ serviceKey: realPrint, file: '0.key', how: 'found' })
    expect(entries[1]).toMatchObject({ dumpSha256, format: 'postgresql-copy', taking: 2, leaving: 2, operator })
    expect(entries[2]).toMatchObject({ fingerprint: prints[0], tokenSerial: null })
    expect(entries[3]).toMatchObject({ fingerprint: prints[0], origin: 'imported', home: 'software' })
    const keys = await registry().list()
    expect(keys.map(({ fingerprint }) => String(fingerprint)).sort()).toEqual([...prints].sort())
    for (const key of keys)
      expect(key).toMatchObject({
        description: 'testbed uefi key',
        origin: 'imported',
        production: false,
        usableNow: true,
        home: { kind: 'software' },
      })
    expect(await bench.station.db.selectFrom('imported_key').select(['dump_sha256', 'made_at']).execute()).toEqual([
      { dump_sha256: dumpSha256, made_at: expect.stringMatching(/^2026-11-20T\d\d:\d\d:\d\d\.\d{3}Z$/) },
      { dump_sha256: dumpSha256, made_at: expect.stringMatching(/^2026-11-20T\d\d:\d\d:\d\d\.\d{3}Z$/) },
    ])

    // Taken once: the other form of the same database has nothing new.
    const again = await judge(testdata('dumpdata.json'))
    expect(again.rows.map(({ verdict }) => verdict)).toEqual(['leave', 'have', 'leave', 'have'])
    expect(await take(testdata('dumpdata.json'), again.dumpSha256)).toMatchObject({
      ok: false,
      error: { code: 'nothing-to-take' },
    })

    // Sealed anew they stay imported, and their old service key can go.
    orThrow(await addServiceKey(bench.ports, operator))
    const report = orThrow(await reencryptKeys(bench.ports, { operator, onProgress: () => {}, signal: signal() }))
    expect(report).toMatchObject({ reencrypted: 2, kept: [] })
    rmSync(join(bench.serviceKeys, '0.key'))
    await bench.tokens.reset()
    expect((await registry().list()).map(({ origin, usableNow }) => [origin, usableNow])).toEqual([
      ['imported', true],
      ['imported', true],
    ])
  })

  test('are taken only from the dump that was looked at', async () => {
    bringServiceKey()
    const path = dump(realObjects())
    const { dumpSha256 } = await judge(path)
    writeFileSync(path, ` ${JSON.stringify(realObjects())}`)
    expect(await take(path, dumpSha256)).toMatchObject({ ok: false, error: { code: 'dump-changed' } })
    expect(await bench.rows()).toEqual([])
  })

  test('that are doubled, contradict each other, or are not what they say, are left with the reason', async () => {
    bringServiceKey()
    const [, one, , two] = realKeys()
    if (one === undefined || two === undefined) throw new Error('the fixture has four keys')
    const changed = (object: DumpObject, fields: Partial<DumpObject['fields']>) => ({
      ...object,
      fields: { ...object.fields, ...fields },
    })
    const damaged = Buffer.from(one.fields.private_key['encrypted'] ?? '', 'base64')
    damaged[200] = (damaged[200] ?? 0) ^ 1
    const foreign = sealPrivateKey(Buffer.from('a key'), publicKeyOf(Buffer.alloc(32, 7)))
    const notPem = sealPrivateKey(Buffer.from('a key'), publicKeyOf(realKey))
    const record = (sealed: { publicKey: string; encrypted: string }) => ({
      storage: 'nacl',
      public_key: sealed.publicKey,
      encrypted: sealed.encrypted,
    })
    expect(await codes(dump([one, one, two]))).toEqual(['take takeable', 'leave duplicate', 'take takeable'])
    expect(await codes(dump([one, changed(one, { private_key: two.fields.private_key })]))).toEqual([
      'leave contradicting',
      'leave contradicting',
    ])
    expect(
      await codes(
        dump([changed(one, { private_key: { ...one.fields.private_key, encrypted: damaged.toString('base64') } })]),
      ),
    ).toEqual(['leave sealed-damaged'])
    expect(await codes(dump([changed(one, { private_key: two.fields.private_key })]))).toEqual(['leave key-mismatch'])
    expect(await codes(dump([changed(one, { private_key: record(notPem) })]))).toEqual(['leave key-mismatch'])
    expect(await codes(dump([changed(one, { private_key: record(foreign) })]))).toEqual(['leave service-key-absent'])
    expect(await codes(dump([changed(one, { fingerprint: two.fields.fingerprint })]))).toEqual([
      'leave fingerprint-wrong',
    ])
    expect(await codes(dump([changed(one, { public_key: 'AAAA' })]))).toEqual(['leave certificate-unreadable'])
    const both = Buffer.concat([one, two].map(({ fields }) => Buffer.from(fields.public_key, 'base64')))
    expect(await codes(dump([changed(one, { public_key: both.toString('base64') })]))).toEqual([
      'leave certificate-unreadable',
    ])
    expect(await codes(dump([changed(one, { private_key: { storage: 'vault' } })]))).toEqual(['leave storage-unknown'])
    expect(await codes(dump([changed(one, { purpose: 'UEFI\n' })]))).toEqual(['leave malformed'])
    expect(await codes(dump([changed(one, { fingerprint: '../..' })]))).toEqual(['leave malformed'])
  })

  test('stop between two when asked, and the rest is taken by beginning again', async () => {
    bringServiceKey()
    const path = testdata('dumpdata.json')
    const { dumpSha256 } = await judge(path)
    const stop = new AbortController()
    const stopped = await importKeys(bench.ports, {
      path,
      dumpSha256,
      operator,
      onProgress: () => stop.abort(),
      signal: stop.signal,
    })
    expect(orThrow(stopped)).toMatchObject({ taken: 1, stopped: true })
    expect(orThrow(await take(path, dumpSha256))).toMatchObject({ taken: 1, stopped: false })
    expect(await bench.rows()).toHaveLength(2)
  })

  test('go back in a form that holds what came, readable by its user alone, with the service keys that open it named', async () => {
    bringServiceKey()
    const path = testdata('pg_dump.sql')
    orThrow(await take(path, (await judge(path)).dumpSha256))
    await bench.makeKey('Made here')
    const saved = orThrow(await exportKeys(bench.ports, { folder: bench.folder, operator }))
    expect(saved).toMatchObject({ keys: 3, serviceKeys: [{ fingerprint: realPrint, file: '0.key' }] })
    expect(statSync(saved.path).mode & 0o777).toBe(0o600)
    const text = readFileSync(saved.path)
    expect(createHash('sha256').update(text).digest('hex')).toBe(saved.sha256)
    expect((await bench.entries('keys-exported'))[0]).toMatchObject({ fileSha256: saved.sha256, keys: 3, operator })
    const objects = JSON.parse(text.toString('utf8')) as (DumpObject & { pk: unknown })[] // ours
    const [, one, , two] = realKeys()
    for (const [index, was] of [one, two].entries()) {
      const is = objects[index]
      expect(is).toMatchObject({ model: 'signing.key', pk: null, fields: { purpose: 'uefi' } })
      expect(is?.fields.fingerprint).toBe(was?.fields.fingerprint)
      expect(is?.fields.private_key).toEqual(was?.fields.private_key)
      expect(is?.fields.public_key).toBe(was?.fields.public_key)
    }
    // Our own reader takes it as it takes debusine's, at a station that has the service key.
    const sealed = objects[2]?.fields.private_key
    const serviceKey = { file: '0.key', publicKey: publicKeyOf(realKey), secretKey: realKey }
    const opened = unsealPrivateKey(
      { publicKey: sealed?.['public_key'] ?? '', encrypted: sealed?.['encrypted'] ?? '' },
      [serviceKey],
    )
    const certificate = new X509Certificate(Buffer.from(objects[2]?.fields.public_key ?? '', 'base64'))
    expect(certificate.subject).toBe('CN=Made here')
    expect(Buffer.from(opened ?? []).toString()).toContain('-----BEGIN PRIVATE KEY-----')
    expect(readdirSync(bench.folder).filter((name) => name.endsWith('.new'))).toEqual([])
    expect((await judge(saved.path)).rows.map(({ verdict }) => verdict)).toEqual(['have', 'have', 'have'])
  })

  test('are not exported where there is none, or where the folder is not there', async () => {
    expect(await exportKeys(bench.ports, { folder: bench.folder, operator })).toMatchObject({
      ok: false,
      error: { code: 'nothing-to-export' },
    })
    await bench.makeKey('Made here')
    expect(await exportKeys(bench.ports, { folder: join(bench.folder, 'none'), operator })).toMatchObject({
      ok: false,
      error: { code: 'export-not-written' },
    })
    expect(await bench.entries('keys-exported')).toEqual([])
  })
})
