import { expect, it } from 'vitest'
import type { RequestId } from '../shared/ids.ts'
import { hashOf, logPlace, type Place, placeFrom } from './place.ts'

const requestId = '6f1c2f6e-3f0a-4c0e-9a55-0d6c5b8f1a10' as RequestId

it.each<Place>([
  { screen: 'requests', tab: 'done', open: null },
  { screen: 'requests', tab: 'in-hand', open: requestId },
  { screen: 'keys' },
  { screen: 'settings' },
  logPlace('station'),
  logPlace('opened', { search: '#42 Zoë & co?=%', event: 'signed', purpose: 'uefi', requestId }, 1_280),
  logPlace('station', { fingerprint: 'AB'.repeat(32), since: '2026-11-20 10:48', until: '2026-11-21' }),
])('comes back to the place that was left: %j', (place) => {
  expect(placeFrom(hashOf(place))).toEqual(place)
})

it.each([
  '',
  '#',
  '#/',
  '#/nowhere',
  '#/requests/all',
  '#/requests/done/../../etc',
  '#/keys/more',
  '#/audit/x',
  `#/audit?q=${'x'.repeat(5_000)}`,
])('takes %j for no place', (hash) => {
  expect(placeFrom(hash)).toBeNull()
})

it('leaves out what cannot be one of its own values', () => {
  expect(placeFrom('#/audit?event=__proto__&request=1&key=ab&purpose=A&entry=0x10&since=2026-11-20&unknown=1')).toEqual(
    logPlace('station', { since: '2026-11-20' }),
  )
})
