import { afterAll, afterEach, expect, it, vi } from 'vitest'
import { certifyTokenKey } from '../../../src/main/keys/openpgp/certify-token-key.ts'
import { stderrLog } from '../../../src/main/log/logger.ts'
import { createTokenService } from '../../../src/main/token/service.ts'
import { hostEntry } from '../../../src/main/token/testing/token-bench.ts'
import { defaultPolicies } from '../../../src/shared/key-place.ts'
import { Secret } from '../../../src/shared/secret.ts'
import { signedByRegistered } from '../../openpgp/signed-by-registered.ts'
import { unpackedTrixie, Verifiers } from '../../openpgp/verifiers.ts'
import { GenerationBench, planFor, typed, valueOf } from '../testing/generation-bench.ts'
import { closeYkcs11, describeYkcs11, factoryCards } from './testing/ykcs11-bench.ts'

// OpenPGP keys that are made on a YubiKey (its PIV applet) through Yubico's module and sign there.

vi.setConfig({ testTimeout: 120_000 })

const trixie = await unpackedTrixie()
const verifiers = new Verifiers(trixie.ok ? trixie.value : null)
const undo: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
})
afterAll(async () => {
  verifiers.dispose()
  await closeYkcs11()
})

const pin = '123456'
const managementKey = '010203040506070801020304050607080102030405060708'

describeYkcs11('an OpenPGP key', (ykcs11) => {
  it.for([
    ['9A', '01', 'rsa-2048'],
    ['9C', '02', 'ec-p256'],
    ['82', '05', 'ec-p384'],
  ] as const)('in slot %s signs what everybody accepts', async ([, ckaId, algorithm], ctx) => {
    const { room, module, key, old } = ykcs11()
    if (!old && algorithm !== 'ec-p384') return ctx.skip('done with the older module; each takes ten seconds')
    key.card = factoryCards['5.4.3']
    const tokens = createTokenService({
      node: room.node,
      hostEntry,
      modules: [module.path],
      serviceKeysFolder: '/nowhere',
      environment: module.env,
      log: stderrLog(() => {}),
    })
    undo.push(() => tokens.reset())
    const bench = await GenerationBench.make(tokens)
    undo.push(() => bench.dispose())
    const token = { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiKey YK5', serial: '20000054' }
    const plan = planFor(token, ckaId, {
      purpose: 'openpgp',
      algorithm,
      certificate: { kind: 'openpgp', userId: 'Uploads <uploads@example.org>', days: null },
    })
    expect(valueOf(await bench.generate(plan, typed(pin, managementKey)))).toMatchObject({
      state: 'registered',
      failure: null,
    })
    const signed = await signedByRegistered(bench, pin)
    for (const name of ['gpg 2.2', 'gpgv 2.2', 'sq 0.27', 'sqv 1.1'] as const)
      expect([name, verifiers.verdict(name, signed)]).toEqual([name, ''])
    if (!trixie.ok) return ctx.skip(trixie.error)
    for (const name of ['gpg 2.4', 'sq 1.3', 'sqv 1.3'] as const)
      expect([name, verifiers.verdict(name, signed)]).toEqual([name, ''])
  })

  it('in one slot certifies another slot’s as its signing subkey, with the one PIN', async (ctx) => {
    const { room, module, key, old } = ykcs11()
    if (!old) return ctx.skip('done with the older module')
    key.card = factoryCards['5.4.3']
    const tokens = createTokenService({
      node: room.node,
      hostEntry,
      modules: [module.path],
      serviceKeysFolder: '/nowhere',
      environment: module.env,
      log: stderrLog(() => {}),
    })
    undo.push(() => tokens.reset())
    const bench = await GenerationBench.make(tokens)
    undo.push(() => bench.dispose())
    const token = { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiKey YK5', serial: '20000054' }
    const placed = async (ckaId: string, algorithm: 'ec-p256' | 'ec-p384') => {
      const secret = Secret.fromText(managementKey)
      const login = { user: 'security-officer', secret, useLastTry: false, onSignal: () => {} } as const
      valueOf(await tokens.generateKey({ token, ckaId, label: 'key', algorithm, policies: defaultPolicies }, login))
      const { tokens: seen } = await tokens.list({ refresh: true })
      const object = seen[0]?.objects.find((each) => each.ckaId === ckaId)
      if (object === undefined || object.spkiSha256 === null) throw new Error(`no key ${ckaId}`)
      return { token, ckaId, spkiSha256: object.spkiSha256 }
    }
    // 9C wants the PIN for each signature of the key that certifies.
    const [primary, subkey] = [await placed('02', 'ec-p384'), await placed('01', 'ec-p256')]
    const print = valueOf(
      await certifyTokenKey(
        bench.ports,
        {
          ...primary,
          purpose: 'openpgp',
          description: 'Uploads',
          production: true,
          plan: { userId: 'Uploads <uploads@example.org>', days: null },
          pin: Secret.fromText(pin),
          useLastTry: false,
          subkey: { ...subkey, primarySigns: false, pin: null, useLastTry: false },
        },
        'Custodian',
      ),
    )
    expect(await bench.keys().find('openpgp', print)).toMatchObject({
      usableNow: true,
      algorithm: 'ec-p256',
      openpgp: { primary: { ckaId: '02' } },
    })
    const signed = await signedByRegistered(bench, pin)
    for (const name of ['gpg 2.2', 'gpgv 2.2', 'sq 0.27', 'sqv 1.1'] as const)
      expect([name, verifiers.verdict(name, signed)]).toEqual([name, ''])
    if (!trixie.ok) return ctx.skip(trixie.error)
    for (const name of ['gpg 2.4', 'sq 1.3', 'sqv 1.3'] as const)
      expect([name, verifiers.verdict(name, signed)]).toEqual([name, ''])
  })
})
