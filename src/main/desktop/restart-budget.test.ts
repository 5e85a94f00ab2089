import { expect, it } from 'vitest'
import { restartBudget } from './restart-budget.ts'

it('allows three tries in ten seconds, and the next when the first is ten seconds old', () => {
  let now = 0
  const may = restartBudget(3, 10_000, () => now)
  expect([may(), may(), may(), may()]).toEqual([true, true, true, false])
  now = 9_999
  expect(may()).toBe(false)
  now = 10_000
  expect(may()).toBe(true)
})
