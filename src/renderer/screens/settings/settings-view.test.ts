import { expect, it } from 'vitest'
import { settings as settingsSchema } from '../../../shared/settings.ts'
import { scenarios } from '../../testing/scenarios.ts'
import { draftOf, enrolView, problemsOf, settingsOf } from './settings-view.ts'

const { settings } = scenarios.fine()

it('gives back what it was given when nothing was changed', () => {
  expect(settingsOf(draftOf(settings))).toEqual(settings)
})

it('writes its members in the order of the schema, by which the form knows that all is saved', () => {
  const saved = settingsSchema.parse(settings)
  expect(JSON.stringify(settingsOf(draftOf(saved)))).toBe(JSON.stringify(saved))
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
  ['connectorCa', '-----BEGIN PRIVATE KEY-----'],
  ['connectors', ['http://127.0.0.1:12345', 'http://127.0.0.1:12345/connector']],
  ['connectors', ['yhusb://', ' yhusb:// ']],
  ['apiUrl', 'https://debusine.example.org/api?x=1'],
  ['apiUrl', 'debusine'],
  ['caPem', '-----BEGIN PRIVATE KEY-----'],
  ['caPem', 'hello'],
  ['trustedCerts', 'abcd'],
  ['stationName', '  '],
  ['witnesses', 'witness.example.com/w1'],
  ['witnesses', 'two words+9ef720b7+BK8f'],
] as const)('says what is wrong with %s %s', (field, value) => {
  expect(Object.keys(problemsOf({ ...draftOf(settings), [field]: value }))).toEqual([field])
})

it('refuses a module whose path is not absolute', () => {
  expect(problemsOf({ ...draftOf(settings), modules: [{ path: 'libykcs11.so', enabled: true }] }).modules).toContain(
    'no absolute path',
  )
})

it('takes folders and witnesses without blanks around them, and refuses a folder that is not absolute', () => {
  const vkey = 'witness.example.com/w1+9ef720b7+BK8fe14HAi43qhBpY4+FgJ3QfM2vhsq/aIc57EtHYihv'
  const draft = { ...draftOf(settings), checkpointFolders: [' /media/audit ', ''], witnesses: `\n ${vkey} \n` }
  expect(settingsOf(draft)).toMatchObject({ checkpointFolders: ['/media/audit'], witnesses: [vkey] })
  expect(problemsOf(draft)).toEqual({})
  expect(problemsOf({ ...draft, checkpointFolders: ['media'] }).checkpointFolders).toContain('no absolute path')
})

it('knows where the enrolment is', () => {
  expect([scenarios.new, scenarios['to-enrol'], scenarios.fine].map((make) => enrolView(make().status).state)).toEqual([
    'no-server',
    'to-enrol',
    'enrolled',
  ])
})
