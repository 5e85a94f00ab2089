import type { FileOutcome, RequestDetail } from '../../../shared/request.ts'
import type { Tone } from '../../design/Badge.tsx'
import { count } from '../../parts/format.ts'
import type { SigningProgress } from '../../station/station-queries.ts'

export type StageAction =
  | 'recheck'
  | 'decline'
  | 'decline-for-key'
  | 'cancel'
  | 'resume'
  | 'stop'
  | 'close-incident'
  | 'retry-return'
  | 'save-outputs'

/** What stands above the sheet of a request that is not (or no longer) up for review. */
export type StageView = {
  readonly tone: 'neutral' | 'passed' | 'attention' | 'refused'
  readonly title: string
  readonly sentence: string
  readonly actions: readonly StageAction[]
}

export function stageView(detail: RequestDetail): StageView | null {
  const { summary, files } = detail
  const signed = files.filter((file) => file.outcome.kind === 'signed').length
  // Files of an upload that are not signed themselves are not counted.
  const kept = (detail.sheet?.artifacts ?? [])
    .flatMap((artifact) => artifact.files)
    .filter(({ disposition }) => disposition === 'keep').length
  const total = Math.max(summary.fileCount, files.length - kept)
  const ofAll = `${signed} of ${count(total, 'file')}`
  const inDoubt = detail.files.filter(({ outcome }) => outcome.kind === 'begun' || outcome.kind === 'unknown').length
  switch (summary.stage) {
    case 'preparing':
      return {
        tone: 'neutral',
        title: 'Being prepared',
        sentence: 'The files are being fetched, inspected and checked. Nothing is to be decided yet.',
        actions: [],
      }
    case 'unprepared':
      return {
        tone: 'refused',
        title: 'There is no sheet to review',
        sentence:
          'The request could not be prepared. Nothing was signed. It stays in hand until you try again or decline.',
        actions: ['recheck', 'decline'],
      }
    case 'review':
      return detail.failure === null
        ? waitingView(detail)
        : {
            tone: detail.failure.kind === 'unavailable' ? 'attention' : 'refused',
            title: 'Something went wrong',
            sentence: 'The request is still up for review.',
            actions: [],
          }
    case 'signing':
      return {
        tone: 'neutral',
        title: 'Signing',
        sentence: 'The token is in use. Cancelling stops between two files; what is signed stays signed.',
        actions: ['cancel'],
      }
    case 'interrupted':
      return {
        tone: 'attention',
        title: `Interrupted: ${ofAll} signed`,
        sentence:
          'The signing stopped between two files. What is signed is kept, and no signature is in doubt. Go on under the same approval, or stop here and return what is signed.',
        actions: ['resume', 'stop'],
      }
    case 'incident':
      return {
        tone: 'refused',
        title: inDoubt > 1 ? `${inDoubt} signatures are in doubt` : 'A signature is in doubt',
        sentence: `The token was asked for ${inDoubt > 1 ? `${inDoubt} signatures` : 'a signature'} and its answer never arrived: ${inDoubt > 1 ? 'signatures' : 'a signature'} may exist that no log has. Kept: ${ofAll} signed, and the intent of each file in doubt. Nothing more is signed for this request. Find out what happened, then close the incident with a note.`,
        actions: ['close-incident'],
      }
    case 'returning':
      if (detail.byHand !== undefined) return deliveryView(detail, ofAll)
      return detail.failure === null
        ? {
            tone: 'neutral',
            title: 'Being returned',
            sentence: `${ofAll} signed. The result is being uploaded to the server.`,
            actions: [],
          }
        : {
            tone: 'attention',
            title: 'Not returned yet',
            sentence: `${ofAll} signed and kept here. The server did not take the result.`,
            actions: ['retry-return'],
          }
    case 'done':
      return doneView(detail, signed, total)
  }
}

/** Of files that were opened by hand, the signatures go to no server but to where a person wanted them. */
function deliveryView(detail: RequestDetail, ofAll: string): StageView {
  if (detail.failure === null)
    return {
      tone: 'neutral',
      title: 'Being written',
      sentence: `${ofAll} signed. The signatures are being written.`,
      actions: [],
    }
  return {
    tone: 'attention',
    title: detail.byHand?.inTheWay == null ? 'Not written yet' : 'There is a file in the way',
    sentence: `${ofAll} signed and kept here.`,
    actions: ['retry-return'],
  }
}

function deliveredSentence({ byHand }: RequestDetail): string {
  const outputs = byHand?.outputs ?? []
  const written = outputs.filter(({ state }) => state === 'written')
  const paths = written.slice(0, 3).map(({ path }) => path)
  const more = written.length > 3 ? ` and ${written.length - 3} more` : ''
  return written.length === 0
    ? 'Nothing was written; the signatures are kept in the station.'
    : `Every signature was verified here before it was written. Written: ${paths.join(', ')}${more}.`
}

/** Null: it waits for nothing but a decision. */
function waitingView({ summary, sheet, held }: RequestDetail): StageView | null {
  if (!summary.waitsForKey || sheet === null) return null
  const home = sheet.key.registered?.home
  const insert =
    home?.kind === 'token'
      ? `Insert the token (${home.token.model}, serial ${home.token.serial})`
      : 'Put the service key back that opens the key’s record'
  return {
    tone: 'attention',
    title: 'Its key cannot be used now',
    sentence: `${insert}: then the checks are made again by themselves, and you review the new sheet. Nothing is signed without you. Until then the request waits here${held === null ? '' : ', and the server gives this station no other work'}. If it should not wait, decline it.`,
    actions: ['recheck', 'decline-for-key'],
  }
}

/** What the server and whoever asked are told, if the operator lets it stand. */
export function absentKeyReason({ sheet, summary }: RequestDetail): string {
  const print = sheet?.key.fingerprint ?? summary.fingerprint
  return `The key ${print ?? ''} cannot be used at this station now: the device that holds it is not here.`
}

function doneView(detail: RequestDetail, signed: number, total: number): StageView {
  const { outcome } = detail.summary
  const reason = detail.decision?.reason ?? null
  const told = detail.byHand === undefined ? 'The server was told. ' : ''
  switch (outcome) {
    case 'signed':
      return {
        tone: 'passed',
        title: `Signed: ${count(total, 'file')}`,
        sentence:
          detail.byHand === undefined
            ? 'Every signature was verified here before it was returned to the server.'
            : deliveredSentence(detail),
        actions: ['save-outputs'],
      }
    case 'partly-signed':
      return {
        tone: 'attention',
        title: `Partly signed: ${signed} of ${count(total, 'file')}`,
        sentence:
          detail.byHand === undefined
            ? 'The server was told which files are signed and which are not, each with its reason.'
            : deliveredSentence(detail),
        actions: ['save-outputs'],
      }
    case 'declined':
      return {
        tone: 'neutral',
        title: 'Declined',
        sentence: `${told}Nothing was signed.${reason === null ? '' : ` Reason: ${reason}`}`,
        actions: [],
      }
    case 'failed':
      return {
        tone: 'refused',
        title: 'Failed',
        sentence: `${signed === 0 ? 'Nothing was signed' : `${signed} of ${count(total, 'file')} signed`}.${detail.byHand === undefined ? ' The server was told why.' : ''}`,
        actions: [],
      }
    case 'aborted-by-server':
      return {
        tone: 'neutral',
        title: 'Withdrawn by the server',
        sentence: `The server took the request back.${signed === 0 ? ' Nothing was signed.' : ` ${signed} of ${count(total, 'file')} had been signed; they stay here and in the log.`}`,
        actions: [],
      }
    case null:
      return {
        tone: 'refused',
        title: 'Done without an outcome',
        sentence: 'The station did not say how this ended. The audit log does.',
        actions: [],
      }
  }
}

export type ProgressView = {
  readonly done: number
  readonly total: number
  readonly sentence: string
  readonly touch: boolean
  readonly announce: string
}

/** How far a signing is. `announce` changes seldom enough to be read out. */
export function progressView(detail: RequestDetail, progress: SigningProgress | null): ProgressView {
  const total = Math.max(1, progress?.total ?? detail.summary.fileCount)
  const done = Math.min(total, progress?.signed ?? detail.summary.signedCount)
  const current = Math.min(total, done + 1)
  const phase = progress?.phase ?? 'login'
  const sentences: Record<typeof phase, string> = {
    login: 'Unlocking the token …',
    signing: `Signing file ${current} of ${total}`,
    touch: `Touch the token now if it blinks: file ${current} of ${total} waits`,
    verifying: `Verifying the signature of file ${current} of ${total}`,
    returning: `${done} of ${count(total, 'file')} signed. Returning the result …`,
  }
  const tenth = total <= 10 ? done : Math.floor((done * 10) / total)
  const part = total <= 10 ? `${done} of ${total} signed` : `${tenth * 10} percent signed`
  return {
    done,
    total,
    sentence: sentences[phase],
    touch: phase === 'touch',
    announce: phase === 'touch' ? sentences.touch : part,
  }
}

export type OutcomeView = {
  readonly text: string
  readonly tone: Tone
  readonly detail: string | null
  readonly outputSha256: string | null
}

/** What became of one file. Waiting says nothing: the badge would stand on every row. */
export function outcomeView(outcome: FileOutcome): OutcomeView | null {
  switch (outcome.kind) {
    case 'waiting':
      return null
    case 'begun':
      return { text: 'Begun', tone: 'accent', detail: null, outputSha256: null }
    case 'signed':
      return { text: 'Signed', tone: 'passed', detail: null, outputSha256: outcome.outputSha256 }
    case 'failed':
      return { text: 'Not signed', tone: 'refused', detail: outcome.failure.message, outputSha256: null }
    case 'unknown':
      return {
        text: 'In doubt',
        tone: 'refused',
        detail: 'The token was asked and its answer never arrived.',
        outputSha256: null,
      }
  }
}

/** What was written beside the files, up to the name of the folder. A release without its proofs is said to be without. */
export function savedWords({ files, proofs }: { readonly files: number; readonly proofs: number }): string {
  const written = count(files, 'file')
  if (proofs === 0) return `${written} written, without a proof that they are in the log, to`
  return proofs < files
    ? `${written} written, only ${proofs} of them with the proof that they are in the log, to`
    : `${written} and the ${files === 1 ? 'proof' : 'proofs'} that ${files === 1 ? 'it is' : 'they are'} in the log written to`
}
