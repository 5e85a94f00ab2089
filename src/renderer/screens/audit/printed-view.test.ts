import { expect, it } from 'vitest'
import { partOf, partWords, printedHead } from './printed-view.ts'

it('says which log, which part of it, who had the report made and when', () => {
  const about = {
    source: 'opened',
    origin: null,
    file: '/media/x.jsonl',
    by: null,
    madeAt: '2026-11-20T10:48:00.000Z',
    words: '“Signed”, from 2026-11-20 00:00:00 UTC',
    total: 1_204,
    part: partOf(1_204, 1),
  } as const
  expect(printedHead(about)).toEqual([
    { label: 'Log', value: 'It names no station' },
    { label: 'Read from', value: '/media/x.jsonl' },
    { label: 'Entries', value: 'Those “Signed”, from 2026-11-20 00:00:00 UTC' },
    { label: 'Number', value: '1,204' },
    { label: 'Made at', value: '2026-11-20 10:48:00 UTC' },
  ])
})

it('divides what is too long for one report into parts without a gap', () => {
  const parts = [1, 2, 3].map((number) => partOf(12_345, number))
  expect(parts).toEqual([
    { number: 1, of: 3, first: 0, last: 4_999 },
    { number: 2, of: 3, first: 5_000, last: 9_999 },
    { number: 3, of: 3, first: 10_000, last: 12_344 },
  ])
  expect([partOf(12_345, 9).number, partOf(12_345, 0).number]).toEqual([3, 1])
  expect(partOf(5_000, 1)).toEqual({ number: 1, of: 1, first: 0, last: 4_999 })
  expect(partOf(0, 1)).toEqual({ number: 1, of: 1, first: 0, last: -1 })
  expect(partWords(partOf(12_345, 3))).toBe('3 of 3: the 10,001. to the 12,345. of them, oldest first')
})
