import { describe, expect, test } from 'vitest'
import type { SheetArtifact } from '../../shared/review-sheet.ts'
import { checkEmbeddedCertificates } from './embedded-certificates.ts'
import {
  embedded,
  inputWithFiles,
  opaque,
  sampleArtifact,
  sampleFile,
  samplePe,
  samplePolicyInput,
  skippedModule,
} from './testing/sample-input.ts'

const known = 'ab'.repeat(32)
const stranger = 'cd'.repeat(32)
const carrying = (trustedCerts: SheetArtifact['trustedCerts'], trustedList: readonly string[], ...bytes: string[]) =>
  checkEmbeddedCertificates(
    samplePolicyInput({
      trustedList,
      artifacts: [
        sampleArtifact({
          trustedCerts,
          files: [sampleFile({ facts: samplePe({ vendorCertificates: bytes.map((byte) => embedded(byte)) }) })],
        }),
      ],
    }),
  )

describe('certificates inside the files', () => {
  test('none found passes, and says so', () => {
    expect(checkEmbeddedCertificates(samplePolicyInput())).toMatchObject({
      outcome: 'passed',
      sentence: 'No certificate was found inside the files.',
    })
  })
  test('one on this station’s list passes, however the list writes it', () => {
    const colons = known.toUpperCase().replaceAll(/..(?=.)/g, '$&:')
    for (const listed of [known, known.toUpperCase(), colons])
      expect(carrying({ kind: 'declared-empty' }, [listed], 'ab')).toMatchObject({
        outcome: 'passed',
        sentence: 'Every certificate found inside the files is known to this station.',
      })
  })
  test('one that the submitter declared passes here: whether it is trusted is the business of trusted-certs', () => {
    const declared = { kind: 'declared', certificates: [{ fingerprint: known, trusted: false }] } as const
    expect(carrying({ ...declared, certificates: [...declared.certificates] }, [], 'ab').outcome).toBe('passed')
  })
  test('one that nobody named wants attention, also beside known ones, and is shown with its digest and place', () => {
    const check = carrying({ kind: 'declared-empty' }, [known], 'ab', 'cd')
    expect(check.outcome).toBe('attention')
    expect(check.evidence.map((piece) => piece.outcome)).toEqual(['passed', 'attention'])
    expect(check.evidence[1]?.found).toContain(`SHA-256 ${stranger}) in .vendor_cert`)
  })
  test('the same one found twice is shown once', () => {
    const facts = samplePe({ vendorCertificates: [embedded('cd')], embeddedCertificates: [embedded('cd', '.text')] })
    expect(checkEmbeddedCertificates(inputWithFiles(sampleFile({ facts }))).evidence).toHaveLength(1)
  })
  test('a file that cannot be read is unknown, never “no certificate”', () => {
    expect(checkEmbeddedCertificates(inputWithFiles(sampleFile({ facts: opaque }))).outcome).toBe('unknown')
  })
  test('files that are not signed do not count', () => {
    expect(checkEmbeddedCertificates(inputWithFiles(skippedModule(0))).outcome).toBe('not-applicable')
  })
})
