import { createHash } from 'node:crypto'
import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import type { Failure } from '../../shared/failure.ts'
import { sha256Hex } from '../../shared/ids.ts'
import type { Result } from '../../shared/result.ts'
import { checkpointText } from '../audit/format/checkpoint.ts'
import { openLogKey, readLogKey } from '../audit/log-key.ts'
import { createKeyRegistry } from './key-registry.ts'
import { reencryptKeys } from './reencrypt-keys.ts'
import { addServiceKey, listServiceKeys, printOf } from './service-key-desk.ts'
import { readServiceKeys } from './software/service-keys.ts'
import { operator, type SoftwareBench, softwareBench } from './testing/software-bench.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

function orThrow<T>(result: Result<T, Failure>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`)
  return result.value
}

describe('service keys', () => {
  let bench: SoftwareBench
  beforeEach(async () => {
    bench = await softwareBench(tempFolder())
  })
  afterEach(() => bench.close())

  const progress: string[] = []
  const rotate = (signal = new AbortController().signal) => {
    progress.length = 0
    return reencryptKeys(bench.ports, {
      operator,
      signal,
      onProgress: ({ done, total }) => progress.push(`${done}/${total}`),
    })
  }
  const recordsOf = async () => (await bench.rows()).map((row) => JSON.parse(row.private_key) as { public_key: string })
  const registry = () =>
    createKeyRegistry({ ...bench.ports, opensSealed: (sealed) => bench.tokens.opensSealed(sealed) })
  const text = checkpointText({ origin: 'station/log/1', size: 7, root: new Uint8Array(32).fill(9), extensions: [] })

  test('are made one after another: the newest encrypts, all open, and the log names each', async () => {
    await bench.makeKey('First')
    const one = orThrow(await addServiceKey(bench.ports, operator))
    await bench.makeKey('Second')
    const two = orThrow(await addServiceKey(bench.ports, operator))
    const list = orThrow(await listServiceKeys(bench.ports))
    expect(list).toMatchObject({ folder: bench.serviceKeys, absent: [], waiting: 2 })
    expect(list.keys.map(({ file, encrypts, opens }) => ({ file, encrypts, opens }))).toEqual([
      { file: two.file, encrypts: true, opens: 0 },
      { file: one.file, encrypts: false, opens: 1 },
      { file: expect.stringMatching(/^service-[0-9a-f]{8}\.key$/), encrypts: false, opens: 1 },
    ])
    expect(await bench.entries('service-key-added')).toEqual([
      expect.objectContaining({ serviceKey: one.fingerprint, file: one.file, how: 'made', operator }),
      expect.objectContaining({ serviceKey: two.fingerprint, file: two.file, how: 'made', operator }),
    ])
    // In the form that debusine's own command makes, and read as debusine reads: sorted, the first one encrypts.
    for (const { file } of list.keys) expect(readFileSync(join(bench.serviceKeys, file))).toHaveLength(32)
    const read = readServiceKeys(bench.serviceKeys)
    expect(
      read.ok &&
        createHash('sha256')
          .update(read.value[0]?.publicKey ?? '')
          .digest('hex'),
    ).toBe(two.fingerprint)
  })

  test('are not added where one that is there is not safe, and the list says which', async () => {
    await bench.makeKey('First')
    const [file = ''] = readdirSync(bench.serviceKeys)
    chmodSync(join(bench.serviceKeys, file), 0o644)
    expect(await addServiceKey(bench.ports, operator)).toMatchObject({
      ok: false,
      error: { code: 'service-key-unsafe' },
    })
    expect(orThrow(await listServiceKeys(bench.ports)).keys).toEqual([
      { file, fingerprint: null, problem: 'has mode 0644, not 0600', encrypts: false, opens: 0 },
    ])
    expect(await rotate()).toMatchObject({ ok: false, error: { code: 'service-key-unsafe' } })
    expect(readdirSync(bench.serviceKeys)).toEqual([file])
  })

  test('are rotated: every record is sealed to the newest, holds the same key, and opens without the old ones', async () => {
    await bench.makeKey('First')
    await bench.makeKey('Second')
    await bench.makeLogKey()
    const before = await bench.rows()
    const key = orThrow(openLogKey(bench.ports.logKeyPath, bench.tokens))
    const [old = ''] = readdirSync(bench.serviceKeys)
    const { fingerprint: to } = orThrow(await addServiceKey(bench.ports, operator))
    const oldPrint = printOf((await recordsOf())[0]?.public_key ?? '')
    expect(orThrow(await rotate())).toEqual({ to, reencrypted: 3, already: 0, kept: [], stopped: false })
    expect(progress).toEqual(['0/3', '1/3', '2/3', '3/3'])
    expect((await recordsOf()).map((record) => printOf(record.public_key))).toEqual([to, to])
    expect(orThrow(await listServiceKeys(bench.ports)).keys.map(({ opens }) => opens)).toEqual([3, 0])

    // Nothing needs the old file any more: neither the keys, nor the log's key that was open all the time.
    rmSync(join(bench.serviceKeys, old))
    await bench.tokens.reset()
    expect((await registry().list()).map(({ usableNow }) => usableNow)).toEqual([true, true])
    expect((await key.sign(text)).ok).toBe(true)
    for (const { fingerprint } of before) {
      const found = await registry().forSigning('uefi', fingerprint as never)
      if (found === null) throw new Error('the key is gone')
      const session = orThrow(
        await bench.tokens.openSession(found.reference, null, {
          useLastTry: false,
          signal: new AbortController().signal,
          onSignal: () => {},
        }),
      )
      // The session verifies it with the certificate's key.
      orThrow(await session.sign({ scheme: 'rsa-pkcs1-sha256', digest: createHash('sha256').update('x').digest() }))
      await session.close()
    }

    const evidence = await bench.entries('key-reencrypted')
    expect(evidence).toHaveLength(3)
    for (const entry of evidence) expect(entry).toMatchObject({ fromServiceKey: oldPrint, toServiceKey: to, operator })
    const boxes = (rows: readonly { private_key: string }[]) =>
      rows.map(({ private_key }) => {
        const { encrypted } = JSON.parse(private_key) as { encrypted: string } // ours
        return createHash('sha256').update(Buffer.from(encrypted, 'base64')).digest('hex')
      })
    expect(evidence.slice(0, 2).map((entry) => entry['oldBoxSha256'])).toEqual(boxes(before))
    expect(evidence.slice(0, 2).map((entry) => entry['newBoxSha256'])).toEqual(boxes(await bench.rows()))
    expect(evidence[2]).toMatchObject({ what: 'log-key', purpose: null, fingerprint: null })
    // The old service key was in the folder before this program named it.
    expect((await bench.entries('service-key-added')).map((entry) => [entry['serviceKey'], entry['how']])).toEqual([
      [to, 'made'],
      [oldPrint, 'found'],
    ])

    expect(orThrow(await rotate())).toMatchObject({ reencrypted: 0, already: 3, kept: [] })
    expect(await bench.entries('key-reencrypted')).toHaveLength(3)
  })

  test('that are absent are named by fingerprint and folder, and the record that needs one is kept while others go on', async () => {
    await bench.makeKey('First')
    const [old = ''] = readdirSync(bench.serviceKeys)
    orThrow(await addServiceKey(bench.ports, operator))
    await bench.makeKey('Second')
    orThrow(await addServiceKey(bench.ports, operator))
    renameSync(join(bench.serviceKeys, old), join(bench.folder, old))
    const [missing] = await recordsOf()
    const print = printOf(missing?.public_key ?? '')
    const [first] = await registry().list()
    expect(first).toMatchObject({ usableNow: false })
    expect(first?.unusableBecause).toContain(print)
    expect(first?.unusableBecause).toContain(bench.serviceKeys)
    expect(orThrow(await listServiceKeys(bench.ports)).absent).toEqual([{ fingerprint: print, opens: ['First'] }])
    const before = await bench.rows()
    const report = orThrow(await rotate())
    expect(report).toMatchObject({
      reencrypted: 1,
      kept: [{ name: 'First', failure: { code: 'service-key-absent', message: expect.stringContaining(print) } }],
    })
    expect((await bench.rows())[0]).toEqual(before[0])
    renameSync(join(bench.folder, old), join(bench.serviceKeys, old))
    expect(orThrow(await rotate())).toMatchObject({ reencrypted: 1, already: 1, kept: [] })
  })

  test('seal nothing anew that is not the registered key, and nothing that was changed', async () => {
    await bench.makeKey('First')
    await bench.makeKey('Second')
    const [first, second] = await bench.rows()
    orThrow(await addServiceKey(bench.ports, operator))
    const damaged = JSON.parse(second?.private_key ?? '') as { encrypted: string } // ours
    const box = Buffer.from(damaged.encrypted, 'base64')
    box[100] = (box[100] ?? 0) ^ 1
    const set = (fingerprint: string | undefined, privateKey: string) =>
      bench.station.db
        .updateTable('signing_key')
        .set({ private_key: privateKey })
        .where('fingerprint', '=', fingerprint ?? '')
        .execute()
    await set(first?.fingerprint, second?.private_key ?? '')
    await set(second?.fingerprint, JSON.stringify({ ...damaged, encrypted: box.toString('base64') }))
    const before = await bench.rows()
    expect(orThrow(await rotate())).toMatchObject({
      reencrypted: 0,
      kept: [
        { name: 'First', failure: { code: 'key-mismatch' } },
        { name: 'Second', failure: { code: 'sealed-damaged' } },
      ],
    })
    expect(await bench.rows()).toEqual(before)
    expect(await bench.entries('key-reencrypted')).toEqual([])
  })

  test('keep the old record where the new one does not hold the same key, whatever the process that made it says', async () => {
    await bench.makeKey('First')
    await bench.makeKey('Second')
    orThrow(await addServiceKey(bench.ports, operator))
    const before = await bench.rows()
    const other = JSON.parse(before[1]?.private_key ?? '') as { public_key: string; encrypted: string } // ours
    const { tokens } = bench
    const lying = {
      ...bench.ports,
      tokens: {
        listServiceKeys: () => tokens.listServiceKeys(),
        makeServiceKey: () => tokens.makeServiceKey(),
        makeLogKey: () => tokens.makeLogKey(),
        signCheckpoint: (...args: Parameters<typeof tokens.signCheckpoint>) => tokens.signCheckpoint(...args),
        openResealer: () => {
          const real = tokens.openResealer()
          return {
            ...real,
            reseal: async (...[, , to]: Parameters<typeof real.reseal>) =>
              ({ ok: true, value: { publicKey: to, encrypted: other.encrypted } }) as const,
          }
        },
      },
    }
    const report = orThrow(
      await reencryptKeys(lying, { operator, onProgress: () => {}, signal: new AbortController().signal }),
    )
    expect(report.kept.map(({ failure }) => failure.code)).toEqual(['sealed-damaged', 'sealed-damaged'])
    expect(await bench.rows()).toEqual(before)
  })

  test('stop between two records when asked, and go on from there', async () => {
    await bench.makeKey('First')
    await bench.makeKey('Second')
    orThrow(await addServiceKey(bench.ports, operator))
    const stop = new AbortController()
    const stopped = await reencryptKeys(bench.ports, { operator, onProgress: () => stop.abort(), signal: stop.signal })
    expect(orThrow(stopped)).toMatchObject({ reencrypted: 1, already: 0, stopped: true })
    expect(orThrow(await rotate())).toMatchObject({ reencrypted: 1, already: 1, stopped: false })
  })

  test('exchange nothing that could not be put on record', async () => {
    await bench.makeKey('First')
    await bench.makeLogKey()
    orThrow(await addServiceKey(bench.ports, operator))
    orThrow(await rotate())
    orThrow(await addServiceKey(bench.ports, operator))
    const before = [await bench.rows(), readFileSync(bench.ports.logKeyPath, 'utf8')]
    const refusing = {
      ...bench.ports,
      audit: { ...bench.station.log, append: () => Promise.reject(new Error('no log')) },
    }
    await expect(
      reencryptKeys(refusing, { operator, onProgress: () => {}, signal: new AbortController().signal }),
    ).rejects.toThrow('no log')
    expect([await bench.rows(), readFileSync(bench.ports.logKeyPath, 'utf8')]).toEqual(before)
  })

  test('take a staged key of the log only if the log speaks of it', async () => {
    await bench.makeLogKey().catch(() => null)
    await bench.makeKey('First')
    await bench.makeLogKey()
    orThrow(await addServiceKey(bench.ports, operator))
    const planted = `${bench.ports.logKeyPath}.next`
    writeFileSync(planted, readFileSync(bench.ports.logKeyPath))
    orThrow(await rotate())
    expect(existsSync(planted)).toBe(false)
    const record = orThrow(readLogKey(bench.ports.logKeyPath))
    const holds = { kind: 'log-key', publicKey: record.key.publicKey } as const
    const resealer = bench.tokens.openResealer()
    expect(await resealer.check(record.sealed, holds)).toMatchObject({ ok: true })
    expect(
      await resealer.check(record.sealed, { kind: 'private-key', spkiSha256: sha256Hex.parse('0'.repeat(64)) }),
    ).toMatchObject({ ok: false, error: { code: 'key-mismatch' } })
    resealer.close()
  })

  test.each([
    '0.key',
    '10-old.key',
    '0000-0a1b2c3d.key',
    '9999-0a1b2c3d.key',
    '0-9998-0a1b2c3d.key',
    'service.key',
    '!.key',
  ])('have a place in sort order before %s, time after time', async (name) => {
    writeFileSync(join(bench.serviceKeys, name), Buffer.alloc(32, 1), { mode: 0o600 })
    const made: string[] = []
    for (let time = 0; time < 3; time += 1) made.unshift(orThrow(await addServiceKey(bench.ports, operator)).file)
    expect(readdirSync(bench.serviceKeys).sort()).toEqual([...made, name])
    expect(Math.max(...made.map((file) => file.length))).toBeLessThan(name.length + 30)
  })

  test('are not made where no name could come first', async () => {
    const name = `${'0'.repeat(250)}.key`
    writeFileSync(join(bench.serviceKeys, name), Buffer.alloc(32, 1), { mode: 0o600 })
    expect(await addServiceKey(bench.ports, operator)).toMatchObject({
      ok: false,
      error: { code: 'service-key-unwritable' },
    })
    expect(readdirSync(bench.serviceKeys)).toEqual([name])
  })
})
