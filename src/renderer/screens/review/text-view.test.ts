import { expect, it } from 'vitest'
import type { TextFacts } from '../../../shared/input-facts.ts'
import { textFactsOf, textFlagsOf } from './text-view.ts'

const plain: TextFacts = {
  kind: 'text',
  faults: [],
  signedTextSha256: null,
  lines: 2,
  lineEnds: 'lf',
  trailingBlanks: 0,
  text: ['a\nb\n'],
  cut: false,
  oddities: [],
  frames: [],
  linesOutside: null,
}

it('says of a plain text how many lines it has, and flags nothing', () => {
  expect(textFactsOf(plain).map(({ id }) => id)).toEqual(['lines'])
  expect(textFlagsOf(plain)).toEqual([])
})

it('names everything that is not seen', () => {
  const odd: TextFacts = {
    ...plain,
    faults: [{ code: 'nul', message: 'Line 1 holds a zero byte.' }],
    cut: true,
    trailingBlanks: 3,
    oddities: [{ kind: 'bidirectional', codePoint: 'U+202E', count: 2, firstLine: 7 }],
    frames: [{ line: 1, text: '-----BEGIN PGP SIGNED MESSAGE-----' }],
    linesOutside: 4,
  }
  expect(textFactsOf(odd).map(({ id, label }) => [id, label])).toEqual([
    ['lines', 'Lines'],
    ['blanks', 'Blanks at line ends, not signed'],
    ['odd-U+202E', 'Turns the direction of writing U+202E'],
    ['frame-1', 'Like a frame of OpenPGP, line 1'],
    ['outside', 'Outside the signed part of the message inside'],
  ])
  expect(textFlagsOf(odd).map(({ tone, text }) => `${tone} ${text}`)).toEqual([
    'refused 1 fault',
    'attention Not all shown',
    'attention Characters that do not show',
    'attention OpenPGP inside',
  ])
})
