import { describe, expect, test } from 'vitest'
import { checkCertificateValid } from './certificate-valid.ts'
import { sampleCertificate, sampleKey, samplePolicyInput } from './testing/sample-input.ts'

const at = (now: string, change = {}) =>
  checkCertificateValid(
    samplePolicyInput({ now: new Date(now), key: sampleKey({ certificate: sampleCertificate(change) }) }),
  )

describe('the validity of the signer’s certificate', () => {
  test('passes from its first to its last millisecond', () => {
    for (const now of ['2026-01-01T00:00:00.000Z', '2026-06-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'])
      expect(at(now)).toMatchObject({ outcome: 'passed', sentence: 'The certificate is valid until 2027-01-01.' })
  })
  test('is refused a millisecond before and a millisecond after', () => {
    expect(at('2025-12-31T23:59:59.999Z')).toMatchObject({
      outcome: 'refused',
      sentence: 'The certificate is not valid before 2026-01-01.',
    })
    expect(at('2027-01-01T00:00:00.001Z')).toMatchObject({
      outcome: 'refused',
      sentence: 'The certificate expired on 2027-01-01.',
    })
  })
  test('wants attention when its key usage does not name digital signatures', () => {
    const check = at('2026-06-01T00:00:00.000Z', { keyUsage: ['keyCertSign', 'cRLSign'] })
    expect(check.outcome).toBe('attention')
    expect(check.evidence[1]).toMatchObject({ found: 'keyCertSign, cRLSign', outcome: 'attention' })
  })
  test('passes without any key usage: such a certificate is not restricted', () => {
    expect(at('2026-06-01T00:00:00.000Z', { keyUsage: [] }).outcome).toBe('passed')
  })
  test('an expired one stays refused whatever its key usage says', () => {
    expect(at('2030-01-01T00:00:00.000Z', { keyUsage: ['keyCertSign'] }).outcome).toBe('refused')
  })
  test('does not apply where there is no key', () => {
    expect(checkCertificateValid(samplePolicyInput({ key: null })).outcome).toBe('not-applicable')
  })
})
