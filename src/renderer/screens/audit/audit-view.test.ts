import { expect, it } from 'vitest'
import { hexOf } from '../../testing/sample-data.ts'
import { auditRows } from '../../testing/sample-station.ts'
import { auditRowView, digestsOf, readableEntry } from './audit-view.ts'

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

it('says which of several keys was used, and calls only the first key’s output a file', () => {
  const [row] = auditRows(1)
  if (row === undefined) throw new Error('there is no row')
  const signed = { ...row, event: 'signed', inputSha256: hexOf('in'), outputSha256: hexOf('out') } as const
  const titles = (position: number | null) => {
    const of = position === null ? signed : { ...signed, key: { position, count: 3 } }
    return [auditRowView(of).event.text, ...digestsOf(of).map(({ title }) => title)]
  }
  expect(titles(null)).toEqual(['Signed', 'Input file, SHA-256', 'Signed file, SHA-256'])
  expect(titles(1)).toEqual(['Signed, key 1 of 3', 'Input file, SHA-256', 'Signed file, SHA-256'])
  expect(titles(2)).toEqual([
    'Signed, key 2 of 3',
    'Input file, SHA-256',
    'OpenPGP signature packet of key 2 of 3, SHA-256',
  ])
  const withdrawn = { ...row, event: 'sign-failed', withdrawn: true, key: { position: 2, count: 2 } } as const
  expect(auditRowView(withdrawn).event.text).toBe('Not signed, key 2 of 2')
})
