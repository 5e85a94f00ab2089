import { describe, expect, test } from 'vitest'
import { checkFileExplained, checkLayoutSafe } from './layout-safe.ts'
import { inputWithFiles, opaque, sampleFile, samplePe, sampleSha256, skippedModule } from './testing/sample-input.ts'

const fault = { code: 'gap', message: 'There is a gap between two sections.' }

describe('the layout of the files', () => {
  test('passes when there is one reading only, and shows the digest that will be signed', () => {
    const check = checkLayoutSafe(inputWithFiles(sampleFile()))
    expect(check.outcome).toBe('passed')
    expect(check.evidence[0]?.found).toContain(sampleSha256('b2'))
  })
  test('is refused with the fault’s own sentence', () => {
    const file = sampleFile({ facts: samplePe({ layoutFaults: [fault] }), toBeSigned: null })
    expect(checkLayoutSafe(inputWithFiles(sampleFile(), { ...file, ordinal: 1 }))).toMatchObject({
      outcome: 'refused',
      sentence: '1 file is not a PE image that can be signed safely.',
      evidence: [{ outcome: 'passed' }, { found: fault.message, outcome: 'refused' }],
    })
  })
  test('is refused for a fault even if a digest stands beside it', () => {
    const file = sampleFile({ facts: samplePe({ layoutFaults: [fault] }) })
    expect(checkLayoutSafe(inputWithFiles(file)).outcome).toBe('refused')
  })
  test('is refused for a file without a digest and for one that is no image', () => {
    expect(checkLayoutSafe(inputWithFiles(sampleFile({ toBeSigned: null }))).outcome).toBe('refused')
    expect(checkLayoutSafe(inputWithFiles(sampleFile({ facts: opaque, toBeSigned: null })))).toMatchObject({
      outcome: 'refused',
      evidence: [{ found: opaque.reason }],
    })
  })
  test('does not count kernel modules, which are skipped', () => {
    expect(checkLayoutSafe(inputWithFiles(sampleFile(), skippedModule(1))).outcome).toBe('passed')
    expect(checkLayoutSafe(inputWithFiles(skippedModule(0))).outcome).toBe('not-applicable')
  })
})

describe('whether the files explain themselves', () => {
  const silent = { sbat: null, kernelVersion: null, texts: [] }

  test('an image with SBAT rows, a kernel version or a description does', () => {
    const text = { section: '.osrel', text: 'ID=debian', cut: false }
    for (const facts of [{}, { ...silent, kernelVersion: '6.12.1' }, { ...silent, texts: [text] }])
      expect(checkFileExplained(inputWithFiles(sampleFile({ facts: samplePe(facts) }))).outcome).toBe('passed')
  })
  test('an image with none of them is blind signing, which a person has to say by name', () => {
    const check = checkFileExplained(inputWithFiles(sampleFile({ facts: samplePe(silent) })))
    expect(check.outcome).toBe('attention')
    expect(check.evidence[0]?.found).toContain('blind signing')
  })
  test('a file that will be skipped wants attention', () => {
    expect(checkFileExplained(inputWithFiles(sampleFile(), skippedModule(1))).outcome).toBe('attention')
  })
  test('a file that is no image is refused', () => {
    expect(checkFileExplained(inputWithFiles(sampleFile({ facts: opaque }))).outcome).toBe('refused')
  })
  test('nothing to sign is refused: an approval of nothing would end as an empty success', () => {
    expect(checkFileExplained(inputWithFiles(skippedModule(0), skippedModule(1))).outcome).toBe('refused')
    expect(checkFileExplained(inputWithFiles()).outcome).toBe('refused')
  })
})
