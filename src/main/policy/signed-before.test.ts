import { describe, expect, test } from 'vitest'
import { checkSignedBefore } from './signed-before.ts'
import {
  inputWithFiles,
  sampleFile,
  sampleRequestId,
  sampleWorkRequestId,
  skippedModule,
} from './testing/sample-input.ts'

const at = '2026-03-04T05:06:07.000Z'

describe('bytes that this key signed here before', () => {
  test('none passes', () => {
    expect(checkSignedBefore(inputWithFiles(sampleFile())).outcome).toBe('passed')
  })
  test('some want attention, and say when and for which work request', () => {
    const signedBefore = [{ at, requestId: sampleRequestId, workRequest: sampleWorkRequestId }]
    const fresh = sampleFile({ ordinal: 1, path: 'fresh.efi' })
    expect(checkSignedBefore(inputWithFiles(sampleFile({ signedBefore }), fresh))).toMatchObject({
      outcome: 'attention',
      evidence: [{ found: 'signed here on 2026-03-04 for work request 42' }, { outcome: 'passed' }],
    })
  })
  test('does not apply where nothing is signed', () => {
    expect(checkSignedBefore(inputWithFiles(skippedModule(0))).outcome).toBe('not-applicable')
  })
})
