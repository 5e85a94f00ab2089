import { expect, it } from 'vitest'
import { auditRows } from '../../testing/sample-station.ts'
import { auditRowView, checkResult, filterFromSearch, readableEntry } from './audit-view.ts'

it.each([
  ['', {}],
  ['#10423', { workRequestId: 10_423 }],
  ['deadbeef', { digest: 'deadbeef' }],
  ['DEADBEEF', { fingerprint: 'DEADBEEF' }],
  ['de ad be ef 01', { digest: 'deadbeef01' }],
  ['Release Manager', { operator: 'Release Manager' }],
  ['12345678', { digest: '12345678' }],
] as const)('reads the search %j', (search, filter) => {
  expect(filterFromSearch(search)).toEqual(filter)
})

it('does not call a log complete: what was cut from its end cannot be seen in it', () => {
  expect(checkResult({ kind: 'whole', entries: 3, head: null }).sentence).toContain('cannot be told from the log alone')
})

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
