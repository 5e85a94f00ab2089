import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TrustedCerts } from '../../shared/review-sheet.ts'
import { sampleArtifact, samplePolicyInput } from './testing/sample-input.ts'
import { checkTrustedCerts, sameFingerprint } from './trusted-certs.ts'

const a = 'AB'.repeat(32)
const b = 'CD'.repeat(32)
const declares = (...fingerprints: string[]): TrustedCerts => ({
  kind: 'declared',
  // What the sheet says of each is not what the check rests on: it asks the list itself.
  certificates: fingerprints.map((fingerprint) => ({ fingerprint, trusted: true })),
})
const check = (trustedList: readonly string[], ...each: TrustedCerts[]) =>
  checkTrustedCerts(
    samplePolicyInput({ trustedList, artifacts: each.map((trustedCerts) => sampleArtifact({ trustedCerts })) }),
  )

describe('what the submitter declares that the files trust', () => {
  test('nothing said wants attention: absent is not the same as none', () => {
    expect(check([a], { kind: 'not-declared' }).outcome).toBe('attention')
  })
  test('none declared passes, whatever the list', () => {
    for (const list of [[], [a]])
      expect(check(list, { kind: 'declared-empty' })).toMatchObject({
        outcome: 'passed',
        sentence: 'The submitter declares that the files trust no further certificate.',
      })
  })
  test('all declared ones on the list pass, and are counted', () => {
    expect(check([b, a], declares(a, b))).toMatchObject({
      outcome: 'passed',
      sentence: "All 2 declared certificates are on this station's list.",
    })
    expect(check([a], declares(a), { kind: 'declared-empty' }).sentence).toBe(
      "All 1 declared certificate is on this station's list.",
    )
  })
  test('one that is not on the list refuses the request, and is named', () => {
    expect(check([a], declares(a, b))).toMatchObject({
      outcome: 'refused',
      evidence: [{ outcome: 'passed' }, { found: `trusts ${b}, which is not on this station's list` }],
    })
  })
  test('with an empty list every declared certificate is refused', () => {
    expect(check([], declares(a)).outcome).toBe('refused')
  })
  test('an untrusted one outweighs an artifact that says nothing', () => {
    expect(check([], { kind: 'not-declared' }, declares(a)).outcome).toBe('refused')
  })
  test('does not apply without artifacts', () => {
    expect(check([a]).outcome).toBe('not-applicable')
  })
})

describe('two fingerprints are the same', () => {
  test('whatever their case, colons and spaces', () => {
    const colons = a.toLowerCase().replaceAll(/..(?=.)/g, '$&:')
    for (const written of [a.toLowerCase(), colons, colons.toUpperCase(), ` ${a}\n`, a.replaceAll(/.{4}/g, '$& ')]) {
      expect(sameFingerprint(a, written)).toBe(true)
      expect(check([written], declares(a)).outcome).toBe('passed')
      expect(check([a], declares(written)).outcome).toBe('passed')
    }
  })
  test('never when a digit differs, is missing or is too many', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 63 }), fc.constantFrom(...'0123456789CDEF'.split('')), (at, digit) => {
        const other = `${a.slice(0, at)}${digit}${a.slice(at + 1)}`
        expect(sameFingerprint(a, other)).toBe(other === a)
        expect(sameFingerprint(a, a.slice(0, at) + a.slice(at + 1))).toBe(false)
        expect(sameFingerprint(a, a.slice(0, at) + digit + a.slice(at))).toBe(false)
      }),
    )
  })
  test('never when nothing is left of one: a list entry of colons trusts nobody', () => {
    expect(sameFingerprint(':', '')).toBe(false)
    expect(check([' '], declares(':')).outcome).toBe('refused')
  })
})
