import { expect, it } from 'vitest'
import { auditRows } from '../../testing/sample-station.ts'
import { auditRowView } from './audit-view.ts'
import { isUnread, listRows } from './list-rows.ts'

const views = auditRows(5).map(auditRowView)

it('is as long as the log, holds the pages that were fetched, and knows the places of the others', () => {
  const rows = listRows(1_000_000, new Map([[2, views]]), 5)
  expect(rows.length).toBe(1_000_000)
  expect(rows.slice(8, 12)).toEqual([{ unread: 8 }, { unread: 9 }, views[0], views[1]])
  expect(rows.slice(999_998, 1_000_003).map(isUnread)).toEqual([true, true])
  expect([rows[1_000_000], rows[14]]).toEqual([undefined, views[4]])
})

it('gives the same place as the same object, so that a row that stays is not drawn again', () => {
  const rows = listRows(100, new Map(), 5)
  expect(rows[7]).toBe(rows[7])
})
