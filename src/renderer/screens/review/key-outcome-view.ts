import type { FileOutcome, FurtherOutcome, RequestDetail } from '../../../shared/request.ts'
import { count, utc } from '../../parts/format.ts'
import { numbersOfKeys } from './key-numbers.ts'
import { type OutcomeView, outcomeView } from './outcome-view.ts'

export type FileState = RequestDetail['files'][number]

/** Nothing more is signed for the request. An incident only waits to be closed. */
export function isOver({ summary }: Pick<RequestDetail, 'summary'>): boolean {
  return summary.stage === 'incident' || summary.stage === 'returning' || summary.stage === 'done'
}

/** How far the signature of one of several keys is. */
export type KeyOutcomeView = Pick<OutcomeView, 'text' | 'tone' | 'detail'> & {
  /** Its place among the keys, from 1. */
  readonly number: number
}

/**
 * What became of each key's signature of a file, in the order of the keys; empty where one key signs. The first key signs last and
 * completes the file: until then what the others made is a part that goes nowhere. `over`: no more is signed for this request.
 */
export function keyOutcomes(file: FileState, over: boolean): readonly KeyOutcomeView[] {
  if (file.further === undefined) return []
  const isSigned = file.outcome.kind === 'signed'
  return [
    { number: 1, ...firstOutcome(ownOutcome(file), over) },
    ...file.further.map(({ outcome }, index) => ({ number: index + 2, ...furtherOutcome(outcome, isSigned, over) })),
  ]
}

/**
 * The first key's own outcome. A file is never better than its worst part, so its outcome may be a further key's; the first key is not asked
 * before all the others have signed.
 */
function ownOutcome({ outcome, further = [] }: FileState): FileOutcome {
  return outcome.kind === 'signed' || further.every((each) => each.outcome.kind === 'made')
    ? outcome
    : { kind: 'waiting' }
}

type Words = Omit<KeyOutcomeView, 'number'>

function firstOutcome(outcome: FileOutcome, over: boolean): Words {
  switch (outcome.kind) {
    case 'waiting':
      return waiting(over)
    case 'begun':
    case 'unknown':
      return doubtful(outcome.kind, over)
    case 'signed':
      return { text: 'Signed', tone: 'passed', detail: utc(outcome.at) }
    case 'failed':
      return { text: 'Not signed', tone: 'refused', detail: outcome.failure.message }
  }
}

function furtherOutcome(outcome: FurtherOutcome, isSigned: boolean, over: boolean): Words {
  switch (outcome.kind) {
    case 'waiting':
      return waiting(over)
    case 'begun':
    case 'unknown':
      return doubtful(outcome.kind, over)
    case 'made':
      return isSigned
        ? { text: 'Signed', tone: 'passed', detail: utc(outcome.at) }
        : { text: 'Signed', tone: over ? 'neutral' : 'accent', detail: `${utc(outcome.at)}. ${keptWords(over)}` }
    case 'failed':
      return { text: 'Not signed', tone: 'refused', detail: outcome.failure.message }
  }
}

function keptWords(over: boolean): string {
  return over
    ? 'Kept and on record; never released, because the file was not completed.'
    : 'Kept here until the file is complete.'
}

function waiting(over: boolean): Words {
  return over
    ? { text: 'Not signed', tone: 'neutral', detail: 'The key was not used.' }
    : { text: 'Waiting', tone: 'neutral', detail: null }
}

function doubtful(kind: 'begun' | 'unknown', over: boolean): Words {
  return kind === 'begun' && !over
    ? { text: 'Begun', tone: 'accent', detail: null }
    : { text: 'In doubt', tone: 'refused', detail: 'The token was asked and its answer never arrived.' }
}

/** What the row of a file says. With several keys a file is in doubt, or not signed, as soon as one of its signatures is. */
export function fileOutcomeView(file: FileState): OutcomeView | null {
  const { further = [] } = file
  const own = outcomeView(ownOutcome(file))
  if (further.length === 0 || file.outcome.kind === 'signed') return own
  for (const kind of ['unknown', 'failed'] as const) {
    const index = further.findIndex(({ outcome }) => outcome.kind === kind)
    const outcome = further[index]?.outcome
    if (outcome === undefined) continue
    const key = numbersOfKeys([index + 2])
    return outcome.kind === 'failed'
      ? { text: 'Not signed', tone: 'refused', detail: `${key}: ${outcome.failure.message}`, outputSha256: null }
      : {
          text: 'In doubt',
          tone: 'refused',
          detail: `${key}: the token was asked and its answer never arrived.`,
          outputSha256: null,
        }
  }
  if (own !== null) return own
  const made = further.filter(({ outcome }) => outcome.kind === 'made').length
  if (made > 0) return { text: `${made} of ${count(further.length + 1, 'key')}`, tone: 'accent', ...noDetail }
  return further.some(({ outcome }) => outcome.kind === 'begun') ? { text: 'Begun', tone: 'accent', ...noDetail } : null
}

const noDetail = { detail: null, outputSha256: null } as const

/** The further keys of a request by what became of their signatures, as places from 1. Signatures of completed files are not among them. */
export type OpenSignatures = {
  readonly several: boolean
  /** Asked for, and their outcome is not known. The first key is among them, too. */
  readonly doubtful: readonly number[]
  /** Made for a file that is not complete. */
  readonly held: readonly number[]
}

export function openSignatures({ files }: Pick<RequestDetail, 'files'>): OpenSignatures {
  const open = files.filter(({ outcome, further }) => further !== undefined && outcome.kind !== 'signed')
  const among = (kinds: readonly string[]) => {
    const numbers = open.flatMap((file) => [
      ...(kinds.includes(ownOutcome(file).kind) ? [1] : []),
      ...(file.further ?? []).flatMap((each, index) => (kinds.includes(each.outcome.kind) ? [index + 2] : [])),
    ])
    return [...new Set(numbers)].sort((a, b) => a - b)
  }
  return {
    several: files.some(({ further }) => further !== undefined),
    doubtful: among(['begun', 'unknown']),
    held: among(['made']),
  }
}

/** Whether the stage has to be explained key by key: a file was begun and is not complete. */
export function showsSignatures({ summary, files }: Pick<RequestDetail, 'summary' | 'files'>): boolean {
  if (summary.stage === 'review') return false
  return files.some(
    ({ outcome, further = [] }) => outcome.kind !== 'signed' && further.some((each) => each.outcome.kind !== 'waiting'),
  )
}

/** The keys, from 1, that have yet to sign. The first signs last, so it is among them until the file is signed. */
export function keysToSign({ files }: Pick<RequestDetail, 'files'>): readonly number[] {
  const numbers = files
    .filter((file) => ownOutcome(file).kind === 'waiting')
    .flatMap(({ further = [] }) => [
      1,
      ...further.flatMap(({ outcome }, index) => (outcome.kind === 'waiting' ? [index + 2] : [])),
    ])
  return [...new Set(numbers)].sort((a, b) => a - b)
}

/** `Key 2 has signed`, `Keys 2 and 3 have signed`. */
export function haveSigned(numbers: readonly number[]): string {
  return `${numbersOfKeys(numbers)} ${numbers.length === 1 ? 'has' : 'have'} signed`
}

/** What becomes of signatures that wait for the file's last one when it will not be made. */
export function heldSentence(numbers: readonly number[]): string {
  const one = numbers.length === 1
  return `${haveSigned(numbers)}: ${one ? 'that signature is' : 'those signatures are'} on record and ${one ? 'is' : 'are'} never released, because the file was not completed.`
}
