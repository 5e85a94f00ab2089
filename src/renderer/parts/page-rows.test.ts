import { expect, test } from 'vitest'
import { pageRows } from './page-rows.ts'

test('the rows of all pages, in their order', () => {
  const rowsOf = pageRows((told: number) => ({ text: `row ${told}` }))
  expect(rowsOf([])).toEqual([])
  expect(rowsOf([{ rows: [1, 2] }, { rows: [] }, { rows: [3] }])).toEqual([
    { text: 'row 1' },
    { text: 'row 2' },
    { text: 'row 3' },
  ])
})

test('a page that stays is not worked out again, and one that was fetched anew is', () => {
  let times = 0
  const rowsOf = pageRows((told: number) => {
    times += 1
    return { told }
  })
  const first = { rows: [1, 2] }
  const before = rowsOf([first])
  const after = rowsOf([first, { rows: [3] }])
  expect(times).toBe(3)
  expect(after[0]).toBe(before[0])
  expect(rowsOf([{ rows: [7, 2] }])).toEqual([{ told: 7 }, { told: 2 }])
  expect(times).toBe(5)
})
