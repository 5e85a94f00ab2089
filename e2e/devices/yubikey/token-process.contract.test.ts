import { createHash, randomBytes, X509Certificate } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { silentLog } from '../../../src/main/log/logger.ts'
import { createTokenService } from '../../../src/main/token/service.ts'
import { codeOf, hostEntry, open, requestsFor } from '../../../src/main/token/testing/token-bench.ts'
import type { KeyReference, TokenService } from '../../../src/main/token/token-service.ts'
import { sha256Hex } from '../../../src/shared/ids.ts'
import { type Card, withChip } from './card.ts'
import { type CardKey, generateCardKey, spkiOf } from './card-key.ts'
import { sharedKey } from './testing/card-talk.ts'
import { type GivenKey, withKeys } from './testing/given-key.ts'
import {
  closeYkcs11,
  describeYkcs11,
  factoryCards,
  withYkcs11,
  type Ykcs11Bench,
  ykcs11Versions,
} from './testing/ykcs11-bench.ts'
import { VirtualYubiKey } from './virtual-yubikey.ts'

// The station's own token processes, run inside the room, with Yubico's module and the virtual key.

afterAll(closeYkcs11)

const services: TokenService[] = []
afterAll(async () => {
  for (const service of services) await service.reset()
})

const yubiKey57 = { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiKey YK5', serial: '20000057' } as const

function service({ room, module }: Ykcs11Bench): TokenService {
  const made = createTokenService({
    node: room.node,
    hostEntry,
    modules: [module.path],
    serviceKeysFolder: '/nowhere',
    environment: module.env,
    touchAfterMs: 0,
    log: silentLog,
  })
  services.push(made)
  return made
}

function referenceTo(key: CardKey, ckaId: string): KeyReference {
  return {
    home: { kind: 'token', token: yubiKey57, ckaId, pkcs11Uri: '' },
    algorithm: key.algorithm === 'ec-p256' ? 'ec-p256' : 'rsa-2048',
    spkiSha256: sha256Hex.parse(createHash('sha256').update(spkiOf(key)).digest('hex')),
    sealed: null,
  }
}

const p256 = sharedKey('ec-p256')
const reference = referenceTo(p256, '01')
const cardWith = (...given: readonly GivenKey[]): Card => withKeys(factoryCards['5.7.1'], given)
const plain = cardWith({ slot: 0x9a, algorithm: 'ec-p256' })
const touchy = cardWith({ slot: 0x9a, algorithm: 'ec-p256', touch: 'always' })

async function opened(
  bench: Ykcs11Bench,
  card: Card,
  key: KeyReference,
  onSignal: (signal: 'touch' | 'login') => void = () => {},
) {
  bench.key.card = card
  const session = await open(service(bench), key, '123456', { onSignal })
  if (!session.ok) throw new Error(`${session.error.code}: ${session.error.detail}`)
  return session.value
}

describeYkcs11(
  'the token process',
  (bench) => {
    it('lists the key, and for each object its own certificate rather than the attestation', async () => {
      bench().key.card = cardWith({ slot: 0x9a, algorithm: 'ec-p256', commonName: 'nine a' })
      const { tokens, modules } = await service(bench()).list({ refresh: false })
      expect(modules).toEqual([{ path: bench().module.path, problem: null }])
      expect(tokens.map(({ token }) => [token.id, token.pinState])).toEqual([[yubiKey57, 'ok']])
      const object = tokens[0]?.objects.find(({ ckaId }) => ckaId === '01')
      expect(object).toMatchObject({ algorithm: 'ec-p256', spkiSha256: reference.spkiSha256, generatedOnToken: true })
      expect(new X509Certificate(object?.certificatePem ?? '').subject).toBe('CN=nine a')
    })

    it.each([
      ['P-256', '01', { slot: 0x9a, algorithm: 'ec-p256' }],
      ['RSA-2048', '03', { slot: 0x9d, algorithm: 'rsa-2048' }],
      ['P-256 in 9C, which wants the PIN each time', '02', { slot: 0x9c, algorithm: 'ec-p256', pin: 'always' }],
    ] as const)('signs several times after one PIN: %s', async (_name, ckaId, given) => {
      const key = referenceTo(sharedKey(given.algorithm), ckaId)
      const session = await opened(bench(), cardWith(given), key)
      const outcomes = await session.signMany(requestsFor(key, 3))
      expect(outcomes.map(codeOf)).toEqual(['ok', 'ok', 'ok'])
    })

    it('keeps the last try for a person who asks for it', async () => {
      const { key } = bench()
      key.card = plain
      const tokens = service(bench())
      const outcomes = [
        await open(tokens, reference, '000000'),
        await open(tokens, reference, '000000'),
        await open(tokens, reference, '123456'),
      ]
      expect(outcomes.map(codeOf)).toEqual(['pin-incorrect', 'pin-incorrect', 'pin-last-try'])
      expect(key.card.chip.pin.left).toBe(1)
      expect(codeOf(await open(tokens, reference, '123456', { useLastTry: true }))).toBe('ok')
      expect(key.card.chip.pin.left).toBe(3)
    })

    it('says that the PIN is locked when the last try was wrong', async () => {
      for (const lastTry of ['counted', 'blocked'] as const) {
        const { pin } = plain.chip
        bench().key.card = withChip(plain, { lastTry, pin: { ...pin, left: 1 } })
        const tokens = service(bench())
        expect(codeOf(await open(tokens, reference, '000000', { useLastTry: true }))).toBe('pin-locked')
      }
    })

    it('asks for the touch while the key waits for it', async () => {
      const { key } = bench()
      key.finger = 'away'
      const asked = Promise.withResolvers<void>()
      const session = await opened(bench(), touchy, reference, (signal) => {
        if (signal === 'touch') asked.resolve()
      })
      const signed = session.signMany(requestsFor(reference, 1))
      await key.touchAwaited()
      await asked.promise
      key.touch()
      expect((await signed).map(codeOf)).toEqual(['ok'])
    })
  },
  ['installed'],
)

describe.concurrent.each(ykcs11Versions)('the token process with ykcs11 %s', (version) => {
  it('cannot sign twice where the module does not say that a key wants its PIN each time', (context) =>
    withYkcs11(context, version, async (bench) => {
      const session = await opened(bench, cardWith({ slot: 0x9a, algorithm: 'ec-p256', pin: 'always' }), reference)
      const outcomes = await session.signMany(requestsFor(reference, 2))
      expect(outcomes.map(codeOf)).toEqual(bench.old ? ['ok', 'pin-wanted'] : ['ok', 'ok'])
    }))

  it('gives nothing of a key that was pulled while it waited', (context) =>
    withYkcs11(context, version, async (bench) => {
      const { key, room } = bench
      key.finger = 'away'
      const session = await opened(bench, touchy, reference)
      const signed = session.signMany(requestsFor(reference, 2))
      await key.touchAwaited()
      await room.unplug(key)
      // An answer that is lost, whatever the module calls it: the key may have signed.
      expect((await signed).map(codeOf)).toEqual(['token-removed'])
    }))

  it('gives nothing that another key signed in the place of the first', (context) =>
    withYkcs11(context, version, async (bench) => {
      const { key, room } = bench
      const session = await opened(bench, plain, reference)
      const card = withKeys(plain, [
        { slot: 0x9a, algorithm: 'ec-p256', key: generateCardKey('ec-p256'), pin: 'never' },
      ])
      const other = new VirtualYubiKey({ made: withChip(card, { serial: 20_000_099 }) })
      await room.swap(key, other)
      try {
        const tries: string[] = []
        for (let index = 0; index < 3; index++)
          tries.push(...(await session.signMany(requestsFor(reference, 1))).map(codeOf))
        // After the first failure the process is gone, and with it the session that ykcs11 2.7 would have gone on with.
        expect(tries).toEqual(['token-removed', 'token-removed', 'token-removed'])
        expect(other.exchanges.filter(({ ins }) => ins === 0x87)).toEqual([])
      } finally {
        await room.unplug(other)
      }
    }))

  it('finds the key that came back', (context) =>
    withYkcs11(context, version, async (bench) => {
      const { key, room } = bench
      key.card = plain
      const tokens = service(bench)
      expect((await tokens.list({ refresh: false })).tokens).toHaveLength(1)
      await room.unplug(key)
      expect(codeOf(await open(tokens, reference, '123456'))).toBe('token-absent')
      await room.plug(key, 0)
      const session = await open(tokens, reference, '123456')
      expect(codeOf(session)).toBe('ok')
      expect(session.ok && codeOf(await session.value.sign({ scheme: 'ecdsa-sha256', digest: randomBytes(32) }))).toBe(
        'ok',
      )
    }))
})
