import type { RegisteredKey } from '../../../shared/key.ts'
import type { DenyAction, WaitingTask } from '../../../shared/waiting.ts'
import { outcomeWords } from '../../parts/wording.ts'

/** A text, and whether somebody else chose it. */
export type WaitingFact = { readonly label: string; readonly value: string }

export type WaitingTaskView = {
  readonly id: number
  readonly title: string
  readonly what: string
  readonly facts: readonly WaitingFact[]
  /** Why nothing can be done here now, or null. */
  readonly note: string | null
}

const denyWords: Record<DenyAction, string> = {
  fail: 'Refusing fails this step, and with it what depends on it.',
  abort: 'Refusing aborts this step, and with it what depends on it.',
  'abort-workflow': 'Refusing aborts the whole workflow.',
  unknown: 'Refusing does something that this version of the station does not know. Look at the task at the server.',
}

export function denySentence(action: DenyAction): string {
  return denyWords[action]
}

export function waitingTaskView(task: WaitingTask): WaitingTaskView {
  const { workflow, displayName } = task
  const about = workflow?.about ?? null
  const gates: WaitingFact = {
    label: 'Holds up',
    value:
      workflow === null
        ? 'No workflow that the server tells of'
        : `Workflow ${workflow.name} (#${workflow.id})${about === null ? '' : `: ${about}`}`,
  }
  const place = { label: 'Where', value: `#${task.workRequestId} in ${task.workspace}, made by user ${task.createdBy}` }
  if (task.kind === 'confirm')
    return {
      id: task.workRequestId,
      title: displayName ?? 'A question waits for an answer',
      what: 'Confirmation',
      facts: [
        gates,
        place,
        { label: 'If refused', value: denySentence(task.words.denyAction) },
        ...(task.autoConfirm
          ? [{ label: 'By itself', value: 'The server confirms where nothing of the workflow failed.' }]
          : []),
      ],
      note:
        task.unsettled === null
          ? null
          : `${task.unsettled.operator} answered ${task.unsettled.confirm ? 'yes' : 'no'}, and it is not known whether that arrived. It is looked up as soon as the server answers.`,
    }
  const { upload } = task
  return {
    id: task.workRequestId,
    title: upload === null ? (displayName ?? 'An upload') : `${upload.source} ${upload.version}`,
    what: 'Your signature',
    facts: [
      gates,
      place,
      ...(upload === null
        ? [{ label: 'Upload', value: 'It cannot be read here' }]
        : [
            {
              label: 'Upload',
              value: `Artifact ${upload.artifactId}${upload.distribution === null ? '' : `, for ${upload.distribution}`}`,
            },
          ]),
    ],
    note:
      task.endedHere === null
        ? null
        : `Decided here before (${outcomeWords[task.endedHere].text}), and a decision is final. The server still waits: sign it elsewhere, or abort it there.`,
  }
}

/** Keys with which an upload can be taken: those that can sign now come first. */
export function uploadKeys(keys: readonly RegisteredKey[]): readonly RegisteredKey[] {
  return keys
    .filter(({ purpose, state }) => purpose === 'openpgp' && state === 'active')
    .toSorted((a, b) => Number(b.usableNow) - Number(a.usableNow))
}

/** What waits and can be done here: not what is in hand, decided, or being looked up. */
export function waitingCount(tasks: readonly WaitingTask[]): number {
  return tasks.filter((task) =>
    task.kind === 'confirm' ? task.unsettled === null : task.inHand === null && task.endedHere === null,
  ).length
}
