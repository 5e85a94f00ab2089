import { join } from 'node:path'
import { afterAll, afterEach, expect, it, type TestContext, vi } from 'vitest'
import { type CertifyInput, certifyTokenKey } from '../../../src/main/keys/openpgp/certify-token-key.ts'
import { stderrLog } from '../../../src/main/log/logger.ts'
import { createTokenService } from '../../../src/main/token/service.ts'
import { codeOf, hostEntry } from '../../../src/main/token/testing/token-bench.ts'
import { defaultPolicies } from '../../../src/shared/key-place.ts'
import { Secret } from '../../../src/shared/secret.ts'
import { signedByRegistered } from '../../openpgp/signed-by-registered.ts'
import { unpackedTrixie, Verifiers } from '../../openpgp/verifiers.ts'
import { GenerationBench, planFor, typed, valueOf } from '../testing/generation-bench.ts'
import { vendorSoftware } from './testing/vendor-software.ts'
import { defaultPin, YubiHsmBench } from './testing/yubihsm-bench.ts'

// OpenPGP keys that are made in a YubiHSM through yubihsm_pkcs11 and sign there.

vi.setConfig({ testTimeout: 120_000 })

const vendor = await vendorSoftware()
const trixie = await unpackedTrixie()
const verifiers = new Verifiers(trixie.ok ? trixie.value : null)
afterAll(() => verifiers.dispose())
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
  return { bench, tokens, token: { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiHSM', serial } }
}

it.for(['rsa-2048', 'ec-p256', 'ec-p384', 'ed25519'] as const)(
  'makes an OpenPGP key %s, and everybody accepts what it signs',
  async (algorithm, ctx) => {
    const { bench, token } = await start(ctx)
    const plan = planFor(token, '0123', {
      purpose: 'openpgp',
      algorithm,
      certificate: { kind: 'openpgp', userId: 'Uploads <uploads@example.org>', days: 730 },
    })
    expect(valueOf(await bench.generate(plan, typed(defaultPin)))).toMatchObject({ state: 'registered', failure: null })
    expect(await bench.events()).toEqual([
      'key-generation-intended',
      'key-generated',
      'certificate-intended',
      'possession-challenged',
      'key-registered',
      'key-attested',
    ])
    const signed = await signedByRegistered(bench, defaultPin)
    for (const name of ['gpg 2.2', 'gpgv 2.2', 'sq 0.27', 'sqv 1.1'] as const)
      expect([name, verifiers.verdict(name, signed)]).toEqual([name, ''])
    if (!trixie.ok) return ctx.skip(trixie.error)
    for (const name of ['gpg 2.4', 'sq 1.3', 'sqv 1.3'] as const)
      expect([name, verifiers.verdict(name, signed)]).toEqual([name, ''])
  },
)

it('makes the certificate of keys that are in it already, which it shows only after the login', async (ctx) => {
  const { bench, token, tokens } = await start(ctx)
  const login = () =>
    ({ user: 'user', secret: Secret.fromText(defaultPin), useLastTry: false, onSignal: () => {} }) as const
  for (const [ckaId, algorithm] of [
    ['0200', 'ec-p256'],
    ['0201', 'ed25519'],
    ['0202', 'rsa-2048'],
  ] as const)
    valueOf(await tokens.generateKey({ token, ckaId, label: algorithm, algorithm, policies: defaultPolicies }, login()))
  expect(await tokens.readPublicKey(token, '0200')).toMatchObject({ error: { code: 'key-absent' } })
  const key = (ckaId: string) => ({
    token,
    ckaId,
    spkiSha256: null,
    pin: Secret.fromText(defaultPin),
    useLastTry: false,
  })
  const wanted = {
    purpose: 'openpgp',
    description: 'Archive',
    production: true,
    plan: { userId: 'Archive <archive@example.org>', days: 730 },
  } as const
  const certify = (input: CertifyInput) => certifyTokenKey(bench.ports, input, 'Custodian')
  const subkey = { ...key('0201'), primarySigns: false, pin: null }
  expect(codeOf(await certify({ ...wanted, ...key('0200'), subkey: { ...subkey, ckaId: '0200' } }))).toBe(
    'subkey-is-primary',
  )
  valueOf(await certify({ ...wanted, ...key('0200'), subkey }))
  const signed = await signedByRegistered(bench, defaultPin)
  for (const name of ['gpg 2.2', 'gpgv 2.2', 'sq 0.27', 'sqv 1.1'] as const)
    expect([name, verifiers.verdict(name, signed)]).toEqual([name, ''])
  expect(await bench.keys().list()).toMatchObject([
    { algorithm: 'ed25519', home: { ckaId: '0201' }, openpgp: { primary: { ckaId: '0200', algorithm: 'ec-p256' } } },
  ])
  valueOf(await certify({ ...wanted, ...key('0202') }))
  expect(codeOf(await certify({ ...wanted, ...key('0202') }))).toBe('creation-time-differs')
  expect(codeOf(await certify({ ...wanted, ...key('02ff') }))).toBe('key-absent')
  if (!trixie.ok) return ctx.skip(trixie.error)
  for (const name of ['gpg 2.4', 'sq 1.3', 'sqv 1.3'] as const)
    expect([name, verifiers.verdict(name, signed)]).toEqual([name, ''])
})
