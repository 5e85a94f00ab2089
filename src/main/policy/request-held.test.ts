import { describe, expect, test } from 'vitest'
import { checkRequestHeld } from './request-held.ts'
import { samplePolicyInput } from './testing/sample-input.ts'

const failure = { kind: 'unavailable', code: 'server-unreachable', message: 'The server does not answer.' } as const

describe('whether the server still waits', () => {
  test.each([
    ['passes when it says so', { kind: 'held' }, 'passed'],
    ['is refused when it aborted the request', { kind: 'gone' }, 'refused'],
    ['is unknown when it cannot be asked', { kind: 'not-answered', failure }, 'unknown'],
  ] as const)('%s', (_, held, outcome) => {
    expect(checkRequestHeld(samplePolicyInput({ held })).outcome).toBe(outcome)
  })
  test('quotes why it could not be asked', () => {
    expect(checkRequestHeld(samplePolicyInput({ held: { kind: 'not-answered', failure } })).evidence).toEqual([
      { subject: 'server', found: failure.message, outcome: 'unknown', source: 'server' },
    ])
  })
})
