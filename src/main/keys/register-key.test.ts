import { readFileSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Failure } from '../../shared/failure.ts'
import { fingerprint } from '../../shared/ids.ts'
import type { Result } from '../../shared/result.ts'
import { Secret } from '../../shared/secret.ts'
import { type AuditStation, auditStation } from '../audit/testing/audit-station.ts'
import { compileFaultModule, faultEnvironment } from '../token/testing/fault-module.ts'
import { softHsmModule } from '../token/testing/soft-token.ts'
import { TokenBench } from '../token/testing/token-bench.ts'
import { createKeyRegistry } from './key-registry.ts'
import { createKeySightings } from './key-sightings.ts'
import { type RegistrationInput, registerKey } from './register-key.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const pin = '314159'
const operator = 'Custodian'
const codeOf = (result: Result<unknown, Failure>) => (result.ok ? 'ok' : result.error.code)

describe.skipIf(softHsmModule() === null)('registering a token’s key (needs SoftHSM: apt-get install softhsm2)', () => {
  let bench: TokenBench
  let station: AuditStation
  let count = 0
  beforeAll(async () => {
    bench = await TokenBench.make([
      {
        label: 'ceremony',
        pin,
        keys: [
          { algorithm: 'rsa-2048', commonName: 'First signer' },
          { algorithm: 'ec-p256', commonName: 'Second signer' },
          { algorithm: 'ed25519' },
        ],
      },
    ])
  })
  afterAll(() => bench.dispose())
  beforeEach(async () => {
    station = await auditStation(join(bench.directory, `station-${count++}.db`))
  })
  afterEach(() => station.close())

  const key = (index: number) => {
    const found = bench.token().keys[index]
    if (found === undefined) throw new Error(`there is no key ${index}`)
    return found
  }
  const inputFor = (index: number, change: Partial<RegistrationInput> = {}): RegistrationInput => ({
    purpose: 'uefi',
    token: bench.token().id,
    ckaId: key(index).ckaId,
    certificatePem: key(index).certificatePem ?? '',
    description: 'A signer',
    production: true,
    pin: Secret.fromText(pin),
    useLastTry: false,
    ...change,
  })
  const ports = (tokens = bench.service()) => ({
    db: station.db,
    audit: station.log,
    tokens,
    shippedRoots: [],
    now: () => new Date(),
  })
  const events = async () =>
    (await station.db.selectFrom('audit_entry').select('entry').orderBy('seq').execute()).map(
      ({ entry }): Readonly<Record<string, unknown>> => JSON.parse(Buffer.from(entry).toString('utf8')), // our own log
    )
  const keys = () => station.db.selectFrom('signing_key').selectAll().execute()

  /** Refused with this code: no key, and nothing in the log but what is named; the PIN is gone. */
  async function expectRefused(input: RegistrationInput, code: string, logged: readonly string[] = []): Promise<void> {
    expect(codeOf(await registerKey(ports(), input, operator))).toBe(code)
    expect(await keys()).toEqual([])
    expect((await events()).map((entry) => entry['event'])).toEqual(logged)
    expect(Buffer.from(input.pin.reveal()).every((byte) => byte === 0)).toBe(true)
  }

  test('proves possession first, on record, and then keeps what was read from the token', async () => {
    const input = inputFor(0)
    expect(await registerKey(ports(), input, operator)).toEqual({ ok: true, value: key(0).fingerprint })
    expect(await events()).toMatchObject([
      {
        event: 'possession-challenged',
        fingerprint: key(0).fingerprint,
        tokenSerial: bench.token().id.serial,
        operator,
      },
      {
        event: 'key-registered',
        fingerprint: key(0).fingerprint,
        origin: 'generated',
        home: 'token',
        spkiSha256: key(0).spkiSha256,
        operator,
      },
      // SoftHSM is nobody's device: that is recorded as well.
      {
        event: 'key-attested',
        fingerprint: key(0).fingerprint,
        source: 'token',
        verdict: { kind: 'not-offered', why: 'other-device' },
        certificates: [],
        operator,
      },
    ])
    expect(await station.db.selectFrom('key_attestation').selectAll().execute()).toMatchObject([
      { id: 1, fingerprint: key(0).fingerprint, audit_seq: 3, kind: 'not-offered', certificates: '', operator },
    ])
    const [row] = await keys()
    const { manufacturer, model, serial } = bench.token().id
    expect(row).toMatchObject({
      fingerprint: key(0).fingerprint,
      state: 'active',
      production: 1,
      origin: 'generated',
      spki_sha256: key(0).spkiSha256,
      token_manufacturer: manufacturer,
      token_model: model,
      token_serial: serial,
      cka_id: key(0).ckaId,
    })
    expect(JSON.parse(row?.private_key ?? '')).toEqual({
      storage: 'pkcs11-static',
      pkcs11_uri: expect.stringMatching(/^pkcs11:manufacturer=.*;serial=.*;id=%01;type=private$/),
    })
    expect(Buffer.from(input.pin.reveal()).every((byte) => byte === 0)).toBe(true)
    for (const written of [JSON.stringify(await events()), row?.private_key ?? '', bench.log.join('')])
      expect(written).not.toContain(pin)
  })
  test('asks for another challenge each time', async () => {
    await registerKey(ports(), inputFor(0), operator)
    await registerKey(ports(), inputFor(1), operator)
    const digests = (await events())
      .filter((entry) => entry['event'] === 'possession-challenged')
      .map((entry) => entry['digest'])
    expect(new Set(digests).size).toBe(2)
  })
  test('refuses the certificate of another key before the PIN is used', async () => {
    await expectRefused(inputFor(0, { certificatePem: key(1).certificatePem ?? '' }), 'certificate-of-another-key')
  })
  test('refuses what is no certificate', async () => {
    const refused = await registerKey(ports(), inputFor(0, { certificatePem: 'not a certificate' }), operator)
    expect(refused.ok).toBe(false)
    expect(await keys()).toEqual([])
    expect(await events()).toEqual([])
  })
  test('refuses a key that is registered already, and leaves it alone', async () => {
    expect(codeOf(await registerKey(ports(), inputFor(0), operator))).toBe('ok')
    const before = await keys()
    expect(codeOf(await registerKey(ports(), inputFor(0, { description: 'Again' }), operator))).toBe('key-known')
    expect(await keys()).toEqual(before)
  })
  test('refuses a wrong PIN, once, and writes that down', async () => {
    await expectRefused(inputFor(0, { pin: Secret.fromText('000000') }), 'pin-incorrect', ['login-failed'])
    expect((await events())[0]).toMatchObject({ requestId: null, code: 'pin-incorrect', operator })
  })
  test('refuses an id under which the token has no key', async () => {
    await expectRefused(inputFor(0, { ckaId: 'ff' }), 'key-absent')
  })
  test('refuses a token that is not there, by any part of its identity', async () => {
    const { id } = bench.token()
    for (const change of [{ serial: '0000' }, { model: 'Other' }, { manufacturer: 'Other' }])
      await expectRefused(inputFor(0, { token: { ...id, ...change } }), 'token-absent')
  })
  test('refuses when the log cannot take the challenge: the token is not asked to sign', async (ctx) => {
    const module = compileFaultModule(bench.directory)
    if (module === null) return ctx.skip('there is no C compiler (apt-get install gcc)')
    const calls = join(bench.directory, 'calls')
    const tokens = bench.service({
      modules: [module],
      environment: faultEnvironment('none', bench.soft.module, calls),
    })
    await station.db.schema.alterTable('audit_entry').renameTo('hidden').execute()
    await expect(registerKey(ports(tokens), inputFor(0), operator)).rejects.toThrow()
    await station.db.schema.alterTable('hidden').renameTo('audit_entry').execute()
    expect(readFileSync(calls, 'utf8')).toBe('L')
    expect(await keys()).toEqual([])
  })
  test.for(['garbage', 'short'] as const)('refuses a token whose proof is wrong (%s)', async (fault, ctx) => {
    const module = compileFaultModule(bench.directory)
    if (module === null) return ctx.skip('there is no C compiler (apt-get install gcc)')
    const tokens = bench.service({
      modules: [module],
      environment: faultEnvironment(fault, bench.soft.module, join(bench.directory, 'calls')),
    })
    expect(codeOf(await registerKey(ports(tokens), inputFor(0), operator))).toBe('signature-wrong')
    expect(await keys()).toEqual([])
    expect((await events()).map((entry) => entry['event'])).toEqual(['possession-challenged'])
  })

  describe('afterwards', () => {
    const registry = (tokens = bench.service(), mayWrite = () => true) =>
      createKeyRegistry({
        ...ports(tokens),
        mayWrite,
        opensSealed: () => Promise.reject(new Error('there is no software key')),
      })
    const print = () => fingerprint.parse(key(0).fingerprint)
    const of = () => ({ purpose: 'uefi', fingerprint: print() })
    beforeEach(async () => {
      expect(codeOf(await registerKey(ports(), inputFor(0), operator))).toBe('ok')
    })

    test('the key is found by purpose and fingerprint together, and is usable', async () => {
      const keys = registry()
      expect(await keys.find('uefi', print())).toMatchObject({
        usableNow: true,
        unusableBecause: null,
        state: 'active',
      })
      expect(await keys.find('openpgp', print())).toBeNull()
      expect(await keys.purposesOf(print())).toEqual(['uefi'])
      expect((await keys.forSigning('uefi', print()))?.reference).toMatchObject({ spkiSha256: key(0).spkiSha256 })
      expect(await keys.forSigning('uefi', fingerprint.parse('00'.repeat(32)))).toBeNull()
    })
    test('a key whose certificate or public key somebody exchanged in its row is not opened', async () => {
      const { db } = station
      await sql`DROP TRIGGER signing_key_identity`.execute(db)
      const row = await db.selectFrom('signing_key').select(['public_key', 'spki_sha256']).executeTakeFirstOrThrow()
      const foreign = { public_key: Buffer.from(key(1).certificatePem ?? ''), spki_sha256: key(1).spkiSha256 }
      for (const { change, opened } of [
        { change: { public_key: foreign.public_key }, opened: false },
        { change: { spki_sha256: foreign.spki_sha256 }, opened: false },
        { change: foreign, opened: false },
        { change: {}, opened: true },
      ]) {
        await db
          .updateTable('signing_key')
          .set({ ...row, ...change })
          .execute()
        expect((await registry().forSigning('uefi', print())) !== null).toBe(opened)
      }
    })
    test('a suspended key is not usable, whoever suspended it is on record, and the same state twice is no event', async () => {
      const keys = registry()
      expect(codeOf(await keys.setState(of(), 'suspended', operator))).toBe('ok')
      expect(codeOf(await keys.setState(of(), 'suspended', operator))).toBe('ok')
      expect(await keys.find('uefi', print())).toMatchObject({
        usableNow: false,
        unusableBecause: 'The key is suspended.',
      })
      expect((await events()).filter((entry) => entry['event'] === 'key-state-changed')).toMatchObject([
        { from: 'active', to: 'suspended', operator },
      ])
    })
    test('a destroyed key stays so, and an unknown key has no state', async () => {
      const keys = registry()
      expect(codeOf(await keys.setState(of(), 'destroyed', operator))).toBe('ok')
      expect(codeOf(await keys.setState(of(), 'active', operator))).toBe('key-destroyed')
      expect(await keys.find('uefi', print())).toMatchObject({ state: 'destroyed', usableNow: false })
      const unknown = { purpose: 'uefi', fingerprint: fingerprint.parse('00'.repeat(32)) }
      expect(codeOf(await keys.setState(unknown, 'active', operator))).toBe('key-not-registered')
    })
    test('it is not usable while its token is away', async () => {
      const { tokenFolder } = bench.soft
      const tokens = bench.service()
      const keys = registry(tokens)
      const seen = { tokenLabel: 'ceremony', module: bench.soft.module }
      expect(await keys.list()).toMatchObject([{ availability: 'usable', lastSeen: seen }])
      await tokens.reset()
      await rename(tokenFolder, `${tokenFolder}.away`)
      try {
        expect(await keys.list()).toMatchObject([{ usableNow: false, availability: 'token-absent', lastSeen: seen }])
        // Another start of the program still knows where to look for it.
        expect(await registry().list()).toMatchObject([{ availability: 'token-absent', lastSeen: seen }])
      } finally {
        await rename(`${tokenFolder}.away`, tokenFolder)
      }
      expect(await keys.list()).toMatchObject([{ usableNow: true, availability: 'usable', lastSeen: seen }])
    })
    test('where it was seen is written every ten minutes at most, and not while the station is for reading only', async () => {
      const written = async () =>
        (await station.db.selectFrom('key_sighting').select(['at', 'token_label']).execute()).map(Object.values)
      let minute = 0
      const at = () => new Date(Date.UTC(2026, 0, 1, 12, minute)).toISOString()
      const name = { purpose: 'uefi', fingerprint: print() }
      const sightings = createKeySightings(station.db, () => minute !== 30)
      const look = async (label: string) => {
        await sightings.seen(name, { at: at(), tokenLabel: label, module: '/m.so' })
        return written()
      }
      expect(await look('one')).toEqual([['2026-01-01T12:00:00.000Z', 'one']])
      minute = 9
      expect(await look('one')).toEqual([['2026-01-01T12:00:00.000Z', 'one']])
      expect((await sightings.last()).get(`uefi ${print()}`)?.at).toBe(at())
      expect(await look('two')).toEqual([['2026-01-01T12:09:00.000Z', 'two']])
      minute = 19
      expect(await look('two')).toEqual([['2026-01-01T12:19:00.000Z', 'two']])
      minute = 30
      expect(await look('two')).toEqual([['2026-01-01T12:19:00.000Z', 'two']])
    })
    test('it is not usable while the PIN of its token is locked', async (ctx) => {
      const module = compileFaultModule(bench.directory)
      if (module === null) return ctx.skip('there is no C compiler (apt-get install gcc)')
      const tokens = bench.service({
        modules: [module],
        environment: faultEnvironment('locked', bench.soft.module, join(bench.directory, 'calls')),
      })
      const [found] = await registry(tokens).list()
      expect(found).toMatchObject({
        usableNow: false,
        unusableBecause: expect.stringContaining('PIN of the token is locked'),
        availability: 'pin-locked',
      })
    })
    test('it is not taken for lost when another device comes while it is looked at', async () => {
      let interrupted = 0
      const tokens = bench.service({
        log: (event, fields) => {
          if (event !== 'token.call' || fields?.['op'] !== 'has-token' || interrupted > 0) return
          interrupted += 1
          void tokens.devicesChanged([])
        },
      })
      expect(await registry(tokens).list()).toMatchObject([{ usableNow: true }])
      expect(interrupted).toBe(1)
    })
    test('an absent token is looked for once, however many keys it has', async () => {
      expect(codeOf(await registerKey(ports(), inputFor(1), operator))).toBe('ok')
      const { tokenFolder } = bench.soft
      const tokens = bench.service()
      const starts = () => bench.log.filter((line) => line.includes('token.host-started')).length
      await rename(tokenFolder, `${tokenFolder}.away`)
      try {
        const before = starts()
        expect(await registry(tokens).list()).toMatchObject([{ usableNow: false }, { usableNow: false }])
        // The process that did not know it, and a new one that does not either.
        expect(starts() - before).toBe(2)
      } finally {
        await rename(`${tokenFolder}.away`, tokenFolder)
      }
    })
    test('it is refused when the token has another key under its id', async () => {
      await station.db
        .updateTable('signing_key')
        .set({ cka_id: key(1).ckaId })
        .execute()
      const [found] = await registry().list()
      expect(found?.usableNow).toBe(false)
      expect(found === undefined ? null : await registry().usability(found)).toMatchObject({
        kind: 'unusable',
        failure: { kind: 'refused', code: 'key-mismatch' },
      })
      // The token was seen; the key was not.
      expect(found).toMatchObject({ availability: 'key-differs', lastSeen: null })
    })
  })
})
