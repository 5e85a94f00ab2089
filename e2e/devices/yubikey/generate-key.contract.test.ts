import { X509Certificate } from 'node:crypto'
import { afterAll, afterEach, expect, it, vi } from 'vitest'
import { stderrLog } from '../../../src/main/log/logger.ts'
import { createTokenService } from '../../../src/main/token/service.ts'
import { codeOf, hostEntry } from '../../../src/main/token/testing/token-bench.ts'
import { GenerationBench, planFor, typed, valueOf } from '../testing/generation-bench.ts'
import type { Card } from './card.ts'
import { withKeys } from './testing/given-key.ts'
import { closeYkcs11, describeYkcs11, factoryCards, type Ykcs11Bench } from './testing/ykcs11-bench.ts'

// Keys made on a YubiKey through Yubico's module: the management key as security officer's PIN, slots, policies, the placeholder.

vi.setConfig({ testTimeout: 120_000 })

afterAll(closeYkcs11)

const undo: (() => Promise<void>)[] = []
const said: string[] = []
afterEach(async () => {
  // Neither as it was typed nor as bytes.
  const log = said.splice(0).join('').toLowerCase()
  expect(log).not.toContain(managementKey)
  expect(log).not.toContain(Buffer.from(managementKey).toString('hex').slice(0, 32))
  for (const one of undo.splice(0).reverse()) await one()
})

const pin = '123456'
const managementKey = '010203040506070801020304050607080102030405060708'
const serials = { '5.4.3': '20000054', '5.7.1': '20000057' } as const

async function start({ room, module, key }: Ykcs11Bench, firmware: '5.4.3' | '5.7.1', card?: Card) {
  key.card = card ?? factoryCards[firmware]
  const tokens = createTokenService({
    node: room.node,
    hostEntry,
    modules: [module.path],
    serviceKeysFolder: '/nowhere',
    environment: module.env,
    log: stderrLog((line) => said.push(line)),
  })
  undo.push(() => tokens.reset())
  const bench = await GenerationBench.make(tokens)
  undo.push(() => bench.dispose())
  const token = { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiKey YK5', serial: serials[firmware] }
  return { bench, tokens, token }
}

describeYkcs11('making a key', (ykcs11) => {
  it.each([
    ['9A', '01', 'rsa-2048'],
    ['9C', '02', 'ec-p256'],
    ['82', '05', 'ec-p384'],
  ] as const)(
    'in slot %s registers it, with its own certificate in the place of the placeholder',
    async (_, ckaId, algorithm) => {
      const { bench, tokens, token } = await start(ykcs11(), '5.4.3')
      const secrets = typed(pin, managementKey)
      const generation = valueOf(await bench.generate(planFor(token, ckaId, { algorithm }), secrets))
      expect(generation).toMatchObject({ state: 'registered', failure: null, certificateNotOnToken: null })
      expect(await bench.events()).toEqual([
        'key-generation-intended',
        'key-generated',
        'possession-challenged',
        'key-registered',
        'key-attested',
      ])
      const [registered] = await bench.keys().list()
      expect(registered).toMatchObject({ usableNow: true, origin: 'generated', algorithm })
      expect(await bench.opensslVerdict()).toContain('OK')
      const objects = (await tokens.list({ refresh: true })).tokens[0]?.objects ?? []
      const object = objects.find((each) => each.ckaId === ckaId)
      expect(object).toMatchObject({ algorithm, generatedOnToken: true, spkiSha256: generation.spkiSha256 })
      expect(new X509Certificate(object?.certificatePem ?? '').raw).toEqual(
        new X509Certificate(registered?.certificatePem ?? '').raw,
      )
      for (const secret of [secrets.pin, secrets.officerPin])
        expect(Buffer.from(secret?.reveal() ?? [1]).every((byte) => byte === 0)).toBe(true)
    },
  )

  it('never over a key or a certificate that is in the slot', async () => {
    const card = withKeys(factoryCards['5.4.3'], [{ slot: 0x9c, algorithm: 'ec-p256', commonName: 'There before' }])
    const { bench, token } = await start(ykcs11(), '5.4.3', card)
    const before = ykcs11().key.card.chip.keys
    expect(codeOf(await bench.generate(planFor(token, '02'), typed(pin, managementKey)))).toBe('id-occupied')
    expect(ykcs11().key.card.chip.keys).toEqual(before)
    expect(await bench.events()).toEqual([])
  })

  it('tries a wrong management key once, on record, and makes nothing', async () => {
    const { bench, token } = await start(ykcs11(), '5.4.3')
    const wrong = managementKey.replaceAll('01', '02')
    const generation = valueOf(await bench.generate(planFor(token, '02'), typed(pin, wrong)))
    expect(generation).toMatchObject({ state: 'failed', failure: { code: 'pin-incorrect' } })
    expect(await bench.events()).toEqual(['key-generation-intended', 'login-failed', 'key-generation-failed'])
    // The PIN of the user was not touched.
    expect(ykcs11().key.card.chip.pin.left).toBe(3)
  })

  it('keeps a key whose certificate could not be made because the PIN was wrong', async () => {
    const { bench, token } = await start(ykcs11(), '5.4.3')
    const generation = valueOf(await bench.generate(planFor(token, '03'), typed('000000', managementKey)))
    expect(generation).toMatchObject({ state: 'made', failure: { code: 'pin-incorrect' } })
    expect(await bench.events()).toEqual(['key-generation-intended', 'key-generated', 'login-failed'])
    expect(ykcs11().key.card.chip.pin.left).toBe(2)
    expect(await bench.keys().list()).toEqual([])
  })

  it('gives it the PIN and touch policies that were chosen, where the module takes them', async (context) => {
    if (ykcs11().old) return context.skip('ykcs11 2.2.0 has no attributes for policies')
    const { bench, token } = await start(ykcs11(), '5.4.3')
    ykcs11().key.finger = 'on-the-key'
    const plan = planFor(token, '03', { policies: { pin: 'always', touch: 'always' } })
    const generation = valueOf(await bench.generate(plan, typed(pin, managementKey)))
    expect(generation).toMatchObject({ state: 'registered' })
    const made = ykcs11().key.card.chip.keys.get(0x9d)
    expect(made).toMatchObject({ pinPolicy: 'always', touchPolicy: 'always' })
  })

  it('says that the module takes no policies, and that no key was made', async (context) => {
    if (!ykcs11().old) return context.skip('this ykcs11 takes them')
    const { bench, token } = await start(ykcs11(), '5.4.3')
    const plan = planFor(token, '03', { policies: { pin: 'default', touch: 'always' } })
    expect(valueOf(await bench.generate(plan, typed(pin, managementKey)))).toMatchObject({
      state: 'failed',
      failure: { code: 'generation-refused' },
    })
    expect(ykcs11().key.card.chip.keys.get(0x9d)).toBeUndefined()
  })

  it('works with the AES management key of firmware 5.7, where the module knows it', async () => {
    const { bench, token } = await start(ykcs11(), '5.7.1')
    const generation = valueOf(await bench.generate(planFor(token, '02'), typed(pin, managementKey)))
    // Debian 12's module knows 3DES alone, and has no better word for it than a wrong PIN.
    expect(generation).toMatchObject(
      ykcs11().old ? { state: 'failed', failure: { code: 'pin-incorrect' } } : { state: 'registered' },
    )
  })

  it('is an incident when the token is gone in the middle of it', async () => {
    const { bench, token } = await start(ykcs11(), '5.4.3')
    const { key, room } = ykcs11()
    // GENERATE (0x47): the card does it, and the answer never comes.
    key.dieIn(({ ins }) => ins === 0x47)
    const generation = valueOf(await bench.generate(planFor(token, '02'), typed(pin, managementKey)))
    expect(generation).toMatchObject({ state: 'incident', spkiSha256: null })
    expect(await bench.events()).toEqual(['key-generation-intended', 'incident-opened'])
    if (!room.holds(key)) await room.plug(key, 0)
  })
})
