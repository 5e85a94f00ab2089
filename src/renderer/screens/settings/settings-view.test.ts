import { expect, it } from 'vitest'
import { scenarios } from '../../testing/scenarios.ts'
import { draftOf, enrolView, problemsOf, settingsOf } from './settings-view.ts'

const { settings } = scenarios.fine()

it('gives back what it was given when nothing was changed', () => {
  expect(settingsOf(draftOf(settings))).toEqual(settings)
})

it('turns empty fields into null and drops empty rows', () => {
  const draft = {
    ...draftOf(settings),
    apiUrl: ' ',
    caPem: '',
    scope: '',
    modules: [{ path: ' ', enabled: true }],
    trustedCerts: '\n\n',
  }
  expect(settingsOf(draft)).toMatchObject({
    server: { apiUrl: null, caPem: null, scope: null },
    modules: [],
    trustedCerts: [],
  })
})

it('takes fingerprints as other tools print them', () => {
  const colons = 'AB:'.repeat(32).slice(0, -1)
  expect(settingsOf({ ...draftOf(settings), trustedCerts: colons }).trustedCerts).toEqual(['ab'.repeat(32)])
})

it.each([
  ['apiUrl', 'http://debusine.example.org/api'],
  ['apiUrl', 'https://user:secret@debusine.example.org/api'],
  ['apiUrl', 'https://debusine.example.org/api?x=1'],
  ['apiUrl', 'debusine'],
  ['caPem', '-----BEGIN PRIVATE KEY-----'],
  ['caPem', 'hello'],
  ['trustedCerts', 'abcd'],
  ['stationName', '  '],
] as const)('says what is wrong with %s %s', (field, value) => {
  expect(Object.keys(problemsOf({ ...draftOf(settings), [field]: value }))).toEqual([field])
})

it('refuses a module whose path is not absolute', () => {
  expect(problemsOf({ ...draftOf(settings), modules: [{ path: 'libykcs11.so', enabled: true }] }).modules).toContain(
    'no absolute path',
  )
})

it('knows where the enrolment is', () => {
  expect([scenarios.new, scenarios['to-enrol'], scenarios.fine].map((make) => enrolView(make().status).state)).toEqual([
    'no-server',
    'to-enrol',
    'enrolled',
  ])
})
