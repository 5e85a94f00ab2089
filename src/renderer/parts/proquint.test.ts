import fc from 'fast-check'
import { expect, it } from 'vitest'
import { hexGroups, proquint } from './proquint.ts'

it('says the examples of the proposal (127.0.0.1, 63.84.220.193)', () => {
  expect(['7f00', '0001'].map(proquint)).toEqual(['lusab', 'babad'])
  expect(['3f54', 'dcc1'].map(proquint)).toEqual(['gutih', 'tugad'])
})

it('says every one of the 65,536 groups with a word of its own', () => {
  const words = new Set(Array.from({ length: 65_536 }, (_, value) => proquint(value.toString(16).padStart(4, '0'))))
  expect(words.size).toBe(65_536)
})

it('refuses what is not four hex digits', () => {
  expect(() => proquint('7f0')).toThrow(RangeError)
  expect(() => proquint('zzzz')).toThrow(RangeError)
})

it('splits a digest without losing a digit', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[0-9a-f]{0,64}$/), (hex) => {
      expect(hexGroups(hex).join('')).toBe(hex)
    }),
  )
})
