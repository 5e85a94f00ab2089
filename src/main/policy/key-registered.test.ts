import { describe, expect, test } from 'vitest'
import { checkKeyActive, checkKeyRegistered, checkPurposeMatches, checkTokenPresent } from './key-registered.ts'
import { sampleCertificate, sampleFingerprint, sampleKey, samplePolicyInput } from './testing/sample-input.ts'

const noKey = samplePolicyInput({ key: null })

describe('the key', () => {
  test('passes when it is registered, and is named', () => {
    expect(checkKeyRegistered(samplePolicyInput())).toMatchObject({
      outcome: 'passed',
      sentence: 'The key is registered here as “Secure Boot 2026”.',
    })
  })
  test('is refused when nobody registered it', () => {
    expect(checkKeyRegistered(noKey)).toMatchObject({
      outcome: 'refused',
      evidence: [{ found: `${sampleFingerprint} is not registered` }],
    })
  })
  test('is refused when it is registered for another purpose, and says for which', () => {
    expect(checkKeyRegistered({ ...noKey, registeredFor: ['openpgp'] })).toMatchObject({
      outcome: 'refused',
      evidence: [{ found: `${sampleFingerprint} is registered for openpgp` }],
    })
  })
})

describe('the purpose', () => {
  const usage = (extendedKeyUsage: string[]) =>
    checkPurposeMatches(samplePolicyInput({ key: sampleKey({ certificate: sampleCertificate({ extendedKeyUsage }) }) }))
      .outcome

  test('matches a certificate for code signing, by name or by number, and one without restriction', () => {
    expect(usage(['codeSigning'])).toBe('passed')
    expect(usage(['1.3.6.1.5.5.7.3.3'])).toBe('passed')
    expect(usage(['serverAuth', 'codeSigning'])).toBe('passed')
    expect(usage([])).toBe('passed')
  })
  test('is refused for a certificate that is for something else', () => {
    expect(usage(['serverAuth'])).toBe('refused')
    expect(usage(['timeStamping', 'emailProtection'])).toBe('refused')
  })
  test('is refused when the key is registered for another than the one asked', () => {
    expect(checkPurposeMatches(samplePolicyInput({ purpose: 'openpgp' })).outcome).toBe('refused')
  })
  test('does not apply without a key', () => {
    expect(checkPurposeMatches(noKey).outcome).toBe('not-applicable')
  })
})

describe('the state of the key', () => {
  test('only an active key passes', () => {
    expect(checkKeyActive(samplePolicyInput()).outcome).toBe('passed')
    for (const state of ['suspended', 'retired', 'destroyed'] as const)
      expect(checkKeyActive(samplePolicyInput({ key: sampleKey({ state }) }))).toMatchObject({
        outcome: 'refused',
        evidence: [{ found: state }],
      })
  })
  test('does not apply without a key', () => {
    expect(checkKeyActive(noKey).outcome).toBe('not-applicable')
  })
})

describe('the token', () => {
  const unusable = (kind: 'unavailable' | 'refused' | 'invalid' | 'defect') =>
    checkTokenPresent(
      samplePolicyInput({
        token: { kind: 'unusable', failure: { kind, code: 'some-code', message: 'What happened.' } },
      }),
    )

  test('passes when the registered public key was read back from it', () => {
    expect(checkTokenPresent(samplePolicyInput())).toMatchObject({
      outcome: 'passed',
      evidence: [{ subject: 'Yubico (www.yubico.com) YubiKey YK5 12345678', source: 'token' }],
    })
    expect(checkTokenPresent(samplePolicyInput({ key: sampleKey({ home: { kind: 'software' } }) }))).toMatchObject({
      outcome: 'passed',
      sentence: 'The software key can be opened.',
      evidence: [{ subject: 'software key store' }],
    })
  })
  test('that is absent is unknown: it can be plugged in and checked again', () => {
    expect(unusable('unavailable')).toMatchObject({
      outcome: 'unknown',
      sentence: 'What happened.',
      evidence: [{ found: 'some-code' }],
    })
  })
  test('that has another key, or cannot be right, is refused: waiting does not mend it', () => {
    for (const kind of ['refused', 'invalid', 'defect'] as const) expect(unusable(kind).outcome).toBe('refused')
  })
  test('does not apply without a key', () => {
    expect(checkTokenPresent(noKey).outcome).toBe('not-applicable')
  })
})
