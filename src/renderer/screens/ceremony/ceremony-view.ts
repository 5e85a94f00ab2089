import type { CeremonyDetail, CeremonyRecord, StepState } from '../../../shared/ceremony.ts'
import type { CeremonyStep } from '../../../shared/ceremony-script.ts'
import { durationWords, stepKindWords } from '../../../shared/ceremony-words.ts'
import { tokenKind } from '../../../shared/key-place.ts'
import type { TokenId } from '../../../shared/token.ts'
import type { Tone } from '../../design/Badge.tsx'
import { utc } from '../../parts/format.ts'

/** A row of the list of steps. */
export type StepRow = {
  readonly id: string
  readonly number: string
  readonly title: string
  readonly kind: string
  readonly place: 'done' | 'skipped' | 'now' | 'next'
  readonly badge: { readonly text: string; readonly tone: Tone }
  readonly time: string
}

export function stepRows({ plan, steps, now }: Pick<CeremonyDetail, 'plan' | 'steps' | 'now'>): readonly StepRow[] {
  return plan.script.steps.map((step, index) => {
    const state = steps[index] ?? { kind: 'waiting' }
    return {
      id: step.id,
      number: String(index + 1),
      title: step.title,
      kind: stepKindWords[step.kind],
      place: state.kind === 'done' ? 'done' : state.kind === 'skipped' ? 'skipped' : index === now ? 'now' : 'next',
      badge: badgeOf(state, index === now),
      time: timeOf(state),
    }
  })
}

function badgeOf(state: StepState, isNow: boolean): StepRow['badge'] {
  switch (state.kind) {
    case 'done':
      return { text: 'Done', tone: 'passed' }
    case 'skipped':
      return { text: 'Not done', tone: 'refused' }
    case 'begun':
      return state.failure === null ? { text: 'Now', tone: 'accent' } : { text: 'Not yet', tone: 'attention' }
    case 'waiting':
      return isNow ? { text: 'Due', tone: 'accent' } : { text: 'Later', tone: 'neutral' }
  }
}

function timeOf(state: StepState): string {
  switch (state.kind) {
    case 'done':
      return `${utc(state.endedAt).slice(11, 19)} · ${durationWords(state.startedAt, state.endedAt)}`
    case 'skipped':
      return utc(state.at).slice(11, 19)
    case 'begun':
      return `since ${utc(state.at).slice(11, 19)}`
    case 'waiting':
      return ''
  }
}

/** `7 of 19 steps, 1 deviation`. */
export function progressWords({ steps, summary }: Pick<CeremonyDetail, 'steps' | 'summary'>): string {
  const over = steps.filter(({ kind }) => kind === 'done' || kind === 'skipped').length
  const { deviations } = summary
  return `${over} of ${steps.length} steps, ${deviations === 0 ? 'no deviation' : `${deviations} ${deviations === 1 ? 'deviation' : 'deviations'}`}`
}

/** Which token the step asks, and what is typed for it; null: it asks none that wants a PIN. */
export function pinWanted(
  step: CeremonyStep,
  records: readonly CeremonyRecord[],
  typed: { readonly pasted: boolean },
): { readonly token: TokenId; readonly managementKey: boolean } | null {
  const token = tokenOf(step, records)
  if (token === null) return null
  const hsm = tokenKind(token) === 'yubihsm'
  switch (step.kind) {
    case 'generate-key':
      return { token, managementKey: tokenKind(token) === 'piv' }
    case 'attest':
      return hsm && !typed.pasted ? { token, managementKey: false } : null
    case 'certificate':
      return step.issued ? { token, managementKey: tokenKind(token) === 'piv' } : null
    case 'retire-key':
      return hsm && step.destroy ? { token, managementKey: false } : null
    case 'import-key':
    case 'test-signature':
    case 'wrap-backup':
    case 'restore-test':
    case 'device-options':
      return { token, managementKey: false }
    default:
      return null
  }
}

/** The device of the step, or that of its key, as an earlier step found it. */
function tokenOf(step: CeremonyStep, records: readonly CeremonyRecord[]): TokenId | null {
  const results = records.flatMap((record) => (record.event === 'ceremony-step-ended' ? [record.result] : []))
  if ('device' in step && step.kind !== 'inspect-device')
    return results.findLast(({ device }) => device?.name === step.device)?.device?.token ?? null
  if ('key' in step && step.key !== undefined)
    return results.findLast(({ key }) => key?.name === step.key)?.key?.token ?? null
  return null
}

/** Who is there, for the fields that name somebody. */
export function peopleOf(records: readonly CeremonyRecord[]): readonly string[] {
  const names = records.flatMap((record) =>
    record.event === 'ceremony-step-ended' ? (record.result.people ?? []).map(({ name }) => name) : [],
  )
  return [...new Set(names)]
}

/** What the button says that carries the step out. */
export const actWords: Readonly<Record<CeremonyStep['kind'], string>> = {
  note: 'It is done',
  roles: 'These are there',
  'inspect-device': 'Compare with the device',
  software: 'Read the program',
  'generate-key': 'Generate the key …',
  'import-key': 'Bring the key …',
  attest: 'Ask for the attestation',
  certificate: 'Look at the certificate',
  'test-signature': 'Sign the test …',
  'wrap-backup': 'Make the backup …',
  'restore-test': 'Restore and sign …',
  'device-options': 'Set the options …',
  register: 'Look at the registered key',
  'retire-key': 'Take the key out of use',
  'confirm-words': 'The words agree',
  checkpoint: 'Sign a checkpoint',
  answers: 'These are the answers',
}

/** What a step will do, in the plan and before it is begun: its parameters that matter. */
export function stepDetails(step: CeremonyStep): readonly { readonly label: string; readonly value: string }[] {
  switch (step.kind) {
    case 'roles':
      return step.roles.map(({ role, minimum }) => ({ label: role, value: `at least ${minimum}` }))
    case 'inspect-device':
      return [
        { label: 'Device', value: step.model === 'yubihsm' ? 'YubiHSM' : step.model === 'yubikey' ? 'YubiKey' : 'any' },
        ...(step.sealed ? [{ label: 'Seal or bag', value: 'its number is written down' }] : []),
      ]
    case 'generate-key':
      return [
        { label: 'Key', value: `${step.algorithm}, ${step.production ? 'production' : 'test'}, for ${step.purpose}` },
        { label: 'Id on the device', value: step.objectId },
        { label: 'Label', value: step.label },
        { label: 'Leaves the device', value: step.exportable ? 'under a wrap key only' : 'never' },
        certificateDetail(step.certificate),
      ]
    case 'import-key':
      return [
        { label: 'Key', value: `${step.description}, ${step.production ? 'production' : 'test'}` },
        { label: 'Id on the device', value: step.objectId },
      ]
    case 'attest':
      return [{ label: 'Has to be verified', value: step.required ? 'yes, up to a trusted root' : 'no' }]
    case 'wrap-backup':
      return [{ label: 'Wrap key', value: step.wrapKeyId }]
    case 'restore-test':
      return [
        { label: 'Wrap key', value: step.wrapKeyId },
        { label: 'Afterwards', value: step.keep ? 'the copy stays' : 'the copy is deleted' },
      ]
    case 'device-options':
      return [
        { label: 'Force audit', value: step.forceAudit },
        { label: 'Audit of signatures', value: step.auditSignatures },
      ]
    case 'retire-key':
      return [{ label: 'On the device', value: step.destroy ? 'it is deleted' : 'it stays' }]
    case 'answers':
      return [{ label: 'Questions', value: String(step.questions.length) }]
    default:
      return []
  }
}

type Certificate = Extract<CeremonyStep, { kind: 'generate-key' }>['certificate']

function certificateDetail(certificate: Certificate): { readonly label: string; readonly value: string } {
  if (certificate.kind === 'openpgp')
    return {
      label: 'OpenPGP certificate for',
      value: `${certificate.userId}, ${certificate.days === null ? 'without an end' : `${certificate.days} days`}`,
    }
  const { commonName, organization } = certificate.subject
  const name = organization === null ? commonName : `${commonName}, ${organization}`
  return certificate.kind === 'request'
    ? { label: 'Certificate request for', value: name }
    : { label: 'Certificate for', value: `${name}, ${certificate.days} days` }
}
