import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { silentLog } from '../../../src/main/log/logger.ts'
import { createTokenService } from '../../../src/main/token/service.ts'
import { codeOf, hostEntry, open, requestFor, requestsFor } from '../../../src/main/token/testing/token-bench.ts'
import type { KeyReference, TokenService } from '../../../src/main/token/token-service.ts'
import { yubikey } from '../../../src/main/usb/testing/sample-devices.ts'
import { sha256Hex } from '../../../src/shared/ids.ts'
import type { KeyAlgorithm } from '../../../src/shared/token.ts'
import type { ReaderRoom } from '../reader.ts'
import { withChip } from './card.ts'
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

// What a YubiKey and its module do that would mislead a station: through the station's own token service (docs/traps.md).

afterAll(closeYkcs11)

const services: TokenService[] = []
afterAll(async () => {
  for (const each of services) await each.reset()
})

const pin = '123456'
const verifyPin = 0x20
const useKey = 0x87

function service({ room, module }: Ykcs11Bench): TokenService {
  const made = createTokenService({
    node: room.node,
    hostEntry,
    modules: [module.path],
    serviceKeysFolder: '/nowhere',
    environment: module.env,
    touchAfterMs: 60_000,
    log: silentLog,
  })
  services.push(made)
  return made
}

function referenceTo(key: CardKey, algorithm: KeyAlgorithm, serial = 20_000_057): KeyReference {
  return {
    home: {
      kind: 'token',
      token: { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiKey YK5', serial: String(serial) },
      ckaId: '01',
      pkcs11Uri: '',
    },
    algorithm,
    spkiSha256: sha256Hex.parse(createHash('sha256').update(spkiOf(key)).digest('hex')),
    sealed: null,
  }
}

const p256 = sharedKey('ec-p256')
const reference = referenceTo(p256, 'ec-p256')
const cardWith = (given: Partial<GivenKey> = {}) =>
  withKeys(factoryCards['5.7.1'], [{ slot: 0x9a, algorithm: 'ec-p256', ...given }])

async function session(
  tokens: TokenService,
  key = reference,
  onSignal: (signal: 'touch' | 'login') => void = () => {},
) {
  const opened = await open(tokens, key, pin, { onSignal })
  if (!opened.ok) throw new Error(`${opened.error.code}: ${opened.error.detail}`)
  return opened.value
}

describeYkcs11('through the token service', (bench) => {
  it('a touch that did not come is told as that, and not as a PIN that is wanted', async () => {
    const { key } = bench()
    key.card = cardWith({ touch: 'always' })
    key.finger = 'away'
    const asked: string[] = []
    const opened = await session(service(bench()), reference, (signal) => asked.push(signal))
    const signed = opened.signMany(requestsFor(reference, 1))
    await key.touchAwaited()
    key.letTouchExpire()
    expect((await signed).map(codeOf)).toEqual(['touch-timeout'])
    // Said in advance, from the policy: not after some seconds of silence.
    expect(asked).toEqual(['login', 'touch'])
    expect(key.card.chip.pin.left).toBe(3)
  })

  it('a PIN that is wanted is told as that, also by a key that waits for touch', async () => {
    const { key, old } = bench()
    key.card = cardWith({ touch: 'always', pin: 'always' })
    const outcomes = await (await session(service(bench()))).signMany(requestsFor(reference, 2))
    // The old module does not declare the policy, so the PIN is not given anew.
    expect(outcomes.map(codeOf)).toEqual(old ? ['ok', 'pin-wanted'] : ['ok', 'ok'])
  })

  it('a key whose policies nobody tells may have wanted either', async () => {
    const { key, old } = bench()
    key.card = cardWith({ touch: 'always', origin: 'imported', commonName: 'imported' })
    key.finger = 'away'
    const opened = await session(service(bench()))
    const signed = opened.sign(requestFor(reference))
    await key.touchAwaited()
    key.letTouchExpire()
    expect(codeOf(await signed)).toBe(old ? 'pin-wanted' : 'touch-timeout')
  })

  it.each(['rsa-3072', 'rsa-4096'] as const)(
    'a key of %s, which the old module shows and cannot use, is refused before the PIN, with what helps',
    async (algorithm) => {
      const { key, old } = bench()
      key.card = cardWith({ algorithm })
      const long = referenceTo(sharedKey(algorithm), algorithm)
      const before = key.exchanges.length
      const tokens = service(bench())
      const opened = await open(tokens, long, pin)
      if (!old) return expect(opened.ok ? codeOf(await opened.value.sign(requestFor(long))) : opened).toBe('ok')
      expect(opened).toMatchObject({
        ok: false,
        error: { code: 'module-too-old', message: expect.stringContaining('ykcs11 2.7') },
      })
      // VERIFY without data only asks for the state of the PIN; none with one was sent.
      const used = key.exchanges
        .slice(before)
        .filter(({ ins, sw }) => ins === useKey || (ins === verifyPin && sw === 0x9000))
      expect(used).toEqual([])
    },
  )
})

describe.concurrent.each(ykcs11Versions)('through the token service, ykcs11 %s', (version) => {
  it('a module that crashes in a signature takes its process down and nothing else', (context) =>
    withYkcs11(context, version, async (bench) => {
      const { key, room } = bench
      key.card = cardWith({ touch: 'always' })
      key.finger = 'away'
      const tokens = service(bench)
      const opened = await session(tokens)
      const signed = opened.signMany(requestsFor(reference, 2))
      await key.touchAwaited()
      process.kill(await tokenProcessIn(room), 'SIGSEGV')
      const outcomes = await signed
      expect(outcomes.map(codeOf)).toEqual(['module-crashed'])
      expect(outcomes[0]).toMatchObject({ error: { detail: 'SIGSEGV' } })
      // The key still waits for the touch that the dead process wanted; then it serves the next one.
      key.touch()
      key.finger = 'on-the-key'
      expect(codeOf(await (await session(tokens)).sign(requestFor(reference)))).toBe('ok')
    }))

  it('two keys without a serial number on USB are told apart by the one that they tell themselves', (context) =>
    withYkcs11(context, version, async (bench) => {
      const { key, room } = bench
      key.card = cardWith()
      const other = generateCardKey('ec-p256')
      const second = new VirtualYubiKey({ made: withChip(cardWith({ key: other }), { serial: 20_000_099 }) })
      await room.plug(second, 1)
      const tokens = service(bench)
      // Both look the same on USB: no serial number, the same name.
      const [a, b] = [yubikey, { ...yubikey, plug: '1-6:1.7', address: 7 }]
      await tokens.devicesChanged([a, b])
      const { tokens: seen } = await tokens.list({ refresh: false })
      expect(seen.map(({ token, problem }) => [token.id.serial, problem])).toEqual([
        ['20000057', null],
        ['20000099', null],
      ])
      const uses = (each: VirtualYubiKey) => each.exchanges.filter(({ ins }) => ins === useKey).length
      for (const [wanted, count] of [
        [referenceTo(other, 'ec-p256', 20_000_099), [0, 1]],
        [reference, [1, 1]],
      ] as const) {
        const opened = await session(tokens, wanted)
        expect(codeOf(await opened.sign(requestFor(wanted)))).toBe('ok')
        await opened.close()
        expect([uses(key), uses(second)]).toEqual(count)
      }
      // One goes. Which of the two is not known on USB, and the session on the one that stayed is not ended by a guess.
      const opened = await session(tokens)
      await room.unplug(second)
      await tokens.devicesChanged([a])
      expect(codeOf(await opened.sign(requestFor(reference)))).toBe('ok')
    }))

  it('a key that was swapped before the token was logged in to is not given the PIN', (context) =>
    withYkcs11(context, version, async (bench) => {
      const { key, room } = bench
      key.card = cardWith()
      const tokens = service(bench)
      expect((await tokens.list({ refresh: false })).tokens).toHaveLength(1)
      const other = new VirtualYubiKey({ made: withChip(cardWith(), { serial: 20_000_099 }) })
      await room.swap(key, other)
      expect(codeOf(await open(tokens, reference, pin))).toBe('token-absent')
      expect(other.exchanges.filter(({ ins, sw }) => ins === useKey || (ins === verifyPin && sw === 0x9000))).toEqual(
        [],
      )
    }))

  it('another key in the slot of the registered one is refused, though id and label are the same', (context) =>
    withYkcs11(context, version, async (bench) => {
      bench.key.card = cardWith({ key: generateCardKey('ec-p256') })
      expect(codeOf(await open(service(bench), reference, pin))).toBe('key-mismatch')
      expect(bench.key.exchanges.filter(({ ins }) => ins === useKey)).toEqual([])
    }))
})

/** The child of this test that runs a token process in this room: other tests have theirs at the same time. */
async function tokenProcessIn(room: ReaderRoom): Promise<number> {
  const { stdout } = await room.run('/usr/bin/readlink', ['/proc/self/ns/mnt'])
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(' ')
  const [only, ...others] = children.filter((pid) => {
    const isHost = readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('token/host/index.ts')
    return isHost && readlinkSync(`/proc/${pid}/ns/mnt`) === stdout.trim()
  })
  if (only === undefined || others.length > 0) throw new Error(`${children.length} children, not one token process`)
  return Number(only)
}
