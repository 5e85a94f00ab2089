import { expect, it } from 'vitest'
import { wholeLog } from '../../place.ts'
import { filterFromSearch, filterWords, isFiltered, logFilter, timeFrom } from './log-filter.ts'

it.each([
  ['', {}],
  ['#10423', { workRequestId: 10_423 }],
  ['deadbeef', { digest: 'deadbeef' }],
  ['DEADBEEF', { fingerprint: 'DEADBEEF' }],
  ['de ad be ef 01', { digest: 'deadbeef01' }],
  ['DE:AD:BE:EF', { fingerprint: 'DEADBEEF' }],
  ['Release Manager', { operator: 'Release Manager' }],
  ['12345678', { digest: '12345678' }],
  ['#10423 deadbeef Release Manager', { workRequestId: 10_423, digest: 'deadbeef', operator: 'Release Manager' }],
] as const)('reads the search %j', (search, filter) => {
  expect(filterFromSearch(search)).toEqual(filter)
})

it.each([
  ['2026-11-20', '2026-11-20T00:00:00.000Z', '2026-11-20T23:59:59.999Z'],
  ['2026-11-20 10:48', '2026-11-20T10:48:00.000Z', '2026-11-20T10:48:59.999Z'],
  ['2026-11-20 10:48:11 UTC', '2026-11-20T10:48:11.000Z', '2026-11-20T10:48:11.999Z'],
  ['2026-11-20T10:48:11Z', '2026-11-20T10:48:11.000Z', '2026-11-20T10:48:11.999Z'],
  ['2026-04-31', null, null],
  ['20.11.2026', null, null],
  ['2026-11-20 25:00', null, null],
])('reads the time %j as the first and the last moment that it can mean', (text, since, until) => {
  expect([timeFrom(text, 'since'), timeFrom(text, 'until')]).toEqual([since, until])
})

it('asks for everything that was chosen, and leaves out a time that is not one yet', () => {
  const view = {
    ...wholeLog,
    search: '#7',
    event: 'signed',
    purpose: 'uefi',
    fingerprint: 'AB12CD34',
    since: '2026-11',
    until: '2026-11-20',
  } as const
  expect(logFilter(view)).toEqual({
    filter: {
      workRequestId: 7,
      event: 'signed',
      purpose: 'uefi',
      fingerprint: 'AB12CD34',
      until: '2026-11-20T23:59:59.999Z',
    },
    problems: { since: expect.stringContaining('A day such as') },
  })
})

it('says when the end is before the beginning', () => {
  expect(logFilter({ ...wholeLog, since: '2026-11-20', until: '2026-11-19' }).problems).toEqual({
    until: 'This is before the beginning.',
  })
})

it('knows a filter from none, and says it in words', () => {
  expect([isFiltered(wholeLog), isFiltered({ ...wholeLog, since: '2026' })]).toEqual([false, true])
  expect(filterWords(logFilter({ ...wholeLog, search: '#7 Zoë', event: 'signed', since: '2026-11-20' }).filter)).toBe(
    'of work request 7, “Signed”, by Zoë, from 2026-11-20 00:00:00 UTC',
  )
})
