import { expect, it } from 'vitest'
import { begun, sampleCeremony, sampleScript } from '../../testing/fake-ceremony.ts'
import { actWords, peopleOf, pinWanted, progressWords, stepDetails, stepRows } from './ceremony-view.ts'
import { emptyDraft, inputOf } from './step-draft.ts'

const script = sampleScript()
const stepOf = (id: string) => {
  const step = script.steps.find((each) => each.id === id)
  if (step === undefined) throw new Error(`no step ${id}`)
  return step
}

it('says what is done, what is now and what comes', () => {
  const detail = begun(sampleCeremony(2), 'device')
  expect(stepRows(detail).map(({ place, badge }) => `${place} ${badge.text}`)).toEqual([
    'done Done',
    'done Done',
    'now Now',
    'next Later',
    'next Later',
    'next Later',
    'next Later',
  ])
  expect(progressWords(detail)).toBe('2 of 7 steps, no deviation')
  expect(peopleOf(detail.records)).toEqual(['A. Administrator', 'W. Witness'])
})

it('asks for the PIN of the device of a step, and for none where no device is asked', () => {
  const { records } = sampleCeremony(4)
  expect(pinWanted(stepOf('generate'), records, { pasted: false })).toMatchObject({
    token: { serial: '07550140' },
    managementKey: false,
  })
  for (const id of ['opening', 'people', 'device', 'script-words', 'answers'])
    expect(pinWanted(stepOf(id), records, { pasted: false })).toBeNull()
  // The device was not inspected: main says what is missing.
  expect(pinWanted(stepOf('generate'), [], { pasted: false })).toBeNull()
})

it('sends nothing that is not filled in', () => {
  for (const id of ['opening', 'people', 'device', 'script-words', 'answers'])
    expect(inputOf(stepOf(id), emptyDraft(stepOf(id)))).toBeNull()
  const roles = stepOf('people')
  const people = emptyDraft(roles).people.map((person, index) => ({ ...person, name: ` P${index} ` }))
  expect(inputOf(roles, { ...emptyDraft(roles), people })).toEqual({
    kind: 'roles',
    people: [
      { role: 'Ceremony administrator', name: 'P0', organisation: null },
      { role: 'Witness', name: 'P1', organisation: null },
    ],
  })
})

it('has words for every act, and tells what a key will be', () => {
  for (const step of script.steps) expect(actWords[step.kind]).not.toBe('')
  expect(stepDetails(stepOf('generate')).map(({ value }) => value)).toEqual([
    'rsa-2048, production, for uefi',
    '0101',
    'secure-boot-2027',
    'under a wrap key only',
    'Secure Boot signing 2027, Example, 3650 days',
  ])
})
