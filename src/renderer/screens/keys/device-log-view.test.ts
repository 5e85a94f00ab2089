import { expect, it } from 'vitest'
import { deviceLogView } from './device-log-view.ts'

const state = {
  serial: '07550140',
  store: { used: 5, capacity: 62 },
  audit: { asOf: '2026-01-01T00:00:00.000Z', forced: true, unaudited: [] },
  lastDrainAt: '2026-01-01T00:00:00.000Z',
  problem: null,
}

it('a device that logs every signature and stops when full needs no word', () => {
  expect(deviceLogView(state)).toMatchObject({
    verdict: { text: 'Logs every signature', tone: 'passed' },
    advice: null,
    commands: [],
  })
})

it('a device that logs nothing gets the commands that switch it on, each signing command named', () => {
  const view = deviceLogView({
    ...state,
    audit: { ...state.audit, forced: false, unaudited: [0x47, 0x55, 0x56, 0x5d, 0x64, 0x6a] },
  })
  expect(view.verdict.tone).toBe('attention')
  expect(view.commands).toEqual([
    'yubihsm-shell -a put-option --opt-name command-audit --opt-value 4701550156015d0164016a014f01',
    'yubihsm-shell -a put-option --opt-name force-audit --opt-value 01',
  ])
})

it('what nobody asked for is not known, and the fill of the log is only what the device claims', () => {
  const view = deviceLogView({ ...state, audit: null, lastDrainAt: null })
  expect(view.verdict.text).toContain('not known')
  expect(view.commands).toEqual([])
  expect(view.facts.map(({ assurance }) => assurance)).toEqual(['claimed', 'unknown', 'verified'])
  expect(deviceLogView({ ...state, store: null }).facts[0]?.assurance).toBe('unknown')
})
