import { createHash, createPublicKey } from 'node:crypto'
import { join } from 'node:path'
import { afterEach, expect, it, type TestContext } from 'vitest'
import { stderrLog } from '../../../src/main/log/logger.ts'
import { createTokenService } from '../../../src/main/token/service.ts'
import { codeOf, hostEntry, open, requestFor } from '../../../src/main/token/testing/token-bench.ts'
import type { KeyReference } from '../../../src/main/token/token-service.ts'
import { sha256Hex } from '../../../src/shared/ids.ts'
import { command } from './codes.ts'
import { keyId, makeKey } from './testing/key-in-device.ts'
import { vendorSoftware } from './testing/vendor-software.ts'
import { defaultPin, YubiHsmBench } from './testing/yubihsm-bench.ts'
import { VirtualYubiHsm, type YubiHsmOptions } from './virtual-yubihsm.ts'

// The station's own token layer on a YubiHSM, as an approval uses it.

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
    log: stderrLog(() => {}),
    environment: bench.moduleEnvironment(),
  })
  undo.push(() => service.reset())
  const key = referenceTo(await makeKey(bench), bench.device.serial)
  return { bench, service, key }
}

function referenceTo(pem: string, serial: number): KeyReference {
  const spki = createPublicKey(pem).export({ format: 'der', type: 'spki' })
  return {
    home: {
      kind: 'token',
      token: { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiHSM', serial: String(serial).padStart(8, '0') },
      ckaId: keyId.toString(16).padStart(4, '0'),
      pkcs11Uri: '',
    },
    algorithm: 'ec-p256',
    spkiSha256: sha256Hex.parse(createHash('sha256').update(spki).digest('hex')),
    sealed: null,
  }
}

it('lists the device and signs with a key in it', async (ctx) => {
  const { service, key } = await start(ctx)
  const { tokens, modules } = await service.list({ refresh: false })
  expect(modules.map(({ problem }) => problem)).toEqual([null])
  expect(tokens.map(({ token }) => [token.id, token.label])).toEqual([
    [key.home.kind === 'token' ? key.home.token : null, 'YubiHSM'],
  ])
  const session = await open(service, key, defaultPin)
  if (!session.ok) throw new Error(session.error.message)
  expect(codeOf(await session.value.sign(requestFor(key)))).toBe('ok')
  await session.value.close()
})

it('says what is wrong with a PIN', async (ctx) => {
  const { service, key } = await start(ctx)
  expect(codeOf(await open(service, key, '0001passwords'))).toBe('pin-incorrect')
  // An authentication key that is not there is CKR_OBJECT_HANDLE_INVALID; its number is a part of the PIN.
  expect(codeOf(await open(service, key, '0002password'))).toBe('pin-incorrect')
  expect(codeOf(await open(service, key, defaultPin))).toBe('ok')
})

it('hands out nothing that another device signed under an open session', async (ctx) => {
  const { bench, service, key } = await start(ctx, { serial: 1_111_111 })
  const session = await open(service, key, defaultPin)
  if (!session.ok) throw new Error(session.error.message)
  expect(codeOf(await session.value.sign(requestFor(key)))).toBe('ok')
  bench.connector.plug(new VirtualYubiHsm({ serial: 2_222_222 }))
  await makeKey(bench)
  const outcome = await session.value.sign(requestFor(key))
  expect(codeOf(outcome)).toBe('token-swapped')
})

it('does not notice that a session was idle for too long', async (ctx) => {
  let now = 0
  const { service, key } = await start(ctx, { now: () => now })
  const session = await open(service, key, defaultPin)
  if (!session.ok) throw new Error(session.error.message)
  now += 60_000
  expect(codeOf(await session.value.sign(requestFor(key)))).toBe('ok')
})

it('tells a device that was pulled out, and signs again when it is back', async (ctx) => {
  const { bench, service, key } = await start(ctx)
  const session = await open(service, key, defaultPin)
  if (!session.ok) throw new Error(session.error.message)
  bench.connector.unplug()
  expect(codeOf(await session.value.sign(requestFor(key)))).toBe('token-removed')
  bench.device.plugIn()
  expect(codeOf(await open(service, key, defaultPin))).toBe('ok')
})

it('goes on when the device is in the middle of a signature and does not come back to it', async (ctx) => {
  const { bench, service, key } = await start(ctx)
  const session = await open(service, key, defaultPin)
  if (!session.ok) throw new Error(session.error.message)
  bench.device.losePowerIn({ command: command.signEcdsa, moment: 'before-answer' })
  expect(codeOf(await session.value.sign(requestFor(key)))).toBe('token-removed')
  bench.device.plugIn()
  const again = await open(service, key, defaultPin)
  if (!again.ok) throw new Error(again.error.message)
  expect(codeOf(await again.value.sign(requestFor(key)))).toBe('ok')
})
