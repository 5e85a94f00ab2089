import { expect, it } from 'vitest'
import { scenarios } from '../../testing/scenarios.ts'
import { deviceView, noTokenSentence, watchNote } from './devices-view.ts'
import { doctorView } from './doctor-view.ts'

const at = '2026-11-20T10:48:00.000Z'

it('puts problems first, with what mends them, and never counts what is not known as in order', () => {
  const view = doctorView({ at, findings: scenarios['token-not-shown']().findings })
  expect(view.problems.map(({ title }) => title)).toEqual(['Access to the device', 'YubiHSM connector'])
  expect(view.problems[0]?.command).toContain('TAG+="uaccess"')
  expect(view.summary).toContain('2 problems were found')
  expect(view.others.map(({ word, tone }) => `${word} ${tone}`)).toEqual(['Not known unknown', 'In order passed'])
})

it('says so when nothing is wrong', () => {
  expect(doctorView({ at, findings: scenarios.fine().findings })).toMatchObject({
    tone: 'passed',
    problems: [],
    summary: 'Nothing wrong was found.',
  })
})

it('says how devices are noticed only where it is not at once', () => {
  expect(watchNote(scenarios.fine().usb)).toBeNull()
  expect(watchNote(scenarios['token-not-shown']().usb)).toContain('every two seconds')
  expect(watchNote({ watch: 'off', devices: [] })).toContain('not being watched')
})

it('does not say that nothing is plugged in where it cannot know', () => {
  expect(noTokenSentence({ watch: 'off', devices: [] })).toBe('No module shows one.')
  expect(noTokenSentence({ watch: 'polling', devices: [] })).toBe('None is plugged in, as far as USB tells.')
  expect(noTokenSentence(scenarios['token-not-shown']().usb)).toContain('can take some seconds')
})

it('says that a YubiKey without its smart-card interface cannot be reached', () => {
  const [device] = scenarios.fine().usb.devices
  if (device === undefined) throw new Error('no device')
  expect(deviceView({ ...device, interfaces: ['otp', 'fido'] }).note).toBe(
    'its smart-card interface is switched off (on: OTP, FIDO)',
  )
})
