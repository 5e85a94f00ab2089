import { expect, it } from 'vitest'
import { tokenKind } from '../../../shared/key-place.ts'
import { sampleGeneration } from '../../testing/key-scenarios.ts'
import { sampleObject, sampleToken, sampleTokenSummary } from '../../testing/sample-data.ts'
import {
  algorithmOptions,
  emptyDraft,
  type GenerateDraft,
  generationView,
  planOf,
  problemsOf,
  slotOptions,
  unsettled,
} from './generate-view.ts'

const yubiKey = sampleTokenSummary()
const hsm = sampleTokenSummary({ id: { ...sampleToken, model: 'YubiHSM' } })
const soft = sampleTokenSummary({ id: { ...sampleToken, model: 'SoftHSM v2' } })
const draft = (change: Partial<GenerateDraft> = {}): GenerateDraft => ({
  ...emptyDraft('Secure Boot signing 2027'),
  kind: 'test',
  algorithm: 'rsa-2048',
  ckaId: '05',
  ...change,
})

it('tells the kinds of tokens apart by what they say they are', () => {
  expect([yubiKey, hsm, soft].map(({ id }) => tokenKind(id))).toEqual(['piv', 'yubihsm', 'generic'])
})

it('offers only what the token makes and what signs for the purpose', () => {
  const options = algorithmOptions({ algorithms: ['ed25519', 'ec-p256', 'rsa-2048'], taken: [] })
  expect(options.map(({ value }) => value)).toEqual(['rsa-2048', 'ec-p256'])
})

it('shows what is in a slot and lets nobody choose it', () => {
  const slots = slotOptions({ algorithms: [], taken: ['04'] }, [sampleObject()])
  expect(slots.find(({ value }) => value === '02')).toEqual({
    value: '02',
    label: '9C Digital signature, holds RSA 2048',
    isDisabled: true,
  })
  expect(slots.find(({ value }) => value === '04')).toMatchObject({ isDisabled: true })
  expect(slots.find(({ value }) => value === '05')).toEqual({ value: '05', label: '82 Retired 1', isDisabled: false })
  // The attestation key's slot is never one of them.
  expect(slots.some(({ label }) => label.startsWith('F9'))).toBe(false)
})

it.each([
  ['nothing chosen', { kind: null }],
  ['no algorithm', { algorithm: null }],
  ['no id', { ckaId: ' ' }],
  ['an id that is taken', { ckaId: '04' }],
  ['the attestation key’s slot', { ckaId: '19' }],
  ['no name', { commonName: ' ' }],
  ['a country of three letters', { country: 'DEU' }],
  ['a name that is too long', { organization: 'x'.repeat(65) }],
  ['no lifetime', { years: '0' }],
  ['a lifetime in words', { years: 'ten' }],
] as const)('sends nothing with %s', (_, change) => {
  expect(planOf(draft(change), yubiKey, ['04'])).toBeNull()
})

it('sends what was chosen, trimmed', () => {
  expect(
    planOf(draft({ description: ' Key ', organization: ' Example ', country: 'de', years: '2' }), yubiKey, []),
  ).toMatchObject({
    description: 'Key',
    label: 'Key',
    production: false,
    policies: { pin: 'default', touch: 'default' },
    certificate: { kind: 'self-signed', days: 730, subject: { organization: 'Example', unit: null, country: 'DE' } },
  })
})

it('makes an OpenPGP certificate for the purposes that have one', () => {
  const wanted = draft({
    ...emptyDraft('Uploads', 'openpgp'),
    kind: 'production',
    algorithm: 'ed25519',
    ckaId: '05',
    userId: ' Uploads <uploads@example.org> ',
    expiryYears: '',
  })
  expect(planOf(wanted, yubiKey, [])).toMatchObject({
    purpose: 'openpgp',
    algorithm: 'ed25519',
    certificate: { kind: 'openpgp', userId: 'Uploads <uploads@example.org>', days: null },
  })
  expect(planOf({ ...wanted, expiryYears: '2' }, yubiKey, [])?.certificate).toMatchObject({ days: 730 })
  for (const wrong of [{ userId: ' ' }, { expiryYears: '0' }, { expiryYears: 'x' }, { userId: 'x'.repeat(201) }])
    expect(planOf({ ...wanted, ...wrong }, yubiKey, [])).toBeNull()
  // UEFI has no Ed25519: an algorithm that was chosen for another purpose is not sent.
  expect(planOf({ ...wanted, purpose: 'uefi' }, yubiKey, [])).toBeNull()
})

it('sends the policies of a YubiKey to a YubiKey alone', () => {
  const chosen = draft({ pinPolicy: 'always', touchPolicy: 'always', ckaId: '0064' })
  expect(planOf({ ...chosen, ckaId: '05' }, yubiKey, [])?.policies).toEqual({ pin: 'always', touch: 'always' })
  expect(planOf(chosen, hsm, [])?.policies).toEqual({ pin: 'default', touch: 'default' })
})

it('knows the ids of each kind of token', () => {
  const problem = (kind: 'piv' | 'yubihsm' | 'generic', ckaId: string) =>
    problemsOf(draft({ ckaId }), kind, []).ckaId ?? null
  expect(problem('yubihsm', '0064')).toBeNull()
  for (const wrong of ['64', '0000', 'ffff', '00zz']) expect(problem('yubihsm', wrong)).not.toBeNull()
  expect(problem('generic', '2026')).toBeNull()
  expect(problem('generic', '202')).not.toBeNull()
  expect(problem('piv', '01')).toBeNull()
  expect(problem('piv', '99')).not.toBeNull()
})

it('cuts a label where a token would refuse it, and never inside a character', () => {
  const label = planOf(draft({ description: 'ü'.repeat(30) }), yubiKey, [])?.label ?? ''
  expect(new TextEncoder().encode(label).length).toBeLessThanOrEqual(40)
  expect(label).toBe('ü'.repeat(20))
})

it('offers at each state exactly what can be done', () => {
  const steps = (state: ReturnType<typeof sampleGeneration>['state']) =>
    generationView(sampleGeneration({ state })).steps
  expect(steps('made')).toEqual(['continue', 'close'])
  expect(steps('awaiting-certificate')).toEqual(['bring-certificate', 'close'])
  expect(steps('incident')).toEqual(['close'])
  for (const state of ['intended', 'registered', 'failed', 'closed'] as const) expect(steps(state)).toEqual([])
  expect(unsettled([sampleGeneration(), sampleGeneration({ state: 'failed' })])).toHaveLength(1)
})

it('says where the certificate is when the token did not take it', () => {
  const failure = { kind: 'refused', code: 'id-occupied', message: 'The certificate is kept here.' } as const
  const view = generationView(sampleGeneration({ state: 'registered', certificateNotOnToken: failure }))
  expect(view).toMatchObject({ tone: 'attention', sentence: 'The certificate is kept here.' })
})
