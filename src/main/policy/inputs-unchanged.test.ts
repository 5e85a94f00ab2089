import { describe, expect, test } from 'vitest'
import { checkInputsUnchanged } from './inputs-unchanged.ts'
import { inputWithFiles, sampleFile, samplePolicyInput, sampleSha256 } from './testing/sample-input.ts'

const two = inputWithFiles(sampleFile(), sampleFile({ ordinal: 1, path: 'second.efi' }))
const withSpool = (...states: ('same' | 'changed' | 'unreadable')[]) =>
  checkInputsUnchanged({ ...two, spool: new Map(states.map((state, ordinal) => [ordinal, state])) })

describe('the fetched files', () => {
  test('pass when each was read back and is the same, with the digest that was compared', () => {
    const check = withSpool('same', 'same')
    expect(check.outcome).toBe('passed')
    expect(check.evidence[0]?.found).toContain(sampleSha256('a1'))
  })
  test('are refused when one differs', () => {
    expect(withSpool('same', 'changed').outcome).toBe('refused')
  })
  test('are unknown when one cannot be read, or was not looked at', () => {
    expect(withSpool('same', 'unreadable').outcome).toBe('unknown')
    expect(withSpool('same').outcome).toBe('unknown')
  })
  test('a difference outweighs an unreadable file', () => {
    expect(withSpool('unreadable', 'changed').outcome).toBe('refused')
  })
  test('kernel modules, which are not signed, count too: they were fetched and shown', () => {
    const module = sampleFile({ disposition: 'skip', toBeSigned: null })
    const input = { ...inputWithFiles(module), spool: new Map([[0, 'changed' as const]]) }
    expect(checkInputsUnchanged(input).outcome).toBe('refused')
  })
  test('does not apply to a request without files', () => {
    expect(checkInputsUnchanged(samplePolicyInput({ artifacts: [] })).outcome).toBe('not-applicable')
  })
})
