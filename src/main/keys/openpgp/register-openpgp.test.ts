import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Failure } from '../../../shared/failure.ts'
import { sha256Hex } from '../../../shared/ids.ts'
import type { Result } from '../../../shared/result.ts'
import { Secret } from '../../../shared/secret.ts'
import { type AuditStation, auditStation } from '../../audit/testing/audit-station.ts'
import { revokeCertificate } from '../../openpgp/amend-certificate.ts'
import { armor } from '../../openpgp/armor.ts'
import { makeCertificate, readySubkey } from '../../openpgp/certificate.ts'
import { fingerprintHex, openPgpPublicKey } from '../../openpgp/public-key.ts'
import type { OpenPgpSigner } from '../../openpgp/signer.ts'
import { localCertificate, localSigner } from '../../openpgp/testing/local-signer.ts'
import { softHsmModule } from '../../token/testing/soft-token.ts'
import { open, referenceTo, TokenBench } from '../../token/testing/token-bench.ts'
import { createKeyRegistry } from '../key-registry.ts'
import { type RegistrationInput, registerKey } from '../register-key.ts'
import { certifyTokenKey } from './certify-token-key.ts'
import { bringOpenPgp, extendOpenPgp, revokeOpenPgp } from './change-certificate.ts'
import { registerOpenPgpKey } from './register-openpgp.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const pin = '314159'
const operator = 'Custodian'
const day = 86_400
const born = Date.UTC(2026, 0, 2) / 1000
const codeOf = (result: Result<unknown, Failure>) => (result.ok ? 'ok' : result.error.code)
function valueOf<T>(result: Result<T, Failure>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message} ${result.error.detail ?? ''}`)
  return result.value
}

describe.skipIf(softHsmModule() === null)('an OpenPGP key on a token (needs SoftHSM: apt-get install softhsm2)', () => {
  let bench: TokenBench
  let station: AuditStation
  let count = 0
  /** The station's clock. */
  let now = new Date((born + 10 * day) * 1000)
  let service: ReturnType<TokenBench['service']>
  beforeAll(async () => {
    bench = await TokenBench.make([
      { label: 'ceremony', pin, keys: [{ algorithm: 'ed25519' }, { algorithm: 'ec-p256' }] },
    ])
    service = bench.service()
  })
  afterAll(() => bench.dispose())
  beforeEach(async () => {
    now = new Date((born + 10 * day) * 1000)
    station = await auditStation(join(bench.directory, `station-${count++}.db`))
  })
  afterEach(() => station.close())

  const key = (index: number) => {
    const found = bench.token().keys[index]
    if (found === undefined) throw new Error(`there is no key ${index}`)
    return found
  }
  const ports = () => ({ db: station.db, audit: station.log, tokens: service, shippedRoots: [], now: () => now })
  const registry = () =>
    createKeyRegistry({
      ...ports(),
      opensSealed: () => {
        throw new Error('no software key here')
      },
    })
  const place = (index: number) => ({
    token: bench.token().id,
    ckaId: key(index).ckaId,
    description: 'Uploads',
    production: true,
  })
  const typed = () => ({ pin: Secret.fromText(pin), useLastTry: false })
  const brought = (index: number, certificatePem: string): RegistrationInput => ({
    purpose: 'openpgp',
    ...place(index),
    certificatePem,
    ...typed(),
  })
  const events = async () =>
    (await station.db.selectFrom('audit_entry').select('entry').orderBy('seq').execute()).map(
      ({ entry }): Readonly<Record<string, unknown>> => JSON.parse(Buffer.from(entry).toString('utf8')), // our own log
    )
  const eventNames = async () => (await events()).map(({ event }) => event)

  /** A certificate that somebody else made with this very key. */
  async function made(
    index: number,
    change: { readonly created?: number; readonly days?: number; readonly subkey?: OpenPgpSigner } = {},
  ) {
    const { created = born, days } = change
    const session = valueOf(await open(service, referenceTo(bench.token(), index), pin))
    const spki = Buffer.from(key(index).spkiBase64, 'base64')
    const own = openPgpPublicKey(spki, { version: 4, created, ed25519: 'legacy' })
    if (own === null) throw new Error('no key')
    const primary: OpenPgpSigner = { key: own, sign: (request) => session.sign(request) }
    try {
      const { certificate } = valueOf(
        await makeCertificate({
          primary,
          userId: 'Uploads <uploads@example.org>',
          created,
          expiresAfter: days === undefined ? null : days * day,
          signingSubkey: change.subkey === undefined ? null : valueOf(await readySubkey(own, change.subkey, created)),
        }),
      )
      const revoked = valueOf(await revokeCertificate({ certificate, primary, created: created + 1 }, 'retired', ''))
      return { certificate: armored(certificate), revoked: armored(revoked), print: fingerprintHex(own) }
    } finally {
      await session.close()
    }
  }
  const armored = (bytes: Uint8Array) => armor('PGP PUBLIC KEY BLOCK', bytes, true)

  test('is registered under a certificate that was brought, with the creation time that it names', async () => {
    const { certificate, print } = await made(0, { days: 100 })
    expect(await registerOpenPgpKey(ports(), brought(0, certificate), operator)).toEqual({ ok: true, value: print })
    expect(await events()).toMatchObject([
      {
        event: 'possession-challenged',
        purpose: 'openpgp',
        fingerprint: print,
        digest: expect.stringMatching(/^.{128}$/),
      },
      { event: 'key-registered', purpose: 'openpgp', fingerprint: print, spkiSha256: key(0).spkiSha256 },
      { event: 'key-attested' },
    ])
    expect(await registry().list()).toMatchObject([
      {
        purpose: 'openpgp',
        fingerprint: print,
        usableNow: true,
        algorithm: 'ed25519',
        certificate: { subject: 'Uploads <uploads@example.org>', serial: print },
        openpgp: { signingFingerprint: print, created: new Date(born * 1000).toISOString(), revocation: null },
      },
    ])
    expect(codeOf(await registerOpenPgpKey(ports(), brought(0, certificate), operator))).toBe('key-known')
    const other = await made(0, { created: born + 1 })
    const refused = await registerOpenPgpKey(
      ports(),
      { ...brought(0, other.certificate), purpose: 'openpgp-repository' },
      operator,
    )
    expect(refused).toMatchObject({ error: { code: 'creation-time-differs', message: expect.stringContaining(print) } })
  })

  test('is registered as the subkey of a key that is elsewhere, and changed only there', async () => {
    const spki = Buffer.from(key(1).spkiBase64, 'base64')
    const own = openPgpPublicKey(spki, { version: 4, created: born, ed25519: 'legacy' })
    if (own === null) throw new Error('no key')
    const session = valueOf(await open(service, referenceTo(bench.token(), 1), pin))
    const primary = localSigner('ed25519')
    const certificate = await localCertificate(primary, 'Archive', {
      key: own,
      sign: (request) => session.sign(request),
    })
    await session.close()
    const print = valueOf(await registerOpenPgpKey(ports(), brought(1, armored(certificate)), operator))
    expect(print).toBe(fingerprintHex(primary.key))
    const name = { purpose: 'openpgp', fingerprint: print }
    expect(await registry().find('openpgp', print)).toMatchObject({
      usableNow: true,
      openpgp: { signingFingerprint: fingerprintHex(own) },
    })
    expect((await registry().forSigning('openpgp', print))?.certificate.openpgp?.body).toEqual(own.body)
    expect(codeOf(await extendOpenPgp(ports(), { ...name, days: 9 }, typed(), operator))).toBe('primary-key-elsewhere')
  })

  test('is refused, each time with its reason and without a use of the key', async () => {
    const refusals: readonly (readonly [string, string])[] = [
      ['certificate-of-another-key', armored(await localCertificate(localSigner('ed25519'), 'Other'))],
      ['key-expired', (await made(0, { days: 3 })).certificate],
      ['key-revoked', (await made(0)).revoked],
      ['key-not-yet-valid', (await made(0, { created: born + 20 * day })).certificate],
      ['no-signing-key', (await made(0, { subkey: localSigner('ec-p256') })).certificate],
      ['certificate-unreadable', 'nothing'],
    ]
    for (const [code, certificate] of refusals) {
      const input = brought(0, certificate)
      expect(codeOf(await registerOpenPgpKey(ports(), input, operator))).toBe(code)
      expect(Buffer.from(input.pin.reveal()).every((byte) => byte === 0)).toBe(true)
    }
    expect(codeOf(await registerKey(ports(), brought(0, (await made(0)).certificate), operator))).toBe(
      'certificate-unreadable',
    )
    expect([await eventNames(), await registry().list()]).toEqual([[], []])
  })

  test('makes its own certificate, once, each signature on record before, and can be extended, revoked and brought', async () => {
    const wanted = {
      purpose: 'openpgp' as const,
      ...place(1),
      spkiSha256: sha256Hex.parse(key(1).spkiSha256),
      plan: { userId: 'Uploads <uploads@example.org>', days: 30 },
    }
    expect(
      codeOf(
        await certifyTokenKey(ports(), { ...wanted, pin: Secret.fromText('000000'), useLastTry: false }, operator),
      ),
    ).toBe('pin-incorrect')
    const print = valueOf(await certifyTokenKey(ports(), { ...wanted, ...typed() }, operator))
    expect(await events()).toMatchObject([
      { event: 'login-failed' },
      { event: 'certificate-intended', what: 'openpgp-certification', spkiSha256: wanted.spkiSha256 },
      { event: 'certificate-intended', what: 'openpgp-key-revocation' },
      { event: 'possession-challenged', fingerprint: print },
      { event: 'key-registered', fingerprint: print },
      { event: 'key-attested' },
    ])
    const name = { purpose: 'openpgp', fingerprint: print }
    const first = await registry().find('openpgp', print)
    expect(first).toMatchObject({
      usableNow: true,
      certificate: { notAfter: new Date(now.getTime() + 30 * day * 1000).toISOString() },
      openpgp: { created: now.toISOString(), revocation: expect.stringContaining('BEGIN PGP PUBLIC KEY BLOCK') },
    })
    now = new Date(now.getTime() + 5 * day * 1000)
    expect(codeOf(await certifyTokenKey(ports(), { ...wanted, ...typed() }, operator))).toBe('creation-time-differs')

    valueOf(await extendOpenPgp(ports(), { ...name, days: 100 }, typed(), operator))
    const extended = await registry().find('openpgp', print)
    expect(extended?.certificate.notAfter).toBe(new Date(now.getTime() + 100 * day * 1000).toISOString())
    expect(extended?.openpgp?.revocation).toBe(first?.openpgp?.revocation)

    expect(codeOf(await bringOpenPgp(ports(), { ...name, certificate: first?.certificatePem ?? '' }, operator))).toBe(
      'ok',
    )
    expect((await registry().find('openpgp', print))?.certificate.notAfter).toBe(first?.certificate.notAfter)
    const foreign = armored(await localCertificate(localSigner('ed25519'), 'Other'))
    expect(codeOf(await bringOpenPgp(ports(), { ...name, certificate: foreign }, operator))).toBe(
      'certificate-of-another-key',
    )

    const revoke = { ...name, reason: 'retired' as const, text: 'The archive has moved.' }
    valueOf(await revokeOpenPgp(ports(), revoke, typed(), operator))
    expect(await registry().find('openpgp', print)).toMatchObject({
      usableNow: false,
      unusableBecause: expect.stringContaining('revoked'),
      openpgp: { revoked: true },
    })
    expect(await registry().forSigning('openpgp', print)).toBeNull()
    expect(codeOf(await extendOpenPgp(ports(), { ...name, days: 9 }, typed(), operator))).toBe('key-revoked')
    // Nor is it taken back by the certificate as it was before.
    expect(codeOf(await bringOpenPgp(ports(), { ...name, certificate: first?.certificatePem ?? '' }, operator))).toBe(
      'key-revoked',
    )
    expect((await eventNames()).slice(6)).toEqual([
      'certificate-intended',
      'openpgp-certificate-changed',
      'openpgp-certificate-changed',
      'certificate-intended',
      'openpgp-certificate-changed',
    ])
  })
})
