import { describe, expect, it } from 'vitest'
import {
  sampleCertificate,
  sampleKey,
  sampleNow,
  sampleObject,
  sampleToken,
  sampleTokenSummary,
} from '../../testing/sample-data.ts'
import {
  certificateProblem,
  commonNameProblem,
  firmwareWords,
  keyCard,
  objectIdOf,
  objectRow,
  tokenCard,
  validity,
} from './keys-view.ts'

describe('a registered key', () => {
  it('says why it cannot be used, and never that it can when it cannot', () => {
    expect(keyCard(sampleKey({ usableNow: false, unusableBecause: null }), sampleNow).usable).toEqual({
      text: 'Not usable now',
      tone: 'attention',
      why: 'The station does not know why.',
    })
  })

  it('says what is missing, and where the key was last seen', () => {
    const word = (change: Parameters<typeof sampleKey>[0]) => keyCard(sampleKey(change), sampleNow).usable.text
    expect(word({ usableNow: false, availability: 'token-absent' })).toBe('Token not here')
    expect(word({ usableNow: false, availability: 'service-key-absent' })).toBe('Service key missing')
    expect(word({ usableNow: false, availability: 'out-of-use', state: 'suspended' })).toBe('Not in use')
    expect(word({ usableNow: false, availability: 'usable' })).toBe('Not usable now')
    const seen = (key: ReturnType<typeof sampleKey>) =>
      keyCard(key, sampleNow).facts.find(({ id }) => id === 'seen')?.value
    expect(seen(sampleKey())).toMatchObject({
      text: expect.stringMatching(/UTC, token “YubiKey PIV”, through .*libykcs11/),
    })
    expect(seen(sampleKey({ lastSeen: null }))).toMatchObject({ text: 'not yet' })
    expect(seen(sampleKey({ home: { kind: 'software' }, lastSeen: null }))).toBeUndefined()
  })

  it('shows test and production, and the certificate’s days', () => {
    const card = keyCard(
      sampleKey({ production: false, certificate: sampleCertificate({ notAfter: '2026-12-20T10:48:00.000Z' }) }),
      sampleNow,
    )
    expect([card.production, card.validity]).toEqual([false, { text: '30 days left', tone: 'attention' }])
  })
})

it('tells an expired certificate from one that is not valid yet', () => {
  expect(validity('2020-01-01T00:00:00.000Z', '2026-11-18T00:00:00.000Z', sampleNow)).toEqual({
    text: 'Expired 3 days ago',
    tone: 'refused',
  })
  expect(validity('2026-12-01T00:00:00.000Z', '2028-01-01T00:00:00.000Z', sampleNow)).toEqual({
    text: 'Not valid before 2026-12-01',
    tone: 'refused',
  })
})

it('takes a common name of 64 characters, however many units they have, and no more', () => {
  expect([commonNameProblem('😀'.repeat(64)), commonNameProblem(` ${'x'.repeat(64)} `)]).toEqual([null, null])
  expect(commonNameProblem('x'.repeat(65))).toContain('at most 64 characters, not 65')
})

describe('an object on a token', () => {
  it('is registered only if token and object are the same', () => {
    expect(objectRow(sampleToken, sampleObject(), [sampleKey()], sampleNow)).toMatchObject({
      registeredAs: { description: 'Secure Boot signer 2026 (linux)', production: true },
      note: 'Registered as “Secure Boot signer 2026 (linux)”.',
      place: 'slot 9C',
    })
    expect(objectRow({ ...sampleToken, serial: '1' }, sampleObject(), [sampleKey()], sampleNow).registeredAs).toBeNull()
  })

  it('does not claim an origin that the token does not say', () => {
    expect(objectRow(sampleToken, sampleObject({ generatedOnToken: null }), [], sampleNow).about).toContain(
      'origin not said',
    )
  })

  it('tells the policies that somebody says, and the days of its certificate', () => {
    const row = (change: Parameters<typeof sampleObject>[0]) =>
      objectRow(sampleToken, sampleObject(change), [], sampleNow)
    expect(row({}).about).toContain('PIN for each signature, touch once in 15 seconds')
    const unknown = { pin: 'unknown', touch: 'unknown' } as const
    expect(row({ policies: unknown, alwaysAuthenticate: null }).about).toBe('RSA 2048, generated on the token')
    expect(row({ policies: null, alwaysAuthenticate: true }).about).toContain('PIN for each signature')
    expect(row({ certificateNotAfter: null }).validity).toBeNull()
    expect(row({ certificateNotAfter: '2026-11-18T00:00:00.000Z' }).validity?.tone).toBe('refused')
  })

  it('is not offered when it is the maker’s own key for attestations', () => {
    expect(objectRow(sampleToken, sampleObject({ ckaId: '19' }), [], sampleNow)).toMatchObject({
      place: 'slot F9',
      mayRegister: false,
      note: expect.stringContaining('attests the others'),
    })
  })
})

describe('a pasted certificate', () => {
  it('is refused when it is a private key', () => {
    expect(certificateProblem('-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----')).toContain('private key')
  })

  it('may be armored OpenPGP, whole', () => {
    const begin = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nx\n'
    expect(certificateProblem(`${begin}-----END PGP PUBLIC KEY BLOCK-----\n`)).toBeNull()
    expect(certificateProblem(begin)).toContain('no complete OpenPGP')
    expect(certificateProblem('-----BEGIN PGP PRIVATE KEY BLOCK-----\n')).toContain('private key')
  })

  it('is refused when there are several, none, or half of one', () => {
    const one = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n'
    expect([certificateProblem(one), certificateProblem('')]).toEqual([null, null])
    for (const wrong of [one + one, 'hello', '-----BEGIN CERTIFICATE-----\nx'])
      expect(certificateProblem(wrong)).not.toBeNull()
  })
})

describe('a token', () => {
  it('has its firmware as its maker writes it', () => {
    const words = (model: string, firmware: string) => firmwareWords({ id: { ...sampleToken, model }, firmware })
    expect(words('YubiKey YK5', '5.43')).toBe('5.4.3')
    expect(words('YubiHSM', '2.40')).toBe('2.4.0')
    expect(words('YubiKey YK5', '5.7')).toBe('5.7')
    expect(words('SoftHSM v2', '2.61')).toBe('2.61')
  })

  it('says what it signs with', () => {
    const told = (mechanisms: readonly string[]) =>
      tokenCard(sampleTokenSummary(), mechanisms).facts.find(({ id }) => id === 'mechanisms')?.value
    expect(told(['CKM_ECDSA', 'CKM_RSA_PKCS', 'CKM_SHA256'])).toEqual({
      kind: 'text',
      text: 'RSA PKCS#1, ECDSA (3 mechanisms)',
    })
    expect(told([])).toBeUndefined()
  })

  it('of a kind that counts no wrong PINs does not seem to have counted none', () => {
    const hsm = tokenCard(sampleTokenSummary({ id: { ...sampleToken, model: 'YubiHSM' } }))
    expect([hsm.pin, hsm.hidesKeys]).toEqual([{ text: 'PIN not counted', tone: 'neutral' }, true])
  })
})

describe('the id of a key that its token does not show', () => {
  it.each([
    ['0x0064', '0064'],
    [' 00AB ', '00ab'],
    ['64', null],
    ['', null],
    ['0000', null],
  ])('typed as %j is %j', (typed, ckaId) => {
    expect(objectIdOf({ ...sampleToken, model: 'YubiHSM' }, typed).ckaId).toBe(ckaId)
  })
})
