import { describe, expect, it } from 'vitest'
import { sampleCertificate, sampleKey, sampleNow, sampleObject, sampleToken } from '../../testing/sample-data.ts'
import { certificateProblem, commonNameProblem, keyCard, objectRow, validity } from './keys-view.ts'

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
    expect(objectRow(sampleToken, sampleObject(), [sampleKey()]).registeredAs).toBe('Secure Boot signer 2026 (linux)')
    expect(objectRow({ ...sampleToken, serial: '1' }, sampleObject(), [sampleKey()]).registeredAs).toBeNull()
  })

  it('does not claim an origin that the token does not say', () => {
    expect(objectRow(sampleToken, sampleObject({ generatedOnToken: null }), []).about).toContain('origin not said')
  })
})

describe('a pasted certificate', () => {
  it('is refused when it is a private key', () => {
    expect(certificateProblem('-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----')).toContain('private key')
  })

  it('is refused when there are several, none, or half of one', () => {
    const one = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n'
    expect([certificateProblem(one), certificateProblem('')]).toEqual([null, null])
    for (const wrong of [one + one, 'hello', '-----BEGIN CERTIFICATE-----\nx'])
      expect(certificateProblem(wrong)).not.toBeNull()
  })
})
