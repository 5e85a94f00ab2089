import { join } from 'node:path'
import { afterEach, expect, it, type TestContext, vi } from 'vitest'
import { bringCertificate } from '../../../src/main/keys/finish-generation.ts'
import { stderrLog } from '../../../src/main/log/logger.ts'
import { createTokenService } from '../../../src/main/token/service.ts'
import { hostEntry } from '../../../src/main/token/testing/token-bench.ts'
import { GenerationBench, planFor, typed, valueOf } from '../testing/generation-bench.ts'
import { command } from './codes.ts'
import { vendorSoftware } from './testing/vendor-software.ts'
import { defaultPin, YubiHsmBench } from './testing/yubihsm-bench.ts'

// Keys made in a YubiHSM through yubihsm_pkcs11, and what the vendor's own shell says of them afterwards.

vi.setConfig({ testTimeout: 120_000 })

const vendor = await vendorSoftware()
const undo: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
})

async function start(ctx: TestContext) {
  if (!vendor.ok) return ctx.skip(vendor.error)
  const hsm = await YubiHsmBench.start(vendor.value)
  undo.push(() => hsm.dispose())
  const tokens = createTokenService({
    node: process.execPath,
    hostEntry,
    modules: [vendor.value.module],
    serviceKeysFolder: join(hsm.folder, 'service-keys'),
    log: stderrLog(() => {}),
    environment: hsm.moduleEnvironment(),
  })
  undo.push(() => tokens.reset())
  const bench = await GenerationBench.make(tokens)
  undo.push(() => bench.dispose())
  const serial = String(hsm.device.serial).padStart(8, '0')
  return { hsm, tokens, bench, token: { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiHSM', serial } }
}

it('says what it can make without a session', async (ctx) => {
  const { tokens, token } = await start(ctx)
  const able = await tokens.generationAbilities(token)
  expect(able).toMatchObject({ ok: true, value: { taken: [] } })
  expect(able.ok && able.value.algorithms).toEqual(
    expect.arrayContaining(['rsa-2048', 'rsa-3072', 'rsa-4096', 'ec-p256', 'ec-p384']),
  )
})

it.for(['rsa-2048', 'ec-p256', 'ec-p384'] as const)(
  'makes a key %s that signs, is not exportable, and is registered',
  async (algorithm, ctx) => {
    const { hsm, bench, token } = await start(ctx)
    const generation = valueOf(await bench.generate(planFor(token, '0123', { algorithm }), typed(defaultPin)))
    // The certificate is an opaque object of the device.
    expect(generation).toMatchObject({ state: 'registered', failure: null, certificateNotOnToken: null })
    expect(await bench.events()).toEqual([
      'key-generation-intended',
      'key-generated',
      'possession-challenged',
      'key-registered',
      'key-attested',
    ])
    const [registered] = await bench.keys().list()
    expect([registered?.usableNow, registered?.unusableBecause]).toEqual([true, null])
    expect(await bench.opensslVerdict()).toContain('OK')
    const info = await hsm.shell('-a', 'get-object-info', '-i', '0x0123', '-t', 'asymmetric-key')
    expect(info).toContain('label: "sb-2027"')
    expect(info).toContain('origin: generated')
    expect(info).toMatch(algorithm === 'rsa-2048' ? /sign-pkcs/ : /sign-ecdsa/)
    expect(info).not.toContain('exportable-under-wrap')
  },
)

it('asks a CA, and registers the key when its certificate is brought', async (ctx) => {
  const { bench, token } = await start(ctx)
  const subject = { commonName: 'Kernel modules 2027', organization: 'Example', unit: null, country: 'DE' }
  const plan = planFor(token, '0500', { algorithm: 'rsa-2048', certificate: { kind: 'request', subject } })
  const waiting = valueOf(await bench.generate(plan, typed(defaultPin)))
  expect(waiting.state).toBe('awaiting-certificate')
  const certificatePem = bench.certifiedByCa(waiting.certificateRequest ?? '')
  const done = valueOf(
    await bringCertificate(bench.ports, { id: waiting.id, certificatePem }, typed(defaultPin), 'Custodian'),
  )
  expect(done.state).toBe('registered')
  expect((await bench.keys().list())[0]).toMatchObject({
    usableNow: true,
    origin: 'generated',
    certificate: { issuer: 'CN=CA', subject: expect.stringContaining('CN=Kernel modules 2027') },
  })
})

it('never over an object of that id', async (ctx) => {
  const { bench, token } = await start(ctx)
  expect(valueOf(await bench.generate(planFor(token, '0200'), typed(defaultPin))).state).toBe('registered')
  const before = await bench.keys().list()
  expect(valueOf(await bench.generate(planFor(token, '0200'), typed(defaultPin)))).toMatchObject({
    state: 'failed',
    failure: { code: 'id-occupied' },
  })
  expect((await bench.keys().list()).map(({ fingerprint }) => fingerprint)).toEqual(
    before.map(({ fingerprint }) => fingerprint),
  )
})

it('writes down that a wrong password made no key', async (ctx) => {
  const { bench, token } = await start(ctx)
  expect(valueOf(await bench.generate(planFor(token, '0300'), typed('0001wrongpassword')))).toMatchObject({
    state: 'failed',
    failure: { code: 'pin-incorrect' },
  })
  expect(await bench.events()).toEqual(['key-generation-intended', 'login-failed', 'key-generation-failed'])
})

it('is an incident when the device loses power before it answers', async (ctx) => {
  const { hsm, bench, token } = await start(ctx)
  hsm.device.losePowerIn({ command: command.generateAsymmetricKey, moment: 'before-answer' })
  expect(valueOf(await bench.generate(planFor(token, '0400'), typed(defaultPin)))).toMatchObject({
    state: 'incident',
    spkiSha256: null,
  })
  expect(await bench.events()).toEqual(['key-generation-intended', 'incident-opened'])
  hsm.device.plugIn()
  // The key is there, and nobody registered it: that is what the incident says.
  const info = await hsm.shell('-a', 'get-object-info', '-i', '0x0400', '-t', 'asymmetric-key')
  expect(info).toContain('origin: generated')
})
