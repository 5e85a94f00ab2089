import { expect, it } from 'vitest'
import { dutyView, lineItems } from './status-view.ts'
import { scenarios } from './testing/scenarios.ts'

it('shows server, tokens and log of a station that works', () => {
  expect(lineItems(scenarios.fine().status).map(({ tone, text }) => `${tone}: ${text}`)).toEqual([
    'passed: debusine.example.org',
    'passed: YubiKey PIV (18204417)',
    'passed: Log whole, 1,284 entries',
  ])
})

it('never shows a broken log or a lost server as good', () => {
  expect(lineItems(scenarios['log-broken']().status)[2]).toMatchObject({
    tone: 'refused',
    text: 'Log broken at entry 731',
  })
  expect(lineItems(scenarios['server-gone']().status)[0]).toMatchObject({ tone: 'refused' })
})

it('says what holding work means for others, before and after', () => {
  const { status } = scenarios.fine()
  expect(dutyView({ ...status, onDuty: false }).question).toContain('no other station can sign it')
  expect(dutyView(status).question).toContain('1 request in hand stays here')
})

it('says that a token is plugged in before a module shows it', () => {
  const { status, usb } = scenarios['token-not-shown']()
  expect(lineItems(status, usb)[1]).toMatchObject({ tone: 'attention', text: 'YubiHSM plugged in' })
  expect(lineItems(status, { ...usb, devices: [] })[1]?.text).toBe('No token')
  const readers = usb.devices.map((device) => ({ ...device, kind: 'reader' as const }))
  expect(lineItems(status, { ...usb, devices: readers })[1]?.text).toBe('No token')
})
