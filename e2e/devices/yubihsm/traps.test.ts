import { createHash, createPublicKey } from 'node:crypto'
import { join } from 'node:path'
import { afterEach, expect, it, type TestContext } from 'vitest'
import { silentLog } from '../../../src/main/log/logger.ts'
import { createTokenService } from '../../../src/main/token/service.ts'
import { codeOf, hostEntry, open, requestFor, requestsFor } from '../../../src/main/token/testing/token-bench.ts'
import type { KeyReference, TokenService } from '../../../src/main/token/token-service.ts'
import { signatureCheck } from '../../../src/main/token/verify-signature.ts'
import { sha256Hex } from '../../../src/shared/ids.ts'
import { logCapacity } from './device-log.ts'
import { keyId, makeKey, publicKeyOf } from './testing/key-in-device.ts'
import { vendorSoftware } from './testing/vendor-software.ts'
import { defaultPin, YubiHsmBench } from './testing/yubihsm-bench.ts'
import type { YubiHsmOptions } from './virtual-yubihsm.ts'

// What a YubiHSM and its module do that would mislead a station, or use the device up: through the station's own token service
// (docs/traps.md).

const vendor = await vendorSoftware()
const undo: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
})

async function start(ctx: TestContext, options: YubiHsmOptions = {}) {
  if (!vendor.ok) return ctx.skip(vendor.error)
  const bench = await YubiHsmBench.start(vendor.value, options)
  undo.push(() => bench.dispose())
  const service = createTokenService({
    node: process.execPath,
    hostEntry,
    modules: [vendor.value.module],
    serviceKeysFolder: join(bench.folder, 'service-keys'),
    log: silentLog,
    environment: bench.moduleEnvironment(),
  })
  undo.push(() => service.reset())
  return { bench, service, key: referenceTo(await makeKey(bench), bench.device.serial) }
}

const spkiOf = (pem: string) => createPublicKey(pem).export({ format: 'der', type: 'spki' })

function referenceTo(pem: string, serial: number, id = keyId): KeyReference {
  return {
    home: {
      kind: 'token',
      token: { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiHSM', serial: String(serial).padStart(8, '0') },
      ckaId: id.toString(16).padStart(4, '0'),
      pkcs11Uri: '',
    },
    algorithm: 'ec-p256',
    spkiSha256: sha256Hex.parse(createHash('sha256').update(spkiOf(pem)).digest('hex')),
    sealed: null,
  }
}

async function session(service: TokenService, key: KeyReference, pin = defaultPin) {
  const opened = await open(service, key, pin)
  if (!opened.ok) throw new Error(`${opened.error.code}: ${opened.error.detail}`)
  return opened.value
}

it('a full log, with forced audit, is told as that: nothing is signed until it is read out', async (ctx) => {
  const { bench, service, key } = await start(ctx)
  await bench.shell('-a', 'put-option', '--opt-name', 'command-audit', '--opt-value', '5601')
  await bench.shell('-a', 'put-option', '--opt-name', 'force-audit', '--opt-value', '01')
  const outcomes = await (await session(service, key)).signMany(requestsFor(key, logCapacity + 1))
  expect(outcomes.slice(0, -1).every(({ ok }) => ok)).toBe(true)
  expect(outcomes.at(-1)).toMatchObject({
    ok: false,
    error: { code: 'token-error', message: expect.stringMatching(/audit log is full.*Nothing was signed/) },
  })
  // Not a matter of the session: a new one is refused as well, and by no other word.
  expect(codeOf(await (await session(service, key)).sign(requestFor(key)))).toBe('token-error')
  const logs = await bench.shell('-a', 'get-logs')
  const last = [...logs.matchAll(/^item:\s+(\d+)/gm)].at(-1)?.[1] ?? ''
  await bench.shell('-a', 'set-log-index', '--log-index', last)
  expect(codeOf(await (await session(service, key)).sign(requestFor(key)))).toBe('ok')
})

it('sixteen sessions are all that a device has: no end of an approval leaves one behind', async (ctx) => {
  // The clock stands: a session that is left open is never free again.
  const { bench, service, key } = await start(ctx, { now: () => 0 })
  const otherKey = { ...key, spkiSha256: sha256Hex.parse('0'.repeat(64)) }
  const noKey = { ...key, home: { ...key.home, ckaId: '7777' } } as KeyReference
  const ends: Readonly<Record<string, () => Promise<unknown>>> = {
    async signed() {
      const opened = await session(service, key)
      await opened.sign(requestFor(key))
      await opened.close()
    },
    async stopped() {
      const controller = new AbortController()
      const opened = await open(service, key, defaultPin, { signal: controller.signal })
      controller.abort()
      if (opened.ok) await opened.value.close()
    },
    wrongPin: () => open(service, key, '0001passwords'),
    otherKey: () => open(service, otherKey, defaultPin),
    noKey: () => open(service, noKey, defaultPin),
    wrongScheme: async () =>
      (await session(service, key)).sign({ scheme: 'rsa-pkcs1-sha256', digest: Buffer.alloc(32) }),
    listed: () => service.list({ refresh: true }),
  }
  for (const [name, end] of Object.entries(ends)) {
    await end()
    await expect.poll(() => bench.device.openSessions, { message: name }).toBe(0)
  }
  for (let count = 0; count < 17; count++) await ends['signed']?.()
  expect(bench.device.openSessions).toBe(0)
})

it('a session that was left behind by a crash is free after 30 s, and does not stop the next approval', async (ctx) => {
  let now = 0
  const { bench, service, key } = await start(ctx, { now: () => now })
  await session(service, key)
  await service.reset()
  // Ended without a word: what a killed process leaves is there until the device forgets it.
  expect(bench.device.openSessions).toBeLessThanOrEqual(1)
  expect(codeOf(await (await session(service, key)).sign(requestFor(key)))).toBe('ok')
  now += 30_000
  expect(bench.device.openSessions).toBe(0)
})

it('another key under the id of the registered one is refused, though id and label are the same', async (ctx) => {
  const { bench, service, key } = await start(ctx)
  await bench.shell('-a', 'delete-object', '-i', String(keyId), '-t', 'asymmetric-key')
  await makeKey(bench)
  expect(codeOf(await open(service, key, defaultPin))).toBe('key-mismatch')
})

it('a label that other keys have too does not choose the key: its id and its public key do', async (ctx) => {
  const { bench, service, key } = await start(ctx)
  const keys = [[key, spkiOf(await publicKeyOf(bench, keyId))] as const]
  // Under lower and higher ids than the first, made after it, all with the label `release`.
  for (const id of [2, 300]) {
    const made = ['-i', String(id), '-A', 'ecp256', '-c', 'sign-ecdsa', '-l', 'release']
    await bench.shell('-a', 'generate-asymmetric-key', ...made)
    const pem = await publicKeyOf(bench, id)
    keys.push([referenceTo(pem, bench.device.serial, id), spkiOf(pem)])
  }
  for (const [each, spki] of keys) {
    const opened = await session(service, each)
    const request = requestFor(each)
    const signed = await opened.sign(request)
    expect(signed.ok && signatureCheck(spki)?.(request, signed.value)).toBe(true)
    await opened.close()
  }
})

it('an Ed25519 key beside the registered one, which breaks other programs, disturbs nothing', async (ctx) => {
  const { bench, service, key } = await start(ctx)
  await bench.shell('-a', 'generate-asymmetric-key', '-i', '7', '-A', 'ed25519', '-c', 'sign-eddsa', '-l', 'other')
  expect(codeOf(await (await session(service, key)).sign(requestFor(key)))).toBe('ok')
})
