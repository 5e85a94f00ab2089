import { describe, expect, it } from 'vitest'
import { auditSeq } from '../../../shared/ids.ts'
import { sampleIntent } from '../testing/sample-entries.ts'
import { createUseReader, type Said } from './key-use.ts'

describe('a use of a key that came to nothing', () => {
  it.each<[string, boolean, Said]>([
    ['cancelled', false, 'withdrawn'],
    // Beside other keys: a failed use that the device logs is none of this one, which it was never asked for.
    ['session-ended', false, 'withdrawn'],
    ['touch-timeout', false, 'refused'],
    ['signature-wrong', true, 'in-doubt'],
  ])('is told from what the log says: %s', (code, signatureMayExist, said) => {
    const use = sampleIntent()
    const reader = createUseReader(use.tokenSerial ?? '', [])
    reader.read(1, use)
    const { event: _, ...of } = use
    const message = 'why'
    reader.read(2, { ...of, event: 'sign-failed', intentSeq: auditSeq.parse(1), code, message, signatureMayExist })
    expect(reader.uses()).toMatchObject([{ seq: 1, endSeq: 2, said }])
  })
})
