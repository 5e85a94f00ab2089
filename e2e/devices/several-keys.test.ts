import { createHash, createPublicKey } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, type TestContext } from 'vitest'
import { silentLog } from '../../src/main/log/logger.ts'
import { createTokenService } from '../../src/main/token/service.ts'
import { codeOf, hostEntry, requestsFor } from '../../src/main/token/testing/token-bench.ts'
import type { KeyReference, SigningSession, TokenService } from '../../src/main/token/token-service.ts'
import { sha256Hex } from '../../src/shared/ids.ts'
import { Secret } from '../../src/shared/secret.ts'
import type { KeyAlgorithm, TokenId } from '../../src/shared/token.ts'
import { publicKeyOf } from './yubihsm/testing/key-in-device.ts'
import { vendorSoftware } from './yubihsm/testing/vendor-software.ts'
import { defaultPin, YubiHsmBench } from './yubihsm/testing/yubihsm-bench.ts'
import { withChip } from './yubikey/card.ts'
import { generateCardKey, spkiOf } from './yubikey/card-key.ts'
import { sharedKey } from './yubikey/testing/card-talk.ts'
import { withKeys } from './yubikey/testing/given-key.ts'
import { factoryCards, withYkcs11, ykcs11Versions } from './yubikey/testing/ykcs11-bench.ts'
import { VirtualYubiKey } from './yubikey/virtual-yubikey.ts'

// Several keys that are opened for one approval, on the makers' own modules: each token is logged in to once, and its PIN tried once.

const vendor = await vendorSoftware()
const undo: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
})

const pin = '123456'
const verifyPin = 0x20
const createSession = 0x03

const tokenOf = {
  yubiKey: (serial: number): TokenId => ({
    manufacturer: 'Yubico (www.yubico.com)',
    model: 'YubiKey YK5',
    serial: String(serial),
  }),
  yubiHsm: ({ device }: YubiHsmBench): TokenId => ({
    manufacturer: 'Yubico (www.yubico.com)',
    model: 'YubiHSM',
    serial: String(device.serial).padStart(8, '0'),
  }),
} as const

function referenceTo(
  token: TokenId,
  ckaId: string,
  spki: Uint8Array,
  algorithm: KeyAlgorithm = 'ec-p256',
): KeyReference {
  return {
    home: { kind: 'token', token, ckaId, pkcs11Uri: '' },
    algorithm,
    spkiSha256: sha256Hex.parse(createHash('sha256').update(spki).digest('hex')),
    sealed: null,
  }
}

const onYubiKey = [
  referenceTo(tokenOf.yubiKey(20_000_057), '01', spkiOf(sharedKey('ec-p256'))),
  // Slot 9C: the module has it want the PIN for each signature, whatever its policy.
  referenceTo(tokenOf.yubiKey(20_000_057), '02', spkiOf(sharedKey('rsa-2048')), 'rsa-2048'),
] as const
const card = withKeys(factoryCards['5.7.1'], [
  { slot: 0x9a, algorithm: 'ec-p256' },
  { slot: 0x9c, algorithm: 'rsa-2048', pin: 'always' },
])

function serviceWith(modules: readonly string[], environment: Readonly<Record<string, string>>, node: string) {
  const service = createTokenService({
    node,
    hostEntry,
    modules,
    serviceKeysFolder: '/nowhere',
    environment,
    touchAfterMs: 60_000,
    log: silentLog,
  })
  undo.push(() => service.reset())
  return service
}

function openAll(service: TokenService, keys: readonly KeyReference[], typed: readonly (readonly [TokenId, string])[]) {
  const pins = typed.map(([token, text]) => ({ token, pin: Secret.fromText(text), useLastTry: false }))
  return service.openSessions(keys, pins, { signal: new AbortController().signal, onSignal: () => {} })
}

async function opened(...args: Parameters<typeof openAll>): Promise<readonly SigningSession[]> {
  const sessions = await openAll(...args)
  if (!sessions.ok) throw new Error(`${sessions.error.code} at ${sessions.error.position}: ${sessions.error.detail}`)
  return sessions.value
}

/** In turn, each twice. */
async function signWithEach(sessions: readonly SigningSession[], keys: readonly KeyReference[]): Promise<string[][]> {
  const outcomes: string[][] = []
  for (const [index, session] of sessions.entries()) {
    const key = keys[index]
    if (key !== undefined) outcomes.push((await session.signMany(requestsFor(key, 2))).map(codeOf))
  }
  return outcomes
}

const twice = ['ok', 'ok']

/** Counts the PINs that a YubiKey gets from now on: VERIFY without data only asks for the state. */
function pinsTold(key: VirtualYubiKey): () => number {
  let count = 0
  const transmit = key.transmit.bind(key)
  key.transmit = (command) => {
    if (command[1] === verifyPin && command.length > 5) count += 1
    return transmit(command)
  }
  return () => count
}

describe.concurrent.each(ykcs11Versions)('ykcs11 %s', (version) => {
  it('two keys of one YubiKey share a login, and one of them gets its PIN each time all the same', (context) =>
    withYkcs11(context, version, async ({ key, room, module }) => {
      key.card = card
      const told = pinsTold(key)
      const service = serviceWith([module.path], module.env, room.node)
      const sessions = await opened(service, onYubiKey, [[tokenOf.yubiKey(20_000_057), pin]])
      expect(told()).toBe(1)
      expect(await signWithEach(sessions, onYubiKey)).toEqual([twice, twice])
      expect(told()).toBe(3)
      expect(await signWithEach(sessions, onYubiKey)).toEqual([twice, twice])
      expect([told(), key.card.chip.pin.left]).toEqual([5, 3])
      for (const session of sessions) await session.close()
    }))

  it('two YubiKeys are logged in to each with its PIN; a wrong or missing second costs the first no try', (context) =>
    withYkcs11(context, version, async ({ key, room, module }) => {
      key.card = card
      const own = generateCardKey('ec-p256')
      const made = withKeys(factoryCards['5.7.1'], [{ slot: 0x9a, algorithm: 'ec-p256', key: own }])
      const second = new VirtualYubiKey({ made: withChip(made, { serial: 20_000_099 }) })
      await room.plug(second, 1)
      const tokens = [tokenOf.yubiKey(20_000_057), tokenOf.yubiKey(20_000_099)] as const
      const keys = [onYubiKey[0], referenceTo(tokens[1], '01', spkiOf(own))]
      const service = serviceWith([module.path], module.env, room.node)
      const right = tokens.map((token) => [token, pin] as const)
      const sessions = await opened(service, keys, right)
      expect(await signWithEach(sessions, keys)).toEqual([twice, twice])
      for (const session of sessions) await session.close()

      const left = () => [key.card.chip.pin.left, second.card.chip.pin.left]
      const wrong = await openAll(service, keys, [
        [tokens[0], pin],
        [tokens[1], '000000'],
      ])
      expect(wrong).toMatchObject({ ok: false, error: { code: 'pin-incorrect', position: 1 } })
      expect(left()).toEqual([3, 2])

      await room.unplug(second)
      const told = pinsTold(key)
      expect(await openAll(service, keys, right)).toMatchObject({
        ok: false,
        error: { code: 'token-absent', position: 1 },
      })
      expect([told(), ...left()]).toEqual([0, 3, 2])
    }))
})

/** A device with P-256 keys under these ids. */
async function yubiHsm(ctx: TestContext, serial: number, ids: readonly number[]) {
  if (!vendor.ok) return ctx.skip(vendor.error)
  const bench = await YubiHsmBench.start(vendor.value, { serial, now: () => 0 })
  undo.push(() => bench.dispose())
  const keys: KeyReference[] = []
  for (const id of ids) {
    const made = ['-i', String(id), '-A', 'ecp256', '-c', 'sign-ecdsa', '-l', 'release']
    await bench.shell('-a', 'generate-asymmetric-key', ...made)
    const spki = createPublicKey(await publicKeyOf(bench, id)).export({ format: 'der', type: 'spki' })
    keys.push(referenceTo(tokenOf.yubiHsm(bench), id.toString(16).padStart(4, '0'), spki))
  }
  let logins = 0
  const { device } = bench
  const exchange = device.exchange.bind(device)
  device.exchange = (bytes) => {
    if (bytes[0] === createSession) logins += 1
    return exchange(bytes)
  }
  const typed = [tokenOf.yubiHsm(bench), defaultPin] as const
  return { bench, device, keys, typed, logins: () => logins, module: vendor.value.module }
}

describe('yubihsm_pkcs11', () => {
  it('two keys of one YubiHSM share a login and a session of the device, which is free when both are closed', async (ctx) => {
    const { bench, device, keys, typed, logins, module } = await yubiHsm(ctx, 11, [100, 101])
    const service = serviceWith([module], bench.moduleEnvironment(), process.execPath)
    const sessions = await opened(service, keys, [typed])
    expect([logins(), device.openSessions]).toEqual([1, 1])
    expect(await signWithEach(sessions, keys)).toEqual([twice, twice])
    expect([logins(), device.openSessions]).toEqual([1, 1])
    for (const session of sessions) await session.close()
    expect(device.openSessions).toBe(0)
  })

  it('two YubiHSMs behind one module have each its login; a wrong second password leaves no session in either', async (ctx) => {
    const [one, other] = [await yubiHsm(ctx, 11, [100]), await yubiHsm(ctx, 12, [100])]
    const environment = one.bench.moduleEnvironment()
    const urls = [one, other].map(({ bench }) => `connector=${bench.connector.url}\n`).join('')
    writeFileSync(join(one.bench.folder, 'yubihsm_pkcs11.conf'), `${urls}timeout=5\n`)
    const service = serviceWith([one.module], environment, process.execPath)
    const keys = [...one.keys, ...other.keys]
    const inUse = () => [one.device.openSessions, other.device.openSessions]
    const sessions = await opened(service, keys, [one.typed, other.typed])
    expect(inUse()).toEqual([1, 1])
    expect(await signWithEach(sessions, keys)).toEqual([twice, twice])
    for (const session of sessions) await session.close()
    expect([inUse(), one.logins(), other.logins()]).toEqual([[0, 0], 1, 1])
    const wrong = await openAll(service, keys, [one.typed, [other.typed[0], '0001passwords']])
    expect(wrong).toMatchObject({ ok: false, error: { code: 'pin-incorrect', position: 1 } })
    expect(inUse()).toEqual([0, 0])
  })
})

it('a YubiKey and a YubiHSM sign for one approval; the one goes on when the other is pulled out', (ctx) =>
  withYkcs11(ctx, 'installed', async ({ key, room, module }) => {
    const hsm = await yubiHsm(ctx, 11, [100])
    key.card = card
    const environment = { ...module.env, ...hsm.bench.moduleEnvironment() }
    const service = serviceWith([module.path, hsm.module], environment, room.node)
    const keys = [...hsm.keys, ...onYubiKey]
    const sessions = await opened(service, keys, [[tokenOf.yubiKey(20_000_057), pin], hsm.typed])
    expect(await signWithEach(sessions, keys)).toEqual([twice, twice, twice])
    hsm.bench.connector.unplug()
    expect(await signWithEach(sessions, keys)).toEqual([['token-removed'], twice, twice])
    for (const session of sessions) await session.close()
  }))
