import type { GenerationPlan, KeyGeneration } from '../../shared/key-generation.ts'
import { defaultPolicies } from '../../shared/key-place.ts'
import type { RequestDetail, RequestSummary } from '../../shared/request.ts'
import { sampleCertificateRequest } from './fake-generation.ts'
import type { FakeState } from './fake-station.ts'
import {
  hexOf,
  minutesAgo,
  requestIdOf,
  sampleDetail,
  sampleMechanisms,
  sampleObject,
  sampleSheet,
  sampleSummary,
  sampleToken,
  sampleTokenSummary,
} from './sample-data.ts'
import { base, withRequest } from './sample-station.ts'

export function samplePlan(change: Partial<GenerationPlan> = {}): GenerationPlan {
  return {
    purpose: 'uefi',
    description: 'Secure Boot signing 2027',
    production: true,
    token: sampleToken,
    ckaId: '05',
    label: 'Secure Boot signing 2027',
    algorithm: 'rsa-3072',
    policies: defaultPolicies,
    certificate: {
      kind: 'self-signed',
      subject: { commonName: 'Secure Boot signing 2027', organization: null, unit: null, country: null },
      days: 5475,
    },
    ...change,
  }
}

export function sampleGeneration(change: Partial<KeyGeneration> = {}): KeyGeneration {
  return {
    id: requestIdOf(801),
    requestId: null,
    plan: samplePlan(),
    state: 'made',
    spkiSha256: hexOf('made'),
    certificateRequest: null,
    fingerprint: null,
    certificateNotOnToken: null,
    failure: {
      kind: 'refused',
      code: 'pin-incorrect',
      message: 'The token did not accept the PIN. It was tried once and is not tried again without you.',
    },
    operator: 'Release Manager',
    begunAt: minutesAgo(31),
    updatedAt: minutesAgo(30),
    ...change,
  }
}

const incident = sampleGeneration({
  id: requestIdOf(803),
  plan: samplePlan({ description: 'Test key of the lab', production: false, ckaId: '07' }),
  state: 'incident',
  spkiSha256: null,
  failure: {
    kind: 'unavailable',
    code: 'station-stopped',
    message: 'The station stopped while a token was asked to make a key. The key may be on the token.',
  },
})

/** A request for a key, at one stage. */
function keyRequest(summary: Partial<RequestSummary>, change: Partial<RequestDetail> = {}): FakeState {
  const sheet = sampleSheet()
  return withRequest(
    sampleDetail(
      sheet,
      {
        title: 'Make a key: Secure Boot signing 2027',
        purpose: 'generatekey',
        fingerprint: null,
        keyDescription: null,
        requestedBy: null,
        fileCount: 0,
        worstCheck: 'passed',
        ...summary,
      },
      {
        sheet: null,
        approvability: null,
        files: [],
        generation: {
          wish: {
            v: 1,
            kind: 'generate-key',
            requestId: sheet.requestId,
            server: 'https://debusine.example.org/api',
            workRequestId: sampleSummary(sheet).workRequestId,
            scope: 'debian',
            workspace: 'signing',
            purpose: 'uefi',
            description: 'Secure Boot signing 2027',
            storage: 'nacl',
            createdBy: 42,
          },
          made: null,
        },
        ...change,
      },
    ),
  )
}

/** Keys that are made, and requests for keys. */
export const keyScenarios = {
  'keys-begun': () => ({
    ...base(),
    generations: [
      sampleGeneration(),
      sampleGeneration({
        id: requestIdOf(802),
        plan: samplePlan({
          description: 'Kernel modules 2027',
          ckaId: '06',
          certificate: {
            kind: 'request',
            subject: { commonName: 'Kernel modules 2027', organization: 'Example', unit: null, country: 'DE' },
          },
        }),
        state: 'awaiting-certificate',
        certificateRequest: sampleCertificateRequest,
        failure: null,
      }),
      incident,
    ],
  }),
  'key-request': () => keyRequest({}),
  'key-request-made': () =>
    keyRequest(
      { stage: 'interrupted', fileCount: 1 },
      {
        failure: sampleGeneration().failure,
        generation: {
          ...(keyRequest({}).requests.values().next().value?.generation ?? unmade()),
          made: sampleGeneration(),
        },
      },
    ),
  'key-request-incident': () =>
    keyRequest(
      { stage: 'incident', fileCount: 1 },
      { generation: { ...(keyRequest({}).requests.values().next().value?.generation ?? unmade()), made: incident } },
    ),
  /** Two YubiKeys and a YubiHSM with keys that nobody has registered. */
  'keys-for-subkey': () => ({ ...base(), keys: [], tokens: tokensForSubkey() }),
} satisfies Record<string, () => FakeState>

function tokensForSubkey(): FakeState['tokens'] {
  const of = (token: Parameters<typeof sampleTokenSummary>[0], objects: FakeState['tokens'][number]['objects']) => ({
    token: sampleTokenSummary(token),
    objects,
    mechanisms: sampleMechanisms,
    problem: null,
  })
  return [
    of({}, [
      sampleObject({ label: 'Archive key', certificatePem: null, certificateNotAfter: null }),
      sampleObject({ ckaId: '04', label: 'Second key', spkiSha256: hexOf('second'), algorithm: 'ec-p256' }),
    ]),
    of({ id: { ...sampleToken, serial: '20000054' }, label: 'YubiKey PIV #20000054' }, [
      sampleObject({
        ckaId: '01',
        label: 'A key for the uploads of the whole distribution, all architectures and suites',
        spkiSha256: hexOf('upload'),
        algorithm: 'ed25519',
      }),
    ]),
    of({ id: { ...sampleToken, model: 'YubiHSM', serial: '07550140' }, label: 'YubiHSM', maxPinLength: 68 }, []),
  ]
}

function unmade(): never {
  throw new Error('a request for a key has a wish')
}
