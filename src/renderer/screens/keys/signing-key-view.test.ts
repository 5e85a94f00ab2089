import { expect, it } from 'vitest'
import { sampleOpenPgpKey } from '../../testing/fake-openpgp.ts'
import { sampleKey, sampleObject, sampleToken, sampleTokenSummary } from '../../testing/sample-data.ts'
import { openPgpPlanOf } from './generate-view.ts'
import {
  askedTokens,
  mayBeEd25519,
  ownSigningKey,
  type SigningKeyDraft,
  signingKeyView,
  subkeyOptions,
} from './signing-key-view.ts'

const upload = { ...sampleToken, serial: '20000054' }
const hsm = { ...sampleToken, model: 'YubiHSM', serial: '07550140' }
const objects = [
  sampleObject(),
  sampleObject({ ckaId: '01', label: 'Archive', algorithm: 'ed25519' }),
  sampleObject({ ckaId: '03', label: 'odd', algorithm: 'unsupported' }),
  // The maker's own key.
  sampleObject({ ckaId: '19', label: 'attestation' }),
]
const tokens = [
  { token: sampleTokenSummary(), objects },
  { token: sampleTokenSummary({ id: upload }), objects: [sampleObject()] },
  { token: sampleTokenSummary({ id: hsm }), objects: [] },
]
const primary = { token: sampleToken, ckaId: '02' }
const options = subkeyOptions(tokens, primary, [])
const draft = (change: Partial<SigningKeyDraft> = {}): SigningKeyDraft => ({
  ...ownSigningKey,
  who: 'subkey',
  choice: options.find(({ label }) => label.endsWith('Archive'))?.value ?? '',
  ...change,
})
const ofHsm = options.at(-1)?.value ?? ''

it('offers every key of every token but the one that certifies, and says why one cannot be chosen', () => {
  expect(options.map(({ label, isDisabled }) => [label, isDisabled])).toEqual([
    ['Yubico (www.yubico.com) YubiKey YK5, serial 18204417, slot 9A: Ed25519, Archive', false],
    [
      'Yubico (www.yubico.com) YubiKey YK5, serial 18204417, slot 9D (no kind that signs here): not supported, odd',
      true,
    ],
    [
      'Yubico (www.yubico.com) YubiKey YK5, serial 20000054, slot 9C: RSA 2048, Private key for Digital Signature',
      false,
    ],
    ['Yubico (www.yubico.com) YubiHSM, serial 07550140: a key by its id', false],
  ])
  const home = { kind: 'token', token: upload, ckaId: '02', pkcs11Uri: '' } as const
  const certifying = sampleOpenPgpKey()
  const keys = [
    sampleKey({ home }),
    {
      ...certifying,
      home: { kind: 'software' } as const,
      openpgp:
        certifying.openpgp === null
          ? null
          : { ...certifying.openpgp, primary: { token: sampleToken, ckaId: '01', algorithm: 'ed25519' as const } },
    },
  ]
  const taken = subkeyOptions(tokens, primary, keys).filter(({ label }) => label.includes('(registered already)'))
  expect(taken.map(({ place, isDisabled }) => [place.token.serial, place.ckaId, isDisabled])).toEqual([
    ['18204417', '01', true],
    ['20000054', '02', true],
  ])
})

it('names the subkey once it is chosen, by its id where its token shows none', () => {
  const view = (change: Partial<SigningKeyDraft>, of = primary) => signingKeyView(draft(change), options, of)
  expect(signingKeyView(ownSigningKey, options, primary)).toMatchObject({ subkey: null, isComplete: true })
  expect(view({})).toMatchObject({ subkey: { token: sampleToken, ckaId: '01' }, object: objects[1], isComplete: true })
  expect(view({ choice: null })).toMatchObject({ subkey: null, isComplete: false })
  expect(view({ choice: 'a token that is gone' })).toMatchObject({ isComplete: false })
  expect(view({ choice: options[1]?.value ?? '' })).toMatchObject({ isComplete: false })
  expect(view({ choice: ofHsm })).toEqual({
    subkey: null,
    object: null,
    wantsId: true,
    problem: null,
    isComplete: false,
  })
  expect(view({ choice: ofHsm, typedId: '0x0064' })).toMatchObject({
    subkey: { token: hsm, ckaId: '0064', spkiSha256: null },
    isComplete: true,
  })
  expect(view({ choice: ofHsm, typedId: '64' }).problem).toMatch(/four hex digits/)
  const itself = view({ choice: ofHsm, typedId: '0064' }, { token: hsm, ckaId: '0064' })
  expect(itself).toMatchObject({ isComplete: false, problem: expect.stringContaining('its own subkey') })
})

it('knows whether a key may be one that algorithm 27 is for', () => {
  const [rsa, ed25519] = [sampleObject(), sampleObject({ algorithm: 'ed25519' })]
  const of = (primaryKey: typeof rsa | null, change: Partial<SigningKeyDraft>) =>
    mayBeEd25519(primaryKey, signingKeyView(draft(change), options, primary))
  expect([of(rsa, { who: 'own' }), of(ed25519, { who: 'own' }), of(null, { who: 'own' })]).toEqual([false, true, true])
  expect([of(rsa, {}), of(rsa, { choice: ofHsm, typedId: '0064' })]).toEqual([true, true])
})

it('asks for one PIN a token', () => {
  expect(askedTokens(sampleToken, null)).toEqual([{ token: sampleToken, opens: null }])
  expect(askedTokens(sampleToken, sampleToken)).toEqual([{ token: sampleToken, opens: 'For both keys.' }])
  expect(askedTokens(sampleToken, upload).map(({ token }) => token.serial)).toEqual(['18204417', '20000054'])
})

it('names the form of the key only where it is not the one that everybody takes', () => {
  const owner = { userId: ' Archive ', expiryYears: '' }
  expect(openPgpPlanOf({ ...owner, form: 'v4' })).toEqual({ userId: 'Archive', days: null })
  expect(openPgpPlanOf({ ...owner, form: 'v6' })).toEqual({ userId: 'Archive', days: null, form: 'v6' })
})
