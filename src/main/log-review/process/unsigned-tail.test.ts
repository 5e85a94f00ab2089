import { expect, it } from 'vitest'
import { compareTail, createUnsignedTail } from './unsigned-tail.ts'

const entry = (text: string) => Buffer.from(text)

it('forgets what a checkpoint covers, and begins with the entry after it', () => {
  const tail = createUnsignedTail()
  for (const seq of [1, 2, 3]) tail.entry(seq, entry(`${seq}`))
  tail.signed()
  expect(tail.first()).toBeNull()
  for (let seq = 4; seq <= 200; seq += 1) tail.entry(seq, entry(`${seq}`))
  expect([tail.first(), tail.hashOf(3), tail.hashOf(201)]).toEqual([4, null, null])
  const compared = compareTail(tail)
  for (let seq = 1; seq <= 300; seq += 1) compared.entry(seq, entry(seq === 150 ? 'other' : `${seq}`))
  expect([compared.sameUpTo(), compared.firstDifference()]).toEqual([149, 150])
})

it('says nothing of entries that it has not kept, or that the other log leaves out', () => {
  const tail = createUnsignedTail(2)
  for (const seq of [1, 2, 3]) tail.entry(seq, entry(`${seq}`))
  const all = compareTail(tail)
  for (const seq of [1, 2, 3]) all.entry(seq, entry(seq === 3 ? 'other' : `${seq}`))
  expect([all.sameUpTo(), all.firstDifference()]).toEqual([2, null])
  const gap = compareTail(tail)
  gap.entry(2, entry('2'))
  expect([gap.sameUpTo(), gap.firstDifference()]).toEqual([null, null])
})
