import { describe, expect, it } from 'vitest'
import { parseAnswer } from './protocol.ts'

const opaque = { kind: 'opaque', reason: 'r', firstBytesHex: '00' }
const text = (value: unknown): string => JSON.stringify(value)

describe('the answer of an inspector in an attacker’s hand', () => {
  it('is taken when it has the agreed form', () => {
    expect(parseAnswer(text({ kind: 'facts', facts: opaque }))).toEqual({ kind: 'facts', facts: opaque })
    expect(parseAnswer(text({ kind: 'unreadable', detail: 'EIO' }))).toEqual({ kind: 'unreadable', detail: 'EIO' })
  })

  it.each([
    ['is no JSON', '{"kind":'],
    ['is two JSON texts', `${text({ kind: 'unreadable', detail: '' })}{}`],
    ['is null', 'null'],
    ['has a member too many', text({ kind: 'facts', facts: opaque, more: 1 })],
    ['has facts with a member too many', text({ kind: 'facts', facts: { ...opaque, html: '<b>' } })],
    ['has facts of no known kind', text({ kind: 'facts', facts: { kind: 'exe' } })],
    ['has a number where a text belongs', text({ kind: 'facts', facts: { ...opaque, reason: 1 } })],
    ['has a text that is too long', text({ kind: 'facts', facts: { ...opaque, reason: 'x'.repeat(4201) } })],
    ['has half a character', '{"kind":"facts","facts":{"kind":"opaque","reason":"\\ud800","firstBytesHex":"00"}}'],
    ['nests without end', `${'['.repeat(5000)}${']'.repeat(5000)}`],
    [
      'names a prototype',
      '{"kind":"facts","facts":{"kind":"opaque","reason":"r","firstBytesHex":"00","__proto__":{"a":1}}}',
    ],
  ])('is not taken when it %s', (_name, answer) => {
    expect(parseAnswer(answer)).toBeNull()
  })
})
