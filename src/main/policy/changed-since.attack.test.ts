import { describe, expect, it } from 'vitest'
import type { ReviewSheet } from '../../shared/review-sheet.ts'
import { changedSince } from './changed-since.ts'
import { evaluate } from './evaluate.ts'
import {
  embedded,
  sampleArtifact,
  sampleFile,
  sampleFingerprint,
  sampleKey,
  samplePe,
  samplePolicyInput,
  sampleRequestId,
  sampleWorkRequestId,
} from './testing/sample-input.ts'

const listed = 'd4'.repeat(32)
const input = samplePolicyInput({
  trustedList: [listed, 'e5'.repeat(32)],
  artifacts: [
    sampleArtifact({
      trustedCerts: { kind: 'declared', certificates: [{ fingerprint: listed, trusted: true }] },
      files: [sampleFile({ facts: samplePe({ embeddedCertificates: [embedded('e5')] }) })],
    }),
  ],
})
const sheet: ReviewSheet = {
  version: 1,
  requestId: sampleRequestId,
  madeAt: '2026-06-01T12:00:00.000Z',
  workRequest: {
    server: 'https://debusine.example.org',
    id: sampleWorkRequestId,
    scope: null,
    workspace: 'signing',
    task: 'sign',
    createdAt: '2026-06-01T11:00:00Z',
    createdBy: 3,
    retryCount: 0,
  },
  purpose: 'uefi',
  key: { fingerprint: sampleFingerprint, registered: sampleKey() },
  artifacts: [...input.artifacts],
  checks: [...evaluate(input)],
}

describe('a sheet that lay on the screen', () => {
  it('is as it was when nothing changed, whatever the time', () => {
    expect(changedSince(sheet, { now: new Date('2026-12-31T23:59:59.000Z'), trustedList: input.trustedList })).toEqual(
      [],
    )
  })
  it('is another one when the certificate of the key has run out, or the clock went back before it', () => {
    for (const at of ['2027-01-01T00:00:01.000Z', '2025-12-31T23:59:59.000Z'])
      expect(changedSince(sheet, { now: new Date(at), trustedList: input.trustedList })).toEqual(['certificate-valid'])
  })
  it('is another one when a certificate that it rests on was taken off the list', () => {
    const { now } = input
    expect(changedSince(sheet, { now, trustedList: ['e5'.repeat(32)] })).toEqual(['trusted-certs'])
    expect(changedSince(sheet, { now, trustedList: [listed] })).toEqual(['embedded-certificates'])
  })
  it('without one of these checks is never as it was', () => {
    const without = { ...sheet, checks: sheet.checks.filter((check) => check.id !== 'certificate-valid') }
    expect(changedSince(without, input)).toEqual(['certificate-valid'])
  })
})
