import { hash } from 'node:crypto'
import pkcs11js from 'pkcs11js'
import { afterAll, expect, it } from 'vitest'
import { ecdsaSigValue, sha256DigestInfo } from '../../../src/main/asn1/signature-value.ts'
import { testAuthority } from './attestation.ts'
import { withChip } from './card.ts'
import { type CardAlgorithm, spkiOf } from './card-key.ts'
import { sharedKey } from './testing/card-talk.ts'
import { certificateFor, type GivenKey, withKeys } from './testing/given-key.ts'
import { opensslVerifies, opensslVerifiesChain, type SignatureKind } from './testing/openssl.ts'
import type { Hex, MechanismOf, Template } from './testing/pkcs11-calls.ts'
import type { Pkcs11Client } from './testing/pkcs11-client.ts'
import { closeYkcs11, describeYkcs11, factoryCards, objectOf, privateKeyOf } from './testing/ykcs11-bench.ts'
import { tlv } from './tlv.ts'

// Yubico's PKCS#11 module in front of the virtual key, as Debian 12 and as Debian 13 have it. What it does is what the token layer
// has to live with: its traps are assertions here.

const P = pkcs11js
const CKM_EDDSA = 0x1057
const CKA_YUBICO = { touch: 0xd9554201, pin: 0xd9554202 } as const
const managementPin = '010203040506070801020304050607080102030405060708'

const message = Buffer.from('a message')
const digest = hash('sha256', message, 'buffer')
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

const kinds: readonly (readonly [name: string, CardAlgorithm, MechanismOf, Uint8Array, SignatureKind])[] = [
  ['RSA-1024 PKCS#1', 'rsa-1024', { type: P.CKM_RSA_PKCS }, sha256DigestInfo(digest), 'pkcs1'],
  ['RSA-2048 PKCS#1', 'rsa-2048', { type: P.CKM_RSA_PKCS }, sha256DigestInfo(digest), 'pkcs1'],
  ['RSA-3072 PKCS#1', 'rsa-3072', { type: P.CKM_RSA_PKCS }, sha256DigestInfo(digest), 'pkcs1'],
  ['RSA-4096 PKCS#1', 'rsa-4096', { type: P.CKM_RSA_PKCS }, sha256DigestInfo(digest), 'pkcs1'],
  ['RSA-2048, hashed by the module', 'rsa-2048', { type: P.CKM_SHA256_RSA_PKCS }, message, 'pkcs1'],
  ['RSA-2048 PSS', 'rsa-2048', { type: P.CKM_RSA_PKCS_PSS, hash: P.CKM_SHA256 }, digest, 'pss-sha256'],
  ['RSA-4096 PSS', 'rsa-4096', { type: P.CKM_RSA_PKCS_PSS, hash: P.CKM_SHA256 }, digest, 'pss-sha256'],
  ['P-256', 'ec-p256', { type: P.CKM_ECDSA }, digest, 'ecdsa'],
  ['P-384', 'ec-p384', { type: P.CKM_ECDSA }, digest, 'ecdsa'],
  ['P-256, hashed by the module', 'ec-p256', { type: P.CKM_ECDSA_SHA256 }, message, 'ecdsa'],
  ['Ed25519', 'ed25519', { type: CKM_EDDSA }, message, 'ed25519'],
]
const only57 = new Set<CardAlgorithm>(['rsa-3072', 'rsa-4096', 'ed25519', 'x25519'])

const given = (slot: number, algorithm: CardAlgorithm, more: Partial<GivenKey> = {}): GivenKey => ({
  slot,
  algorithm,
  ...more,
})

async function sign(client: Pkcs11Client, session: Hex, id: Hex, mechanism: MechanismOf, data: Uint8Array) {
  const started = await client.try('signInit', session, await privateKeyOf(client, session, id), mechanism)
  return 'failed' in started ? started : client.try('sign', session, hexOf(data))
}

const ecdsa = { type: P.CKM_ECDSA } as const

afterAll(closeYkcs11)

describeYkcs11('tokens and objects', (bench) => {
  it('names the token by the serial number of the key', async () => {
    const { client, slot } = await bench().open(factoryCards['5.4.3'])
    const info = await client.call('tokenInfo', slot)
    expect(info).toMatchObject({ label: 'YubiKey PIV #20000054', model: 'YubiKey YK5', serial: '20000054' })
    // 5.4.3: the standard's two numbers leave no room for three.
    expect(info.firmware).toBe('5.43')
    expect(info.flags & (P.CKF_USER_PIN_COUNT_LOW | P.CKF_USER_PIN_FINAL_TRY | P.CKF_USER_PIN_LOCKED)).toBe(0)
    expect(await client.try('waitForEvent')).toEqual({ failed: 'CKR_FUNCTION_NOT_SUPPORTED' })
  })

  it('gives each slot an id, and the attestation certificate that of its slot', async () => {
    const { client, session } = await bench().open(
      withKeys(factoryCards['5.7.1'], [
        given(0x9a, 'rsa-2048', { commonName: 'nine a' }),
        given(0x9c, 'ec-p256'),
        given(0x95, 'ec-p256', { origin: 'imported' }),
      ]),
    )
    const names = async (type: number) => {
      const objects = await client.call('objects', session, [[P.CKA_CLASS, type]])
      return objects.map(({ id, label }) => `${id} ${label}`).sort()
    }
    expect(await names(P.CKO_PUBLIC_KEY)).toEqual([
      '01 Public key for PIV Authentication',
      '02 Public key for Digital Signature',
      '18 Public key for Retired Key 20',
      '19 Public key for PIV Attestation',
    ])
    // Two certificates with one id: which is the slot's own is told by the label only.
    expect(await names(P.CKO_CERTIFICATE)).toEqual([
      '01 X.509 Certificate for PIV Attestation 9a',
      '01 X.509 Certificate for PIV Authentication',
      '02 X.509 Certificate for PIV Attestation 9c',
      '19 X.509 Certificate for PIV Attestation',
    ])
    expect(await names(P.CKO_PRIVATE_KEY)).toEqual([])
    await client.call('login', session, 'user', '123456')
    expect(await names(P.CKO_PRIVATE_KEY)).toHaveLength(4)
  })

  it('tells the policies of a key, if at all, by attributes of the vendor', async () => {
    const { client, session } = await bench().open(
      withKeys(factoryCards['5.7.1'], [
        given(0x9a, 'ec-p256', { pin: 'always', touch: 'cached', origin: 'imported' }),
        given(0x9c, 'ec-p256', { pin: 'once' }),
      ]),
    )
    await client.call('login', session, 'user', '123456')
    const told = async (id: Hex) => {
      const key = await privateKeyOf(client, session, id)
      const attribute = (type: number) => client.call('attribute', session, key, type)
      return {
        touch: await attribute(CKA_YUBICO.touch),
        pin: await attribute(CKA_YUBICO.pin),
        always: await attribute(P.CKA_ALWAYS_AUTHENTICATE),
        generated: await attribute(P.CKA_LOCAL),
      }
    }
    // The old module takes 9C for a key that always asks and the others for keys that do not, whatever their policies are.
    expect([await told('01'), await told('02')]).toEqual(
      bench().old
        ? [
            { touch: null, pin: null, always: '00', generated: '00' },
            { touch: null, pin: null, always: '01', generated: '01' },
          ]
        : [
            { touch: '03', pin: '03', always: '01', generated: '00' },
            { touch: '01', pin: '02', always: '00', generated: '01' },
          ],
    )
  })
})

describeYkcs11('signatures', (bench) => {
  it('of every kind of key are taken by openssl', async () => {
    const { old, open } = bench()
    const cards = kinds.map(([, algorithm], index) => given(0x82 + index, algorithm))
    const { client, session } = await open(withKeys(factoryCards['5.7.1'], cards))
    await client.call('login', session, 'user', '123456')
    const outcomes: (readonly [string, boolean | string])[] = []
    for (const [index, [name, algorithm, mechanism, data, kind]] of kinds.entries()) {
      const signed = await sign(client, session, (5 + index).toString(16).padStart(2, '0'), mechanism, data)
      if ('failed' in signed) {
        outcomes.push([name, signed.failed])
        continue
      }
      const raw = Buffer.from(signed.value, 'hex')
      const signature = kind === 'ecdsa' ? ecdsaSigValue(raw) : raw
      const input = kind === 'ed25519' ? message : digest
      outcomes.push([name, await opensslVerifies(kind, spkiOf(sharedKey(algorithm)), input, signature)])
    }
    // The old module lists keys of 5.7 that it cannot use.
    const unusable = (algorithm: CardAlgorithm) =>
      algorithm === 'ed25519' ? 'CKR_MECHANISM_INVALID' : 'CKR_DEVICE_ERROR'
    expect(outcomes).toEqual(
      kinds.map(([name, algorithm]) => [name, old && only57.has(algorithm) ? unusable(algorithm) : true]),
    )
  })

  it('of a key that always asks want the PIN each time, and a failed answer leaves the operation open', async () => {
    const { client, session } = await bench().open(
      withKeys(factoryCards['5.7.1'], [given(0x9c, 'ec-p256', { pin: 'always' })]),
    )
    await client.call('login', session, 'user', '123456')
    expect(await sign(client, session, '02', ecdsa, digest)).toHaveProperty('value')
    expect(await sign(client, session, '02', ecdsa, digest)).toEqual({ failed: 'CKR_USER_NOT_LOGGED_IN' })

    const again = await client.call('open', '0000000000000000')
    const key = await privateKeyOf(client, again, '02')
    await client.call('signInit', again, key, ecdsa)
    await client.call('login', again, 'context', '123456')
    expect(await client.try('sign', again, hexOf(digest))).toHaveProperty('value')

    await client.call('signInit', again, key, ecdsa)
    expect(await client.try('login', again, 'context', '000000')).toEqual({ failed: 'CKR_PIN_INCORRECT' })
    expect(await client.try('signInit', again, key, ecdsa)).toEqual({ failed: 'CKR_OPERATION_ACTIVE' })
    expect(bench().key.card.chip.pin.left).toBe(2)
  })

  it('go on when another program used the key meanwhile: the module gives its PIN again', async () => {
    const { key, room, open } = bench()
    const { client, session } = await open(withKeys(factoryCards['5.4.3'], [given(0x9a, 'ec-p256')]))
    await client.call('login', session, 'user', '123456')
    const other = await room.run('/usr/bin/yubico-piv-tool', ['-a', 'status'])
    expect(other.code).toBe(0)
    expect(key.card.session.pinVerified).toBe(false)
    expect(await sign(client, session, '01', ecdsa, digest)).toHaveProperty('value')
  })
})

describeYkcs11('the PIN', (bench) => {
  const pinFlags = (flags: number) => ({
    low: (flags & P.CKF_USER_PIN_COUNT_LOW) !== 0,
    finalTry: (flags & P.CKF_USER_PIN_FINAL_TRY) !== 0,
    locked: (flags & P.CKF_USER_PIN_LOCKED) !== 0,
  })

  it.each([
    ['counted', 'CKR_PIN_INCORRECT'],
    ['blocked', 'CKR_PIN_LOCKED'],
  ] as const)(
    'is counted down in flags, blocks (a key that says "%s"), and is unblocked with the PUK',
    async (lastTry, last) => {
      const { room, open } = bench()
      const { client, slot, session } = await open(withChip(factoryCards['5.4.3'], { lastTry }))
      const seen: unknown[] = []
      for (let index = 0; index < 3; index++) {
        const outcome = await client.try('login', session, 'user', '000000')
        seen.push([outcome, pinFlags((await client.call('tokenInfo', slot)).flags)])
      }
      expect(seen).toEqual([
        [{ failed: 'CKR_PIN_INCORRECT' }, { low: true, finalTry: false, locked: false }],
        [{ failed: 'CKR_PIN_INCORRECT' }, { low: false, finalTry: true, locked: false }],
        [{ failed: last }, { low: false, finalTry: false, locked: true }],
      ])
      // The right PIN comes too late.
      expect(await client.try('login', session, 'user', '123456')).toEqual({ failed: 'CKR_PIN_LOCKED' })

      const unblocked = await room.run('/usr/bin/yubico-piv-tool', [
        '-a',
        'unblock-pin',
        '-P',
        '12345678',
        '-N',
        '654321',
      ])
      expect(unblocked.code).toBe(0)
      expect(await client.try('login', session, 'user', '654321')).toEqual({ value: null })
      expect(pinFlags((await client.call('tokenInfo', slot)).flags)).toEqual({
        low: false,
        finalTry: false,
        locked: false,
      })
    },
  )

  it('can be changed', async () => {
    const { client, session } = await bench().open(factoryCards['5.7.1'])
    expect(await client.try('setPin', session, '123456', '654321')).toEqual({ value: null })
    expect(await client.try('login', session, 'user', '123456')).toEqual({ failed: 'CKR_PIN_INCORRECT' })
    expect(await client.try('login', session, 'user', '654321')).toEqual({ value: null })
  })
})

describeYkcs11('the security officer', (bench) => {
  const pair = (id: Hex, more: Template): [Template, Template] => [
    [[P.CKA_CLASS, P.CKO_PUBLIC_KEY], [P.CKA_TOKEN, true], [P.CKA_ID, { hex: id }], ...more],
    [
      [P.CKA_CLASS, P.CKO_PRIVATE_KEY],
      [P.CKA_TOKEN, true],
      [P.CKA_ID, { hex: id }],
    ],
  ]
  const rsa2048: Template = [
    [P.CKA_MODULUS_BITS, 2048],
    [P.CKA_PUBLIC_EXPONENT, { hex: '010001' }],
  ]
  const p256: Template = [[P.CKA_EC_PARAMS, { hex: '06082a8648ce3d030107' }]]

  it('is the management key; the old module knows it on firmware 5.4 only', async () => {
    const { client, session } = await bench().open(factoryCards['5.7.1'])
    const outcome = await client.try('login', session, 'so', managementPin)
    expect(outcome).toEqual(bench().old ? { failed: 'CKR_PIN_INCORRECT' } : { value: null })
    const before = await bench().open(factoryCards['5.4.3'])
    expect(await before.client.try('login', before.session, 'so', managementPin)).toEqual({ value: null })
    expect(await before.client.try('login', before.session, 'so', managementPin.replace('01', '02'))).toEqual({
      failed: 'CKR_USER_ALREADY_LOGGED_IN',
    })
  })

  it.each([
    ['RSA-2048', P.CKM_RSA_PKCS_KEY_PAIR_GEN, rsa2048],
    ['P-256', P.CKM_EC_KEY_PAIR_GEN, p256],
  ])('generates %s, which the key attests, and leaves a placeholder for a certificate', async (_name, type, more) => {
    const { key, open } = bench()
    const own = certificateFor(spkiOf(sharedKey('ec-p384')), 'was here before')
    const { client, session } = await open(
      withChip(factoryCards['5.4.3'], {
        objects: new Map([...factoryCards['5.4.3'].chip.objects, ['5fc105', tlv(0x70, own)]]),
      }),
    )
    await client.call('login', session, 'so', managementPin)
    await client.call('generate', session, type, ...pair('01', more))
    expect(key.card.chip.keys.get(0x9a)).toMatchObject({ origin: 'generated', pinPolicy: 'once', touchPolicy: 'never' })
    // What stood there is gone.
    expect(hexOf(key.card.chip.objects.get('5fc105') ?? own)).not.toContain(hexOf(own))

    const certificates = await client.call('objects', session, [[P.CKA_CLASS, P.CKO_CERTIFICATE]])
    const value = async (label: string) => {
      const object = certificates.find((certificate) => certificate.label === label)
      if (object === undefined) throw new Error(`no certificate ${label}`)
      return Buffer.from((await client.call('attribute', session, object.handle, P.CKA_VALUE)) ?? '', 'hex')
    }
    const slot = await value('X.509 Certificate for PIV Attestation 9a')
    const device = await value('X.509 Certificate for PIV Attestation')
    expect(await opensslVerifiesChain(slot, device, testAuthority().certificate)).toMatchObject({ ok: true })
  })

  it('imports a key; the old module breaks when it signs in the same session', async () => {
    const { key, old, open } = bench()
    const { client, session } = await open(factoryCards['5.4.3'])
    await client.call('login', session, 'so', managementPin)
    const jwk = sharedKey('ec-p256').privateKey.export({ format: 'jwk' })
    const scalar = Buffer.from(jwk.d ?? '', 'base64url').toString('hex')
    const attributes: Template = [
      [P.CKA_CLASS, P.CKO_PRIVATE_KEY],
      [P.CKA_KEY_TYPE, P.CKK_EC],
      [P.CKA_ID, { hex: '03' }],
      [P.CKA_VALUE, { hex: scalar }],
      ...p256,
    ]
    await client.call('create', session, attributes)
    expect(key.card.chip.keys.get(0x9d)).toMatchObject({ origin: 'imported' })
    await client.call('logout', session)
    await client.call('login', session, 'user', '123456')
    const signed = await sign(client, session, '03', ecdsa, digest)
    if (old) expect(signed).toEqual({ failed: 'SIGSEGV' })
    else expect(signed).toHaveProperty('value')
  })

  it('writes a certificate, which a new session sees, and deletes it', async () => {
    const { key, open } = bench()
    const { client, session } = await open(
      withKeys(factoryCards['5.4.3'], [given(0x9d, 'ec-p256', { origin: 'imported' })]),
    )
    await client.call('login', session, 'so', managementPin)
    const der = certificateFor(spkiOf(sharedKey('ec-p256')), 'mine')
    await client.call('create', session, [
      [P.CKA_CLASS, P.CKO_CERTIFICATE],
      [P.CKA_CERTIFICATE_TYPE, P.CKC_X_509],
      [P.CKA_ID, { hex: '03' }],
      [P.CKA_VALUE, { hex: hexOf(der) }],
    ])
    expect(hexOf(key.card.chip.objects.get('5fc10b') ?? new Uint8Array(0))).toBe(hexOf(tlv(0x70, der)) + '710100fe00')
    const made = await objectOf(client, session, P.CKO_CERTIFICATE, '03')
    expect(await client.call('attribute', session, made ?? '', P.CKA_VALUE)).toBe(hexOf(der))
    await client.call('destroy', session, made ?? '')
    expect(key.card.chip.objects.has('5fc10b')).toBe(false)
  })
})
