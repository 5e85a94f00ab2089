import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { pgpWordList, pgpWords } from '../../shared/pgp-words.ts'

it('has the words of the published list, in their order and their letters', () => {
  const { even, odd } = pgpWordList
  expect([even.length, odd.length, new Set([...even, ...odd]).size]).toEqual([256, 256, 512])
  // Of the list in Debian's magic-wormhole 0.12.0 (wormhole/_wordlist.py), two syllables first, one word a line.
  expect(
    createHash('sha256')
      .update([...even, ...odd].join('\n'))
      .digest('hex'),
  ).toBe('e9b7b0052233a74aa56724ed3f79c272036aed68d8f4c0856e833c8043b9ac62')
})

it.each([
  [
    'e58294f2e9a227486e8b061b31cc528fd7fa3f19',
    'topmost Istanbul Pluto vagabond treadmill Pacific brackish dictator goldfish Medusa afflict bravado chatter revolver Dupont midsummer stopwatch whimsical cowbell bottomless',
  ],
  ['0000ffff', 'aardvark adroitness Zulu Yucatan'],
])('says %s as people who know the list do', (hex, words) => {
  expect(
    pgpWords(hex)
      .map(({ word }) => word)
      .join(' '),
  ).toBe(words)
})

it('refuses what is no digest', () => {
  for (const text of ['', 'abc', 'ABCD', 'zz']) expect(() => pgpWords(text)).toThrow(RangeError)
})
