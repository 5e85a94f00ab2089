import { afterAll, afterEach, expect, it, vi } from 'vitest'
import { certifyTokenKey } from '../../../src/main/keys/openpgp/certify-token-key.ts'
import { stderrLog } from '../../../src/main/log/logger.ts'
import { createTokenService } from '../../../src/main/token/service.ts'
import { softHsmModule } from '../../../src/main/token/testing/soft-token.ts'
import { hostEntry, TokenBench } from '../../../src/main/token/testing/token-bench.ts'
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
const softPin = '314159'
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

  it.for(['another slot', 'a token of another module'] as const)(
    'signs as the subkey of a key in %s, each opened with the PIN of its token',
    async (where, ctx) => {
      const { room, module, key, old } = ykcs11()
      const soft = softHsmModule()
      if (!old) return ctx.skip('done with the older module')
      if (soft === null && where !== 'another slot') return ctx.skip('SoftHSM is not installed')
      key.card = factoryCards['5.4.3']
      const other =
        where === 'another slot'
          ? null
          : await TokenBench.make([{ label: 'archive', pin: softPin, keys: [{ algorithm: 'rsa-2048' }] }])
      if (other !== null) undo.push(() => other.dispose())
      const tokens = createTokenService({
        node: room.node,
        hostEntry,
        modules: [module.path, ...(other === null ? [] : [other.soft.module])],
        serviceKeysFolder: '/nowhere',
        environment: { ...module.env, ...(other === null ? {} : { SOFTHSM2_CONF: other.soft.configuration }) },
        log: stderrLog(() => {}),
      })
      undo.push(() => tokens.reset())
      const bench = await GenerationBench.make(tokens)
      undo.push(() => bench.dispose())
      const yubiKey = { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiKey YK5', serial: '20000054' }
      for (const [ckaId, algorithm] of [
        ['02', 'ec-p384'],
        ['01', 'ec-p256'],
      ] as const) {
        const secret = Secret.fromText(managementKey)
        const login = { user: 'security-officer', secret, useLastTry: false, onSignal: () => {} } as const
        const wanted = { token: yubiKey, ckaId, label: 'key', algorithm, policies: defaultPolicies }
        valueOf(await tokens.generateKey(wanted, login))
      }
      const seen = (await tokens.list({ refresh: true })).tokens
      const placed = (serial: string, ckaId: string) => {
        const found = seen.find(({ token }) => token.id.serial === serial)
        const spkiSha256 = found?.objects.find((each) => each.ckaId === ckaId)?.spkiSha256 ?? null
        if (found === undefined || spkiSha256 === null) throw new Error(`no key ${ckaId}`)
        return { token: found.token.id, ckaId, spkiSha256, useLastTry: false }
      }
      // 9C wants the PIN for each signature of the key that certifies.
      const primary =
        other === null
          ? { ...placed(yubiKey.serial, '02'), pin: Secret.fromText(pin) }
          : { ...placed(other.token().id.serial, '01'), pin: Secret.fromText(softPin) }
      const subkey = { ...placed(yubiKey.serial, '01'), pin: other === null ? null : Secret.fromText(pin) }
      const print = valueOf(
        await certifyTokenKey(
          bench.ports,
          {
            ...primary,
            purpose: 'openpgp',
            description: 'Uploads',
            production: true,
            plan: { userId: 'Uploads <uploads@example.org>', days: null },
            subkey: { ...subkey, primarySigns: false },
          },
          'Custodian',
        ),
      )
      expect(await bench.keys().find('openpgp', print)).toMatchObject({
        usableNow: true,
        algorithm: 'ec-p256',
        openpgp: { primary: { token: primary.token, ckaId: primary.ckaId } },
      })
      const signed = await signedByRegistered(bench, pin)
      for (const name of ['gpg 2.2', 'gpgv 2.2', 'sq 0.27', 'sqv 1.1'] as const)
        expect([name, verifiers.verdict(name, signed)]).toEqual([name, ''])
      if (!trixie.ok) return ctx.skip(trixie.error)
      for (const name of ['gpg 2.4', 'sq 1.3', 'sqv 1.3'] as const)
        expect([name, verifiers.verdict(name, signed)]).toEqual([name, ''])
    },
  )
})
