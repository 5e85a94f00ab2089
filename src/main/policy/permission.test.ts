import { describe, expect, test } from 'vitest'
import { artifactId } from '../../shared/ids.ts'
import type { PermissionAnswer } from '../../shared/review-sheet.ts'
import { checkPermission } from './permission.ts'
import { sampleArtifact, samplePolicyInput } from './testing/sample-input.ts'

const answered = (allowed: boolean, resource: Record<string, string> = {}): PermissionAnswer => ({
  kind: 'answered',
  allowed,
  username: 'submitter',
  userId: 3,
  resource,
})
const ask = (...answers: PermissionAnswer[]) =>
  checkPermission(
    samplePolicyInput({
      artifacts: answers.map((permission, index) =>
        sampleArtifact({ artifactId: artifactId.parse(index + 1), permission }),
      ),
    }),
  )

describe('the server’s word', () => {
  test('yes for every artifact passes, and says who and what', () => {
    expect(ask(answered(true, { package: 'grub2', version: '2.12-1' }), answered(true))).toMatchObject({
      outcome: 'passed',
      evidence: [
        { subject: 'artifact 1', found: 'submitter (user 3) may sign package grub2, version 2.12-1 with this key' },
        { subject: 'artifact 2', found: 'submitter (user 3) may sign it with this key' },
      ],
    })
  })
  test('no for one artifact refuses all', () => {
    expect(ask(answered(true), answered(false)).outcome).toBe('refused')
  })
  test('an unknown key is a no', () => {
    expect(ask({ kind: 'no-such-key' }).outcome).toBe('refused')
  })
  test('silence is unknown and not yes; a no beside it stays a no', () => {
    expect(ask(answered(true), { kind: 'not-answered', reason: 'time-out' }).outcome).toBe('unknown')
    expect(ask(answered(false), { kind: 'not-answered', reason: 'time-out' }).outcome).toBe('refused')
  })
  test('of whose signature it waits for is a yes to that person alone, and none about a key', () => {
    const own = (mine: boolean) => ask({ kind: 'own-signature', username: 'submitter', userId: 3, mine })
    expect(own(true)).toMatchObject({
      outcome: 'passed',
      sentence: expect.stringContaining('asks nothing about the key'),
      evidence: [{ found: 'submitter (user 3) made the task, and it waits for their own signature' }],
    })
    expect(own(false)).toMatchObject({ outcome: 'refused', sentence: expect.stringContaining('of another person') })
  })
  test('does not apply where there is nothing to ask about', () => {
    expect(ask().outcome).toBe('not-applicable')
  })
})
