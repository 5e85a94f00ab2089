import type { CeremonyDetail, CeremonyRecord, StepResult, StepState } from '../../shared/ceremony.ts'
import type { CeremonyScript } from '../../shared/ceremony-script.ts'
import type { EventName, EventPayload } from '../../shared/events.ts'
import type { Failure } from '../../shared/failure.ts'
import { pgpWords } from '../../shared/pgp-words.ts'
import type { Result } from '../../shared/result.ts'
import type { StationApi } from '../station/station-api.ts'
import type { FakeState } from './fake-station.ts'
import { hexOf, minutesAgo } from './sample-data.ts'

const fail = (code: string, message: string): Result<never, Failure> => ({
  ok: false,
  error: { kind: 'refused', code, message },
})
const done: Result<null, Failure> = { ok: true, value: null }

/** What a step of a script found, for those that a picture shows. */
const found: Partial<Record<string, Partial<StepResult>>> = {
  people: {
    people: [
      { role: 'Ceremony administrator', name: 'A. Administrator', organisation: 'Example' },
      { role: 'Witness', name: 'W. Witness', organisation: null },
    ],
  },
  device: {
    facts: [
      { label: 'Device', form: 'text', value: 'Yubico (www.yubico.com) YubiHSM' },
      { label: 'Serial number, as the device says', form: 'text', value: '07550140' },
      { label: 'Serial number, as read from the case', form: 'text', value: '7550140' },
      { label: 'Seal or bag', form: 'text', value: 'BAG-0001' },
    ],
    device: {
      name: 'hsm',
      token: { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiHSM', serial: '07550140' },
      firmware: '2.4',
    },
  },
}

export function sampleScript(): CeremonyScript {
  return {
    format: 'signing-station-ceremony/1',
    title: 'New UEFI key on a YubiHSM',
    purpose: 'A signing key for UEFI Secure Boot is generated in a YubiHSM, attested by its maker and registered here.',
    parameters: [{ id: 'label', label: 'Label on the device', value: 'secure-boot-2027' }],
    keys: [],
    steps: [
      {
        id: 'opening',
        kind: 'note',
        title: 'Opening',
        aloud: true,
        text: 'We are here for a key ceremony. Every step is on record with its time.',
      },
      {
        id: 'people',
        kind: 'roles',
        title: 'Who is there',
        roles: [
          { role: 'Ceremony administrator', minimum: 1 },
          { role: 'Witness', minimum: 1 },
        ],
      },
      {
        id: 'device',
        kind: 'inspect-device',
        title: 'The YubiHSM',
        device: 'hsm',
        model: 'yubihsm',
        sealed: true,
        text: 'The custodian reads the serial number on the case aloud.',
      },
      { id: 'script-words', kind: 'confirm-words', title: 'The script, in words', what: 'script' },
      {
        id: 'generate',
        kind: 'generate-key',
        title: 'Generate the key',
        key: 'uefi',
        device: 'hsm',
        purpose: 'uefi',
        description: 'Secure Boot signing 2027',
        production: true,
        algorithm: 'rsa-2048',
        objectId: '0101',
        label: 'secure-boot-2027',
        policies: { pin: 'default', touch: 'default' },
        exportable: true,
        certificate: {
          kind: 'self-signed',
          subject: { commonName: 'Secure Boot signing 2027', organization: 'Example', unit: null, country: null },
          days: 3650,
        },
      },
      {
        id: 'answers',
        kind: 'answers',
        title: 'Custody questions',
        questions: [
          { id: 'protection', question: 'How is the private key protected, and by whom can it be used?' },
          { id: 'backup', question: 'Is there a backup? Where is it?' },
        ],
      },
      { id: 'closing', kind: 'note', title: 'Closing', aloud: false },
    ],
  }
}

/** A ceremony of which the first `finished` steps are done. */
export function sampleCeremony(finished: number, change: Partial<CeremonyDetail['summary']> = {}): CeremonyDetail {
  const script = sampleScript()
  const detail: CeremonyDetail = {
    summary: {
      id: '2b1c3a52-1a54-4c0e-8b0c-1f2f7f2f3c22' as CeremonyDetail['summary']['id'],
      title: script.title,
      state: 'open',
      begunAt: minutesAgo(40),
      endedAt: null,
      deviations: 0,
      transcriptSha256: null,
      sealedSeq: null,
      ...change,
    },
    plan: {
      script,
      scriptSha256: hexOf('script'),
      planSha256: hexOf('plan'),
      parameters: { label: 'secure-boot-2027' },
    },
    steps: script.steps.map((): StepState => ({ kind: 'waiting' })),
    now: 0,
    words: null,
    records: [],
  }
  return script.steps.slice(0, finished).reduce((before, { id }) => ended(begun(before, id), id), detail)
}

const about = (detail: CeremonyDetail) => ({
  n: detail.records.length + 1,
  at: minutesAgo(40 - detail.records.length),
  operator: 'Release Manager',
})

function withRecord(detail: CeremonyDetail, record: CeremonyRecord, state: StepState | null): CeremonyDetail {
  const { plan, now } = detail
  const steps = detail.steps.map((each, index) => (index === now && state !== null ? state : each))
  const next = steps.findIndex(({ kind }) => kind === 'waiting' || kind === 'begun')
  const step = plan.script.steps[next]
  return {
    ...detail,
    steps,
    now: next < 0 ? null : next,
    words: step?.kind === 'confirm-words' ? pgpWords(plan.scriptSha256) : null,
    records: [...detail.records, record],
  }
}

export function begun(detail: CeremonyDetail, step: string): CeremonyDetail {
  const { n, at, operator } = about(detail)
  return withRecord(
    detail,
    { n, at, operator, event: 'ceremony-step-begun', step, attempt: 1 },
    { kind: 'begun', at, attempt: 1, failure: null, intended: null },
  )
}

function ended(detail: CeremonyDetail, step: string): CeremonyDetail {
  const { n, at, operator } = about(detail)
  const result: StepResult = { facts: [], files: [], people: null, device: null, key: null, ...found[step] }
  return withRecord(
    detail,
    { n, at, operator, event: 'ceremony-step-ended', step, result },
    { kind: 'done', startedAt: minutesAgo(41 - detail.records.length), endedAt: at, result },
  )
}

/** The part of the fake station that holds ceremonies. */
export function fakeCeremony(state: FakeState, emit: <E extends EventName>(name: E, payload: EventPayload<E>) => void) {
  const change = (id: string, by: (before: CeremonyDetail) => CeremonyDetail): Result<null, Failure> => {
    const before = state.ceremonies.find(({ summary }) => summary.id === id)
    if (before === undefined || before.summary.state !== 'open') return fail('ceremony-not-open', 'It is not open.')
    state.ceremonies = state.ceremonies.map((each) => (each === before ? by(each) : each))
    emit('audit.changed', { entries: state.audit.length + 1 })
    return done
  }
  const sha256 = hexOf('script')
  return {
    ceremonyScripts: async () => ({
      ok: true,
      value: [{ name: 'new-uefi-key', script: sampleScript(), problem: null }],
    }),
    ceremonyReadScript: async ({ source }) =>
      source.kind === 'file'
        ? fail(
            'script-wrong',
            'The script is not right. steps[3].kind: there is no step of the kind “frobnicate”. Nothing was begun.',
          )
        : { ok: true, value: { source, script: sampleScript(), sha256 } },
    ceremonyPlan: async ({ parameters }) => ({
      ok: true,
      value: { script: sampleScript(), scriptSha256: sha256, planSha256: hexOf('plan'), parameters },
    }),
    ceremonyBegin: async () => {
      const ceremony = sampleCeremony(0)
      state.ceremonies = [ceremony, ...state.ceremonies]
      emit('audit.changed', { entries: state.audit.length + 1 })
      return { ok: true, value: { id: ceremony.summary.id } }
    },
    ceremonyList: async () => ({ ok: true, value: state.ceremonies.map(({ summary }) => summary) }),
    ceremonyShow: async ({ id }) => {
      const detail = state.ceremonies.find(({ summary }) => summary.id === id)
      return detail === undefined ? fail('no-such-ceremony', 'There is none.') : { ok: true, value: detail }
    },
    ceremonyStartStep: async ({ id, step }) => change(id, (before) => begun(before, step)),
    ceremonyFinishStep: async ({ id, step, pin }) =>
      pin !== null && pin !== state.pin
        ? fail('pin-incorrect', 'The token did not accept the PIN.')
        : change(id, (before) => ended(before, step)),
    ceremonyDeviate: async ({ id, step, effect, by, reason }) =>
      change(id, (before) => {
        const record = { ...about(before), event: 'ceremony-deviation' as const, step, effect, by, reason }
        const skipped: StepState = { kind: 'skipped', at: record.at, by, reason }
        const after = withRecord(before, record, effect === 'skipped' ? skipped : null)
        return { ...after, summary: { ...after.summary, deviations: after.summary.deviations + 1 } }
      }),
    ceremonyEnd: async ({ id, outcome }) =>
      change(id, (before) => ({
        ...before,
        now: null,
        summary: {
          ...before.summary,
          state: outcome,
          endedAt: minutesAgo(0),
          transcriptSha256: hexOf('transcript'),
          sealedSeq: 1290 as NonNullable<CeremonyDetail['summary']['sealedSeq']>,
        },
      })),
    ceremonySaveEvidence: async ({ id }) => ({
      ok: true,
      value: { folder: `/home/desk/exports/ceremony-${id}`, bundle: 'evidence.zip', backups: ['backup.yhw'] },
    }),
  } satisfies Partial<StationApi>
}
