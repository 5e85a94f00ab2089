import type { CeremonyDetail, CeremonyFact, CeremonyRecord } from './ceremony.ts'
import type { CeremonyStepKind } from './ceremony-script.ts'

// How a ceremony is told, on paper, on the screen and in the evidence alike. No schema is in this file: the window has none.

export const stepKindWords: Readonly<Record<CeremonyStepKind, string>> = {
  note: 'Said or done',
  roles: 'Who is there',
  'inspect-device': 'Inspect a device',
  software: 'The running program',
  'generate-key': 'Generate a key',
  'import-key': 'Bring a key',
  attest: 'Attestation',
  certificate: 'Certificate or request',
  'test-signature': 'Test signature',
  'wrap-backup': 'Backup under a wrap key',
  'restore-test': 'Restore test',
  'device-options': 'Options of a device',
  register: 'Registered key',
  'retire-key': 'Retire or destroy a key',
  'confirm-words': 'Read a digest aloud',
  checkpoint: 'Checkpoint of the log',
  answers: 'Questions',
}

/** One line of the story. */
export interface StoryLine {
  readonly at: string
  readonly what: string
  readonly facts: readonly CeremonyFact[]
  readonly tone: 'plain' | 'done' | 'failed' | 'deviation'
}

export interface StoryStep {
  readonly number: number
  readonly id: string
  readonly title: string
  readonly kind: string
  readonly text: string | null
  /** Null: it was not begun. */
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly outcome: 'done' | 'skipped' | 'open'
  readonly lines: readonly StoryLine[]
}

/** All steps in order, each with what happened in it. */
export function storyOf(
  plan: CeremonyDetail['plan'],
  records: readonly CeremonyRecord[],
): {
  readonly steps: readonly StoryStep[]
  readonly deviations: readonly Extract<CeremonyRecord, { event: 'ceremony-deviation' }>[]
} {
  const steps = plan.script.steps.map((step, index): StoryStep => {
    const own = records.filter((record) => 'step' in record && record.step === step.id)
    const begun = own.find(({ event }) => event === 'ceremony-step-begun')
    const ended = own.find(
      (record) =>
        record.event === 'ceremony-step-ended' ||
        (record.event === 'ceremony-deviation' && record.effect === 'skipped'),
    )
    return {
      number: index + 1,
      id: step.id,
      title: step.title,
      kind: stepKindWords[step.kind],
      text: step.text ?? null,
      startedAt: begun?.at ?? null,
      endedAt: ended?.at ?? null,
      outcome: ended === undefined ? 'open' : ended.event === 'ceremony-step-ended' ? 'done' : 'skipped',
      lines: own.map(lineOf),
    }
  })
  return { steps, deviations: records.filter((record) => record.event === 'ceremony-deviation') }
}

function lineOf(record: CeremonyRecord): StoryLine {
  const { at } = record
  switch (record.event) {
    case 'ceremony-begun':
      return { at, what: 'Begun', facts: [], tone: 'plain' }
    case 'ceremony-step-begun':
      return {
        at,
        what: record.attempt === 1 ? 'Begun' : `Begun again, attempt ${record.attempt}`,
        facts: [],
        tone: 'plain',
      }
    case 'ceremony-act-intended':
      return {
        at,
        what: `About to ask device ${record.deviceSerial}: ${record.act}, ${record.object}`,
        facts: [],
        tone: 'plain',
      }
    case 'ceremony-step-failed':
      return { at, what: `Did not succeed (${record.code}): ${record.message}`, facts: [], tone: 'failed' }
    case 'ceremony-step-ended':
      return {
        at,
        what: 'Done',
        facts: [
          ...record.result.facts,
          ...record.result.files.map(
            ({ name, sha256 }): CeremonyFact => ({ label: `File ${name}, SHA-256`, form: 'digest', value: sha256 }),
          ),
        ],
        tone: 'done',
      }
    case 'ceremony-deviation':
      return {
        at,
        what: `${record.effect === 'skipped' ? 'NOT DONE' : 'Deviation'}, by ${record.by}: ${record.reason}`,
        facts: [],
        tone: 'deviation',
      }
  }
}

/** Groups of four digits, two groups a byte pair, as they are read. */
export function digestGroups(hex: string): string {
  return (hex.match(/.{1,8}/g) ?? []).join(' ')
}

/** `20 s`, `3 min 05 s`: between two times of this station's clock. */
export function durationWords(from: string, to: string): string {
  const seconds = Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000))
  if (seconds < 60) return `${seconds} s`
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60]
  return rest === 0 ? `${minutes} min` : `${minutes} min ${String(rest).padStart(2, '0')} s`
}
