import { expect, it } from 'vitest'
import { byteSize, count, daysUntil, relative, shortSize, utc } from './format.ts'

const now = Date.parse('2026-11-20T12:00:00.000Z')

it('gives a size exactly and then in a size that can be read', () => {
  expect(byteSize(14_680_064)).toBe('14,680,064 bytes (14.0 MiB)')
  expect(byteSize(1)).toBe('1 byte')
  expect(shortSize(1536)).toBe('1.5 KiB')
  expect(shortSize(2 ** 60)).toBe('1048576.0 TiB')
})

it('writes times in UTC and says so', () => {
  expect(utc('2026-11-20T11:48:11.123+01:00')).toBe('2026-11-20 10:48:11 UTC')
})

it('does not turn a text that is no time into one', () => {
  expect(utc('yesterday')).toBe('yesterday')
  expect(relative('yesterday', now)).toBe('')
})

it('says how long ago something was', () => {
  expect(relative('2026-11-20T11:59:30.000Z', now)).toBe('just now')
  expect(relative('2026-11-20T11:30:00.000Z', now)).toBe('30 min ago')
  expect(relative('2026-11-19T12:00:00.000Z', now)).toBe('24 h ago')
  expect(relative('2027-02-12T13:00:00.000Z', now)).toBe('in 84 days')
})

it('counts the days that a certificate has left', () => {
  expect(daysUntil('2026-11-21T11:00:00.000Z', now)).toBe(0)
  expect(daysUntil('2026-11-19T11:00:00.000Z', now)).toBe(-2)
})

it('counts in words', () => {
  expect([count(1, 'file'), count(10_000, 'request')]).toEqual(['1 file', '10,000 requests'])
})
