import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Failure } from '../../../shared/failure.ts'
import { sha256Hex } from '../../../shared/ids.ts'
import type { Result } from '../../../shared/result.ts'
import { Secret } from '../../../shared/secret.ts'
import type { TokenId } from '../../../shared/token.ts'
import { type AuditStation, auditStation } from '../../audit/testing/audit-station.ts'
import { readOpenPgpCertificate } from '../../openpgp/read-certificate.ts'
import { tokenFailure } from '../../token/failures.ts'
import { softHsmModule } from '../../token/testing/soft-token.ts'
import { TokenBench } from '../../token/testing/token-bench.ts'
import { createKeyRegistry } from '../key-registry.ts'
import { registerKey } from '../register-key.ts'
import { type CertifyInput, certifyTokenKey } from './certify-token-key.ts'
import { extendOpenPgp, revokeOpenPgp } from './change-certificate.ts'
import { registerOpenPgpKey } from './register-openpgp.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const pins = ['314159', '271828'] as const
const operator = 'Custodian'
const day = 86_400_000
const codeOf = (result: Result<unknown, Failure>) => (result.ok ? 'ok' : result.error.code)
function valueOf<T>(result: Result<T, Failure>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message} ${result.error.detail ?? ''}`)
  return result.value
}

describe.skipIf(softHsmModule() === null)(
  'a certificate with a signing subkey, of keys on tokens (needs SoftHSM: apt-get install softhsm2)',
  () => {
    let bench: TokenBench
    let station: AuditStation
    let service: ReturnType<TokenBench['service']>
    let count = 0
    let now = new Date('2026-03-01T12:00:00.500Z')
    beforeAll(async () => {
      bench = await TokenBench.make([
        {
          label: 'archive',
          pin: pins[0],
          keys: [{ algorithm: 'rsa-2048' }, { algorithm: 'ed25519' }, { algorithm: 'ec-p256', commonName: 'Boot' }],
        },
        { label: 'upload', pin: pins[1], keys: [{ algorithm: 'ed25519' }, { algorithm: 'rsa-2048' }] },
      ])
      service = bench.service()
    })
    afterAll(() => bench.dispose())
    beforeEach(async () => {
      now = new Date('2026-03-01T12:00:00.500Z')
      station = await auditStation(join(bench.directory, `station-${count++}.db`))
    })
    afterEach(() => station.close())

    const key = (token: number, index: number) => {
      const found = bench.token(token).keys[index]
      if (found === undefined) throw new Error(`there is no key ${index}`)
      return { token: bench.token(token).id, ckaId: found.ckaId, spkiSha256: sha256Hex.parse(found.spkiSha256) }
    }
    const ports = (tokens: Partial<typeof service> = {}) => ({
      db: station.db,
      audit: station.log,
      tokens: {
        ...tokens,
        openSession: service.openSession.bind(service),
        openSessions: tokens.openSessions ?? service.openSessions.bind(service),
        list: service.list.bind(service),
        reset: service.reset.bind(service),
        devicesChanged: service.devicesChanged.bind(service),
        setModules: service.setModules.bind(service),
        readPublicKey: tokens.readPublicKey ?? service.readPublicKey.bind(service),
        readAttestation: service.readAttestation.bind(service),
        seeKey: service.seeKey.bind(service),
        revealPublicKey: tokens.revealPublicKey ?? service.revealPublicKey.bind(service),
      },
      shippedRoots: [],
      now: () => now,
    })
    const registry = () =>
      createKeyRegistry({
        ...ports(),
        opensSealed: () => {
          throw new Error('no software key here')
        },
      })
    const typed = (token = 0) => ({ pin: Secret.fromText(pins[token] ?? ''), useLastTry: false })
    const wanted = (change: Partial<CertifyInput> = {}): CertifyInput => ({
      purpose: 'openpgp',
      ...key(0, 0),
      description: 'Archive',
      production: true,
      plan: { userId: 'Archive <archive@example.org>', days: 30 },
      ...typed(),
      subkey: { ...key(1, 0), primarySigns: false, ...typed(1) },
      ...change,
    })
    const events = async () =>
      (await station.db.selectFrom('audit_entry').select('entry').orderBy('seq').execute()).map(
        ({ entry }): Readonly<Record<string, unknown>> => JSON.parse(Buffer.from(entry).toString('utf8')), // our own log
      )
    const wiped = ({ pin }: { readonly pin: Secret }) => Buffer.from(pin.reveal()).every((byte) => byte === 0)

    test('is made by keys of two tokens, each use of either on record before, and is extended and revoked by the first', async () => {
      const input = wanted()
      const print = valueOf(await certifyTokenKey(ports(), input, operator))
      expect([wiped(input), input.subkey?.pin?.reveal().every((byte) => byte === 0)]).toEqual([true, true])
      const [primary, subkey] = [key(0, 0), key(1, 0)]
      const byPrimary = { spkiSha256: primary.spkiSha256, tokenSerial: primary.token.serial }
      const bySubkey = { spkiSha256: subkey.spkiSha256, tokenSerial: subkey.token.serial }
      const log = await events()
      expect(log).toMatchObject([
        { event: 'certificate-intended', what: 'openpgp-primary-key-binding', ...bySubkey },
        { event: 'possession-challenged', fingerprint: print, tokenSerial: subkey.token.serial },
        { event: 'certificate-intended', what: 'openpgp-certification', ...byPrimary },
        { event: 'certificate-intended', what: 'openpgp-subkey-binding', ...byPrimary },
        { event: 'certificate-intended', what: 'openpgp-key-revocation', ...byPrimary },
        { event: 'key-registered', fingerprint: print, ...bySubkey },
        { event: 'key-attested' },
        {
          event: 'openpgp-subkey-bound',
          fingerprint: print,
          primarySpkiSha256: primary.spkiSha256,
          primaryTokenSerial: primary.token.serial,
          ...bySubkey,
        },
      ])
      expect(new Set(log.flatMap(({ requestId }) => requestId ?? [])).size).toBe(1)

      const registered = await registry().find('openpgp', print)
      const created = new Date(Math.floor(now.getTime() / 1000) * 1000)
      expect(registered).toMatchObject({
        usableNow: true,
        algorithm: 'ed25519',
        home: { token: subkey.token, ckaId: subkey.ckaId },
        openpgp: {
          version: 4,
          signingFingerprint: log.at(-1)?.['signingFingerprint'],
          created: created.toISOString(),
          primary: { token: primary.token, ckaId: primary.ckaId, algorithm: 'rsa-2048' },
        },
      })
      const certificate = valueOf(await readOpenPgpCertificate(registered?.certificatePem ?? '', now))
      expect(certificate.primaryFlags).toBe(1)
      expect(certificate.keys.map(({ role, problem, key: each }) => [role, problem, each.created * 1000])).toEqual([
        ['primary', 'cannot-sign', created.getTime()],
        ['subkey', null, created.getTime()],
      ])
      expect(log.at(-1)?.['certificateSha256']).toBe(createHash('sha256').update(certificate.binary).digest('hex'))

      now = new Date(now.getTime() + 5 * day)
      const name = { purpose: 'openpgp', fingerprint: print }
      expect(codeOf(await extendOpenPgp(ports(), { ...name, days: 90 }, typed(1), operator))).toBe('pin-incorrect')
      valueOf(await extendOpenPgp(ports(), { ...name, days: 90 }, typed(), operator))
      expect(await registry().find('openpgp', print)).toMatchObject({
        usableNow: true,
        certificate: { notAfter: new Date(Math.floor(now.getTime() / 1000) * 1000 + 90 * day).toISOString() },
      })
      valueOf(await revokeOpenPgp(ports(), { ...name, reason: 'retired', text: 'Moved.' }, typed(), operator))
      expect(await registry().find('openpgp', print)).toMatchObject({ usableNow: false, openpgp: { revoked: true } })
      expect((await events()).slice(-4)).toMatchObject([
        { event: 'certificate-intended', what: 'openpgp-certification', ...byPrimary },
        { event: 'openpgp-certificate-changed', why: 'extended' },
        { event: 'certificate-intended', what: 'openpgp-key-revocation', ...byPrimary },
        { event: 'openpgp-certificate-changed', why: 'revoked' },
      ])
    })

    test('is made by two keys of one token with its one PIN, and the first signs as well where it is asked to', async () => {
      const subkey = { ...key(0, 1), primarySigns: true, pin: null, useLastTry: false }
      const print = valueOf(await certifyTokenKey(ports(), wanted({ subkey }), operator))
      const registered = await registry().find('openpgp', print)
      expect(registered).toMatchObject({ algorithm: 'ed25519', openpgp: { primary: { ckaId: key(0, 0).ckaId } } })
      const certificate = valueOf(await readOpenPgpCertificate(registered?.certificatePem ?? '', now))
      expect(certificate.primaryFlags).toBe(3)
      expect(certificate.keys.map(({ problem }) => problem)).toEqual([null, null])
    })

    test.for([
      ['v6', 6, [27, 27]],
      ['v4-ed25519', 4, [27, 27]],
      ['v4', 4, [22, 22]],
    ] as const)('is written as %s where that is asked for', async ([form, version, algorithms]) => {
      const plan = { userId: 'Archive', days: null, form }
      const print = valueOf(await certifyTokenKey(ports(), wanted({ ...key(0, 1), plan }), operator))
      const registered = await registry().find('openpgp', print)
      expect(registered).toMatchObject({ usableNow: true, openpgp: { version } })
      const certificate = valueOf(await readOpenPgpCertificate(registered?.certificatePem ?? '', now))
      expect(certificate.keys.map(({ key: { algorithm } }) => algorithm)).toEqual(algorithms)
      const direct = (await events()).filter(({ what }) => what === 'openpgp-direct-key')
      expect(direct).toHaveLength(version === 6 ? 1 : 0)
      valueOf(await extendOpenPgp(ports(), { purpose: 'openpgp', fingerprint: print, days: 9 }, typed(), operator))
    })

    test('is refused, each time with its reason, with nothing registered and the PINs wiped', async () => {
      const subkey = wanted().subkey
      if (subkey === undefined) throw new Error('no subkey')
      const ofThird = { ...key(0, 2), primarySigns: false, pin: null, useLastTry: false }
      const refusals: readonly (readonly [string, Partial<CertifyInput>])[] = [
        ['subkey-is-primary', { subkey: { ...subkey, ...key(0, 0) } }],
        ['subkey-is-primary', { subkey: { ...subkey, ...key(0, 0), spkiSha256: null } }],
        // Another place is claimed for the same public key.
        ['subkey-is-primary', { subkey: { ...subkey, spkiSha256: key(0, 0).spkiSha256 } }],
        ['key-mismatch', { subkey: { ...subkey, spkiSha256: key(1, 1).spkiSha256 } }],
        ['key-mismatch', { spkiSha256: key(0, 2).spkiSha256 }],
        ['pin-wanted', { subkey: { ...subkey, pin: null } }],
        ['algorithm-unsupported', { plan: { ...wanted().plan, form: 'v4-ed25519' }, subkey: ofThird }],
      ]
      for (const [code, change] of refusals) {
        const input = wanted(change)
        expect([code, codeOf(await certifyTokenKey(ports(), input, operator))]).toEqual([code, code])
        expect([wiped(input), input.subkey?.pin?.reveal().some((byte) => byte !== 0) ?? false]).toEqual([true, false])
      }
      expect([await events(), await registry().list()]).toEqual([[], []])
    })

    test('costs one try where a PIN is wrong, before either key is used', async () => {
      const wrong = () => ({ pin: Secret.fromText('000000'), useLastTry: false })
      const onOne = { ...key(0, 1), primarySigns: false, pin: null, useLastTry: false }
      expect(codeOf(await certifyTokenKey(ports(), wanted({ ...wrong(), subkey: onOne }), operator))).toBe(
        'pin-incorrect',
      )
      const onTwo = { ...key(1, 0), primarySigns: false, ...wrong() }
      const second = await certifyTokenKey(ports(), wanted({ subkey: onTwo }), operator)
      const { serial } = bench.token(1).id
      expect(second).toMatchObject({ error: { code: 'pin-incorrect', message: expect.stringContaining(serial) } })
      expect(await events()).toMatchObject([
        { event: 'login-failed', code: 'pin-incorrect', tokenSerial: bench.token().id.serial },
        { event: 'login-failed', code: 'pin-incorrect', tokenSerial: serial },
      ])
      expect(await registry().list()).toEqual([])
      expect(codeOf(await certifyTokenKey(ports(), wanted(), operator))).toBe('ok')
    })

    test('takes no key that is bound elsewhere, certifies elsewhere or is for another purpose', async () => {
      const first = valueOf(await certifyTokenKey(ports(), wanted(), operator))
      now = new Date(now.getTime() + day)
      const before = (await events()).length
      const third = { ...key(0, 2), ...typed() }
      const tries: readonly CertifyInput[] = [
        // The subkey under another primary key, the primary key with another subkey, each the other way round, and alone.
        wanted(third),
        wanted({ subkey: { ...key(0, 2), primarySigns: false, pin: null, useLastTry: false } }),
        wanted({ ...third, subkey: { ...key(0, 0), primarySigns: false, pin: null, useLastTry: false } }),
        wanted({ ...key(1, 0), ...typed(1), subkey: { ...key(0, 2), primarySigns: false, ...typed() } }),
      ]
      for (const each of tries)
        expect(codeOf(await certifyTokenKey(ports(), each, operator))).toBe('creation-time-differs')
      for (const place of [
        { ...key(0, 0), ...typed() },
        { ...key(1, 0), ...typed(1) },
      ]) {
        const { subkey: _, ...alone } = wanted(place)
        expect(codeOf(await certifyTokenKey(ports(), alone, operator))).toBe('creation-time-differs')
      }
      expect(await events()).toHaveLength(before)

      // A certificate that gives the primary key another creation time is not taken either.
      const other = await auditStation(join(bench.directory, `elsewhere-${count++}.db`))
      try {
        const { subkey: _, ...alone } = wanted()
        const elsewhere = { ...ports(), db: other.db, audit: other.log }
        valueOf(await certifyTokenKey(elsewhere, alone, operator))
        const row = await other.db.selectFrom('openpgp_certificate').select('certificate').executeTakeFirstOrThrow()
        const { plan: __, spkiSha256: ___, ...place } = alone
        const brought = await registerOpenPgpKey(
          ports(),
          { ...place, ...typed(), certificatePem: row.certificate },
          operator,
        )
        expect(brought).toMatchObject({
          error: { code: 'creation-time-differs', message: expect.stringContaining(first) },
        })
      } finally {
        await other.close()
      }
    })

    test('is not made of a key that signs for UEFI', async () => {
      const place = { ...key(0, 2), purpose: 'uefi' as const, description: 'Boot', production: true, ...typed() }
      const { spkiSha256: _, ...uefi } = place
      valueOf(
        await registerKey(ports(), { ...uefi, certificatePem: bench.token().keys[2]?.certificatePem ?? '' }, operator),
      )
      const subkey = { ...key(0, 2), primarySigns: false, pin: null, useLastTry: false }
      expect(codeOf(await certifyTokenKey(ports(), wanted({ subkey }), operator))).toBe('key-of-another-purpose')
      expect(codeOf(await certifyTokenKey(ports(), wanted({ ...key(0, 2) }), operator))).toBe('key-of-another-purpose')
    })

    test('leaves neither of its keys to UEFI afterwards', async () => {
      const boot = { ...key(0, 2), ...typed() }
      const { spkiSha256: _, ...place } = boot
      const uefi = { ...place, purpose: 'uefi' as const, description: 'Boot', production: true }
      const asUefi = () => ({ ...uefi, ...typed(), certificatePem: bench.token().keys[2]?.certificatePem ?? '' })
      const asSubkey = { ...key(0, 2), primarySigns: false, pin: null, useLastTry: false }
      for (const input of [wanted(boot), wanted({ subkey: asSubkey })]) {
        const other = await auditStation(join(bench.directory, `bound-${count++}.db`))
        const there = { ...ports(), db: other.db, audit: other.log }
        valueOf(await certifyTokenKey(there, input, operator))
        expect(codeOf(await registerKey(there, asUefi(), operator))).toBe('key-of-another-purpose')
        await other.close()
      }
    })

    describe('of a token that shows its keys only after the login', () => {
      const hidden = (token: TokenId): TokenId => ({ ...token, model: 'YubiHSM' })
      /** The soft token as a YubiHSM: nothing before the login, then what the soft token has. */
      const hiding = (change: Partial<typeof service> = {}) => {
        const real = ({ serial }: TokenId) =>
          [bench.token(0).id, bench.token(1).id].find((id) => id.serial === serial) ?? bench.token().id
        return {
          readPublicKey: async () => ({ ok: false, error: tokenFailure('key-absent') }) as const,
          revealPublicKey: (of, login) => service.revealPublicKey({ ...of, token: real(of.token) }, login),
          openSessions: (keys, typedPins, options) =>
            service.openSessions(
              keys.map((reference) =>
                reference.home.kind === 'token'
                  ? { ...reference, home: { ...reference.home, token: real(reference.home.token) } }
                  : reference,
              ),
              typedPins.map((typedPin) => ({ ...typedPin, token: real(typedPin.token) })),
              options,
            ),
          ...change,
        } satisfies Partial<typeof service>
      }
      const ofHidden = (): CertifyInput => {
        const [primary, subkey] = [key(0, 0), key(1, 0)]
        return wanted({
          ...primary,
          token: hidden(primary.token),
          spkiSha256: null,
          subkey: {
            ...subkey,
            token: hidden(subkey.token),
            spkiSha256: null,
            primarySigns: false,
            ...typed(1),
          },
        })
      }

      test('is made with the public keys that were read after it', async () => {
        const print = valueOf(await certifyTokenKey(ports(hiding()), ofHidden(), operator))
        const row = await station.db.selectFrom('signing_key').select(['fingerprint', 'spki_sha256']).executeTakeFirst()
        expect(row).toEqual({ fingerprint: print, spki_sha256: key(1, 0).spkiSha256 })
      })

      test('is not made with a public key that is another when the key is to sign', async () => {
        const swapped = hiding({
          revealPublicKey: async ({ token }, { secret }) => {
            secret.wipe()
            const other = token.serial === bench.token(1).id.serial ? bench.token(1).keys[1] : bench.token().keys[0]
            return { ok: true, value: Buffer.from(other?.spkiBase64 ?? '', 'base64') }
          },
        })
        expect(codeOf(await certifyTokenKey(ports(swapped), ofHidden(), operator))).toBe('key-mismatch')
        expect((await events()).map(({ event }) => event)).toEqual(['login-failed'])
        expect(await station.db.selectFrom('signing_key').select('id').execute()).toEqual([])
      })

      test('is not made of one key that two tokens hold, such as a copy under wrap', async () => {
        const copied = hiding({
          revealPublicKey: async (_, { secret }) => {
            secret.wipe()
            return { ok: true, value: Buffer.from(bench.token().keys[0]?.spkiBase64 ?? '', 'base64') }
          },
        })
        expect(codeOf(await certifyTokenKey(ports(copied), ofHidden(), operator))).toBe('subkey-is-primary')
        expect(await events()).toEqual([])
      })

      test('notes a login that failed', async () => {
        const wrong = { ...ofHidden(), pin: Secret.fromText('000000') }
        expect(codeOf(await certifyTokenKey(ports(hiding()), wrong, operator))).toBe('pin-incorrect')
        expect(await events()).toMatchObject([{ event: 'login-failed', code: 'pin-incorrect' }])
      })
    })

    test('is not made with a public key that was exchanged between the reading and the signing', async () => {
      const attacker = Buffer.from(bench.token(1).keys[1]?.spkiBase64 ?? '', 'base64')
      const lying = ports({
        readPublicKey: async (token, ckaId) =>
          ckaId === key(1, 0).ckaId && token.serial === bench.token(1).id.serial
            ? { ok: true, value: attacker }
            : service.readPublicKey(token, ckaId),
      })
      // The operator chose what the window showed before, or what the module shows now: neither is signed.
      const shown = wanted()
      const showing = wanted({ subkey: { ...key(1, 0), spkiSha256: null, primarySigns: false, ...typed(1) } })
      expect(codeOf(await certifyTokenKey(lying, shown, operator))).toBe('key-mismatch')
      expect(codeOf(await certifyTokenKey(lying, showing, operator))).toBe('key-mismatch')
      expect((await events()).filter(({ event }) => event !== 'login-failed')).toEqual([])
    })
  },
)
