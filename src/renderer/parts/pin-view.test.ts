import { describe, expect, it } from 'vitest'
import { sampleToken, sampleTokenSummary } from '../testing/sample-data.ts'
import { pinProblem, pinReady, pinView, sameToken, tokenKey } from './pin-view.ts'

const ok = pinView(sampleToken, sampleTokenSummary())
const last = pinView(sampleToken, sampleTokenSummary({ pinState: 'final-try' }))

describe('the PIN dialog', () => {
  it('wants no PIN for a software key', () => {
    expect(pinReady(pinView(null, null), '', false)).toBe(true)
  })

  it.each(['locked', 'not-set'] as const)('cannot go on with a token whose PIN is %s', (pinState) => {
    expect(pinReady(pinView(sampleToken, sampleTokenSummary({ pinState })), '123456', true)).toBe(false)
  })

  it('cannot go on without the token', () => {
    expect(pinReady(pinView(sampleToken, null), '123456', true)).toBe(false)
  })

  it('cannot go on without a PIN, or with one of a length that the token does not take', () => {
    expect([
      pinReady(ok, '', false),
      pinReady(ok, '12345', false),
      pinReady(ok, '123456', false),
      pinReady(ok, '123456789', false),
    ]).toEqual([false, false, true, false])
  })

  it('counts a PIN in bytes, as the token does', () => {
    expect(pinProblem(ok, 'üüüü')).toBeNull()
    expect(pinProblem(ok, 'üüüüü')).toBe('The token takes at most 8 characters.')
  })

  it('uses the last try only when that was agreed to', () => {
    expect([pinReady(last, '123456', false), pinReady(last, '123456', true)]).toEqual([false, true])
  })
})

it('knows a token by manufacturer, model and serial together', () => {
  expect(sameToken(sampleToken, { ...sampleToken })).toBe(true)
  expect(sameToken(sampleToken, { ...sampleToken, model: 'other' })).toBe(false)
})

it('keeps what is typed for tokens apart that differ in any part, however their names run together', () => {
  const keys = [
    { manufacturer: 'a', model: 'b', serial: 'c' },
    { manufacturer: 'a', model: 'bc', serial: 'c' },
    { manufacturer: 'a","b', model: '', serial: 'c' },
    { manufacturer: 'a', model: '","b', serial: 'c' },
  ].map(tokenKey)
  expect(new Set(keys).size).toBe(4)
})
