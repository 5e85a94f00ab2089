import { expect, test } from 'vitest'
import { checkOutcome } from '../../shared/check.ts'
import { worst } from './evidence.ts'

test('a check is as good as its worst piece of evidence', () => {
  const order = ['not-applicable', 'passed', 'attention', 'unknown', 'refused'] as const
  expect([...order].sort()).toEqual([...checkOutcome.options].sort())
  for (const [rank, outcome] of order.entries()) {
    expect(worst(order.slice(0, rank + 1))).toBe(outcome)
    expect(worst(order.slice(0, rank + 1).toReversed())).toBe(outcome)
  }
  expect(worst([])).toBe('not-applicable')
})
