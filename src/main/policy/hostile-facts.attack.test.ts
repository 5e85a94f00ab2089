import { describe, expect, it } from 'vitest'
import { checkEmbeddedCertificates } from './embedded-certificates.ts'
import { checkFileExplained } from './layout-safe.ts'
import { checkSbatLevel } from './sbat-level.ts'
import { embedded, inputWithFiles, sampleFile, samplePe } from './testing/sample-input.ts'

// The submitter controls every byte of the file, hence every fact about it that is not computed over all of its bytes.

const withPe = (change: Parameters<typeof samplePe>[0]) => inputWithFiles(sampleFile({ facts: samplePe(change) }))

describe('a file that is made to exceed the bounds of the inspector', () => {
  const flooded = ['More than 64 certificates are embedded; the others are not listed.']

  it('does not pass for one without certificates', () => {
    const check = checkEmbeddedCertificates(withPe({ incomplete: flooded }))
    expect(check.outcome).toBe('attention')
    expect(check.evidence.map((piece) => piece.found).join()).toContain('More than 64 certificates')
    expect(check.evidence.map((piece) => piece.found)).not.toContain('no certificate inside')
  })

  it('does not pass because the certificates that are listed are known', () => {
    const known = embedded('d4')
    const input = { ...withPe({ embeddedCertificates: [known], incomplete: flooded }), trustedList: ['d4'.repeat(32)] }
    const check = checkEmbeddedCertificates(input)
    expect(check.evidence.map((piece) => piece.outcome)).toEqual(['passed', 'attention'])
    expect(check.outcome).toBe('attention')
    expect(check.sentence).toContain('Not everything')
  })
})

describe('a file that claims to be what it is not', () => {
  it('is not excused from SBAT by the marks of a Linux kernel', () => {
    expect(checkSbatLevel(withPe({ sbat: null, role: 'linux-kernel' })).outcome).toBe('attention')
  })

  it.each([
    ['an empty text section', { sbat: null, texts: [{ section: '.osrel', text: ' \n', cut: false }] }],
    ['an .sbat section without rows', { sbat: [], sbatProblem: 'The .sbat section has no rows.' }],
  ])('is not explained by %s', (_name, change) => {
    expect(checkFileExplained(withPe(change)).outcome).toBe('attention')
  })
})
