import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Failure } from '../../../shared/failure.ts'
import { sha256Hex } from '../../../shared/ids.ts'
import type { Result } from '../../../shared/result.ts'
import { Secret } from '../../../shared/secret.ts'
import { type AuditStation, auditStation } from '../../audit/testing/audit-station.ts'
import { armor } from '../../openpgp/armor.ts'
import { userIdPacket } from '../../openpgp/certificate.ts'
import { readOpenPgpCertificate } from '../../openpgp/read-certificate.ts'
import { softHsmModule } from '../../token/testing/soft-token.ts'
import { TokenBench } from '../../token/testing/token-bench.ts'
import { createKeyRegistry } from '../key-registry.ts'
import { certifyTokenKey } from './certify-token-key.ts'
import { bringOpenPgp, extendOpenPgp, revokeOpenPgp } from './change-certificate.ts'
import type { HiddenKeyReader } from './key-on-token.ts'
import { registerOpenPgpKey } from './register-openpgp.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const pin = '314159'
const operator = 'Custodian'
const day = 86_400_000
const codeOf = (result: Result<unknown, Failure>) => (result.ok ? 'ok' : result.error.code)
function valueOf<T>(result: Result<T, Failure>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message} ${result.error.detail ?? ''}`)
  return result.value
}

describe.skipIf(softHsmModule() === null)(
  'a certificate that is made and changed here (needs SoftHSM: apt-get install softhsm2)',
  () => {
    let bench: TokenBench
    let station: AuditStation
    let service: ReturnType<TokenBench['service']>
    let count = 0
    let path = ''
    let now = new Date('2026-03-01T12:00:00Z')
    beforeAll(async () => {
      bench = await TokenBench.make([
        { label: 'archive', pin, keys: [{ algorithm: 'ed25519' }, { algorithm: 'ed25519' }, { algorithm: 'ed25519' }] },
      ])
      service = bench.service()
    })
    afterAll(() => bench.dispose())
    beforeEach(async () => {
      now = new Date('2026-03-01T12:00:00Z')
      path = join(bench.directory, `station-${count++}.db`)
      station = await auditStation(path)
    })
    afterEach(() => station.close())

    const ports = () => ({
      db: station.db,
      audit: station.log,
      tokens: service,
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
    const key = (index: number) => {
      const found = bench.token().keys[index]
      if (found === undefined) throw new Error(`there is no key ${index}`)
      return { token: bench.token().id, ckaId: found.ckaId, spkiSha256: sha256Hex.parse(found.spkiSha256) }
    }
    const typed = () => ({ pin: Secret.fromText(pin), useLastTry: false })
    const wanted = {
      purpose: 'openpgp' as const,
      description: 'Archive',
      production: true,
      plan: { userId: 'Archive <archive@example.org>', days: 30 },
    }
    const events = async () =>
      (await station.db.selectFrom('audit_entry').select('entry').orderBy('seq').execute()).map(
        ({ entry }): Readonly<Record<string, unknown>> => JSON.parse(Buffer.from(entry).toString('utf8')), // our own log
      )

    test('is not signed by another key that a writer of the database has put in the place of the one that certifies', async () => {
      const subkey = { ...key(1), primarySigns: false, pin: null, useLastTry: false }
      const print = valueOf(await certifyTokenKey(ports(), { ...wanted, ...key(0), ...typed(), subkey }, operator))
      const alone = valueOf(
        await certifyTokenKey(ports(), { ...wanted, purpose: 'openpgp-repository', ...key(2), ...typed() }, operator),
      )
      const before = (await events()).length
      const file = new BetterSqlite3(path)
      try {
        file.exec('DROP TRIGGER openpgp_primary_unchanged; DROP TRIGGER signing_key_identity')
        file
          .prepare('UPDATE openpgp_primary SET cka_id = ?, spki_sha256 = ? WHERE fingerprint = ?')
          .run(key(2).ckaId, key(2).spkiSha256, print)
        file
          .prepare('UPDATE signing_key SET cka_id = ?, spki_sha256 = ? WHERE fingerprint = ?')
          .run(key(0).ckaId, key(0).spkiSha256, alone)
      } finally {
        file.close()
      }
      for (const name of [
        { purpose: 'openpgp', fingerprint: print },
        { purpose: 'openpgp-repository', fingerprint: alone },
      ]) {
        expect(codeOf(await extendOpenPgp(ports(), { ...name, days: 90 }, typed(), operator))).toBe('key-mismatch')
        expect(codeOf(await revokeOpenPgp(ports(), { ...name, reason: 'retired', text: '' }, typed(), operator))).toBe(
          'key-mismatch',
        )
      }
      expect(await events()).toHaveLength(before)
    })

    test('is not kept where a later signature of the key takes the change back: the clock was set back', async () => {
      const print = valueOf(await certifyTokenKey(ports(), { ...wanted, ...key(0), ...typed() }, operator))
      const name = { purpose: 'openpgp', fingerprint: print }
      now = new Date(now.getTime() + 10 * day)
      valueOf(await extendOpenPgp(ports(), { ...name, days: 365 }, typed(), operator))
      const extended = await registry().find('openpgp', print)
      now = new Date(now.getTime() - 5 * day)
      expect(codeOf(await extendOpenPgp(ports(), { ...name, days: 1 }, typed(), operator))).toBe('output-wrong')
      expect((await registry().find('openpgp', print))?.certificatePem).toBe(extended?.certificatePem)
      now = new Date(now.getTime() + 6 * day)
      for (const days of [20, null]) valueOf(await extendOpenPgp(ports(), { ...name, days }, typed(), operator))
    })

    test('is revoked for every purpose that it is registered for, and is registered for no other again', async () => {
      const print = valueOf(await certifyTokenKey(ports(), { ...wanted, ...key(0), ...typed() }, operator))
      const old = (await registry().find('openpgp', print))?.certificatePem ?? ''
      const { plan: _, ...place } = wanted
      const { spkiSha256: __, ...home } = key(0)
      const again = () => ({
        ...place,
        ...home,
        ...typed(),
        purpose: 'openpgp-repository' as const,
        certificatePem: old,
      })
      valueOf(await registerOpenPgpKey(ports(), again(), operator))
      const revoke = { purpose: 'openpgp', fingerprint: print, reason: 'compromised' as const, text: '' }
      valueOf(await revokeOpenPgp(ports(), revoke, typed(), operator))
      for (const purpose of ['openpgp', 'openpgp-repository'] as const) {
        expect(await registry().find(purpose, print)).toMatchObject({ usableNow: false, openpgp: { revoked: true } })
        expect(await registry().forSigning(purpose, print)).toBeNull()
        const name = { purpose, fingerprint: print, certificate: old }
        expect(codeOf(await bringOpenPgp(ports(), name, operator))).toBe('key-revoked')
      }
      expect((await events()).slice(-2)).toMatchObject([
        { event: 'openpgp-certificate-changed', purpose: 'openpgp', why: 'revoked' },
        { event: 'openpgp-certificate-changed', purpose: 'openpgp-repository', why: 'revoked' },
      ])
    })

    test('is read again however much stands in it, or is not kept', async () => {
      const print = valueOf(await certifyTokenKey(ports(), { ...wanted, ...key(0), ...typed() }, operator))
      const name = { purpose: 'openpgp', fingerprint: print }
      const made = valueOf(
        await readOpenPgpCertificate((await registry().find('openpgp', print))?.certificatePem ?? '', now),
      )
      // What others can add to it, up to what is taken.
      const grown = (size: number) => {
        const added = userIdPacket('x'.repeat(98))
        return Buffer.concat([
          made.binary,
          ...Array(Math.floor((size - made.binary.length) / added.length)).fill(added),
        ])
      }
      for (const [size, code] of [
        [48_000, 'ok'],
        [64 * 1024 - 10, 'certificate-unreadable'],
      ] as const) {
        await station.db
          .insertInto('openpgp_certificate')
          .values({
            ...name,
            signing_fingerprint: print,
            created: Math.floor(Date.parse('2026-03-01T12:00:00Z') / 1000),
            certificate: armor('PGP PUBLIC KEY BLOCK', grown(size), true),
            revocation: null,
            why: 'brought',
            operator,
            at: now.toISOString(),
          })
          .execute()
        now = new Date(now.getTime() + day)
        for (let turn = 0; turn < 3; turn++) {
          now = new Date(now.getTime() + 1000)
          expect(codeOf(await extendOpenPgp(ports(), { ...name, days: 90 }, typed(), operator))).toBe(code)
          expect(await registry().find('openpgp', print)).toMatchObject({ usableNow: true })
        }
      }
    })

    test('has no twin of another creation time, though two are made at once', async () => {
      const subkey = { ...key(1), primarySigns: false, pin: null, useLastTry: false }
      const input = () => ({ ...wanted, ...key(0), ...typed() })
      for (const [first, second] of [
        [{}, {}],
        [{ subkey }, { subkey }],
        [{ subkey }, {}],
        [{}, { subkey }],
      ] as const) {
        const other = await auditStation(join(bench.directory, `twins-${count++}.db`))
        const there = { ...ports(), db: other.db, audit: other.log }
        let between: string | null = null
        // What comes between the first one's last signature and its registration.
        const tokens: HiddenKeyReader = {
          openSession: service.openSession.bind(service),
          openSessions: service.openSessions.bind(service),
          list: service.list.bind(service),
          reset: service.reset.bind(service),
          devicesChanged: service.devicesChanged.bind(service),
          setModules: service.setModules.bind(service),
          readPublicKey: service.readPublicKey.bind(service),
          seeKey: service.seeKey.bind(service),
          revealPublicKey: service.revealPublicKey.bind(service),
          readAttestation: async (...of) => {
            if (between === null) {
              between = ''
              now = new Date(now.getTime() + 1000)
              between = codeOf(await certifyTokenKey(there, { ...input(), ...second }, operator))
            }
            return service.readAttestation(...of)
          },
        }
        const late = await certifyTokenKey({ ...there, tokens }, { ...input(), ...first }, operator)
        expect([between, codeOf(late)]).toEqual(['ok', 'creation-time-differs'])
        expect(await other.db.selectFrom('signing_key').select('id').execute()).toHaveLength(1)
        expect(await other.db.selectFrom('openpgp_certificate').select('id').execute()).toHaveLength(1)
        await other.close()
      }
    })

    test('that was revoked is not registered for another purpose as it was before', async () => {
      const print = valueOf(await certifyTokenKey(ports(), { ...wanted, ...key(0), ...typed() }, operator))
      const old = (await registry().find('openpgp', print))?.certificatePem ?? ''
      const revoke = { purpose: 'openpgp', fingerprint: print, reason: 'compromised' as const, text: '' }
      valueOf(await revokeOpenPgp(ports(), revoke, typed(), operator))
      const { plan: _, ...place } = wanted
      const { spkiSha256: __, ...home } = key(0)
      const again = { ...place, ...home, ...typed(), purpose: 'openpgp-repository' as const, certificatePem: old }
      expect(codeOf(await registerOpenPgpKey(ports(), again, operator))).toBe('key-revoked')
    })
  },
)
