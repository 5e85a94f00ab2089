import { expect, it } from 'vitest'
import { auditRows } from '../../testing/sample-station.ts'
import { auditRowView, readableEntry } from './audit-view.ts'

it('shows an entry that is no JSON as it is', () => {
  expect(readableEntry('{"a":')).toBe('{"a":')
})

it('says in plain words, and not in red, that signing was stopped before a file was signed', () => {
  const [row] = auditRows(1)
  if (row === undefined) throw new Error('there is no row')
  const failed = { ...row, event: 'sign-failed' } as const
  expect(auditRowView(failed).event).toEqual({ text: 'Signing failed', tone: 'refused' })
  expect(auditRowView({ ...failed, withdrawn: true }).event).toEqual({ text: 'Not signed', tone: 'neutral' })
})

it('asks for attention to an entry that this version cannot read', () => {
  const [row] = auditRows(1)
  if (row === undefined) throw new Error('there is no row')
  expect(auditRowView({ ...row, event: 'unreadable' }).event).toEqual({ text: 'Cannot be read', tone: 'attention' })
})
