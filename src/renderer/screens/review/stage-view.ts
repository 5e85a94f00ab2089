import type { RequestDetail } from '../../../shared/request.ts'
import { count } from '../../parts/format.ts'
import { sameToken } from '../../parts/pin-view.ts'
import type { SigningProgress } from '../../station/station-queries.ts'
import { listed, numbersOfKeys } from './key-numbers.ts'
import { haveSigned, heldSentence, keyOutcomes, openSignatures, showsSignatures } from './key-outcome-view.ts'

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
  const open = openSignatures(detail)
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
        sentence: `The token is in use. Cancelling stops between two ${open.several ? 'signatures' : 'files'}; what is signed stays signed.`,
        actions: ['cancel'],
      }
    case 'interrupted':
      return open.several ? interruptedBetweenKeys(detail, ofAll) : interruptedView(ofAll)
    case 'incident':
      return incidentView(detail, ofAll)
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

function interruptedView(ofAll: string): StageView {
  return {
    tone: 'attention',
    title: `Interrupted: ${ofAll} signed`,
    sentence:
      'The signing stopped between two files. What is signed is kept, and no signature is in doubt. Go on under the same approval, or stop here and return what is signed.',
    actions: ['resume', 'stop'],
  }
}

function interruptedBetweenKeys(detail: RequestDetail, ofAll: string): StageView {
  const { held } = openSignatures(detail)
  const actions = ['resume', 'stop'] as const
  if (held.length === 0)
    return {
      tone: 'attention',
      title: `Interrupted: ${ofAll} signed`,
      sentence:
        'The signing stopped before the next key was used. No signature is in doubt. Continue with the PIN under the same approval, or stop here.',
      actions,
    }
  const [whose, is, goes] = held.length === 1 ? ['Its signature', 'is', 'goes'] : ['Their signatures', 'are', 'go']
  return {
    tone: 'attention',
    title: `Interrupted: ${haveSigned(held).toLowerCase()}`,
    sentence: `${haveSigned(held)}; continue with the PIN. ${whose} ${is} kept, ${is} not made a second time, and ${goes} out only with the complete file. No signature is in doubt. Go on under the same approval, or stop here: then the file is reported as not signed.`,
    actions,
  }
}

function incidentView(detail: RequestDetail, ofAll: string): StageView {
  const { several, doubtful, held } = openSignatures(detail)
  const inDoubt = several
    ? doubtful.length
    : detail.files.filter(({ outcome }) => outcome.kind === 'begun' || outcome.kind === 'unknown').length
  const signatures = inDoubt > 1 ? `${inDoubt} signatures` : 'a signature'
  const by = several && doubtful.length > 0 ? ` by ${numbersOfKeys(doubtful).toLowerCase()}` : ''
  const kept = held.length === 0 ? '' : ` ${haveSigned(held)}: that is kept, too, and not released.`
  return {
    tone: 'refused',
    title: `${inDoubt > 1 ? `${inDoubt} signatures` : 'A signature'}${by} ${inDoubt > 1 ? 'are' : 'is'} in doubt`,
    sentence: `The token was asked for ${signatures}${by} and its answer never arrived: ${inDoubt > 1 ? 'signatures' : 'a signature'} may exist that no log has. Kept: ${ofAll} signed, and the intent of each ${several ? 'signature' : 'file'} in doubt.${kept} Nothing more is signed for this request. Find out what happened, then close the incident with a note.`,
    actions: ['close-incident'],
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
  return {
    tone: 'attention',
    title: sheet.furtherKeys === undefined ? 'Its key cannot be used now' : 'One of its keys cannot be used now',
    sentence: `${whatToInsert(sheet)}: then the checks are made again by themselves, and you review the new sheet. Nothing is signed without you. Until then the request waits here${held === null ? '' : ', and the server gives this station no other work'}. If it should not wait, decline it.`,
    actions: ['recheck', 'decline-for-key'],
  }
}

function whatToInsert({ key, furtherKeys = [] }: NonNullable<RequestDetail['sheet']>): string {
  const homes = [key, ...furtherKeys.map((further) => further.key)].map(({ registered }) => registered?.home)
  const tokens = homes.flatMap((home) => (home?.kind === 'token' ? [home.token] : []))
  const named = tokens
    .filter((token, index) => tokens.findIndex((other) => sameToken(other, token)) === index)
    .map(({ model, serial }) => `${model}, serial ${serial}`)
  const inSoftware = homes.some((home) => home?.kind !== 'token')
  const [only] = named
  if (only === undefined) return 'Put the service key back that opens the key’s record'
  if (named.length === 1 && !inSoftware) return `Insert the token (${only})`
  return `See that all are here: ${listed([
    ...(named.length === 1 ? [`the token (${only})`] : [`the tokens (${named.join('; ')})`]),
    ...(inSoftware ? ['the service key that opens the record of a key in software'] : []),
  ])}`
}

/** What the server and whoever asked are told, if the operator lets it stand. */
export function absentKeyReason({ sheet, summary }: RequestDetail): string {
  const further = sheet?.furtherKeys ?? []
  if (sheet !== null && further.length > 0)
    return `Not all of the keys ${listed([sheet.key, ...further.map(({ key }) => key)].map(({ fingerprint }) => fingerprint))} can be used at this station now: a device that holds one is not here.`
  const print = sheet?.key.fingerprint ?? summary.fingerprint
  return `The key ${print ?? ''} cannot be used at this station now: the device that holds it is not here.`
}

function doneView(detail: RequestDetail, signed: number, total: number): StageView {
  const { outcome } = detail.summary
  const reason = detail.decision?.reason ?? null
  const told = detail.byHand === undefined ? 'The server was told. ' : ''
  const { held } = openSignatures(detail)
  const unreleased = heldWords(detail)
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
            ? `The server was told which files are signed and which are not, each with its reason.${unreleased}`
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
        sentence: `${signed > 0 ? `${signed} of ${count(total, 'file')} signed` : held.length > 0 ? 'No file was signed' : 'Nothing was signed'}.${detail.byHand === undefined ? ' The server was told why.' : ''}${unreleased}`,
        actions: [],
      }
    case 'aborted-by-server':
      return {
        tone: 'neutral',
        title: 'Withdrawn by the server',
        sentence: `The server took the request back.${signed > 0 ? ` ${signed} of ${count(total, 'file')} had been signed; they stay here and in the log.` : held.length > 0 ? '' : ' Nothing was signed.'}${unreleased}`,
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

/** For a person about to end the request: what becomes of signatures whose file is not complete. Empty: there are none. */
export function heldWords(detail: RequestDetail): string {
  const { held } = openSignatures(detail)
  return held.length === 0 ? '' : ` ${heldSentence(held)}`
}

export type ProgressView = {
  readonly done: number
  readonly total: number
  readonly sentence: string
  readonly touch: boolean
  readonly announce: string
  /** With several keys: how many have signed the file that is being signed. Null: one key signs. */
  readonly keys: { readonly done: number; readonly total: number } | null
}

/** How far a signing is. `announce` changes seldom enough to be read out. */
export function progressView(detail: RequestDetail, progress: SigningProgress | null): ProgressView {
  const total = Math.max(1, progress?.total ?? detail.summary.fileCount)
  const done = Math.min(total, progress?.signed ?? detail.summary.signedCount)
  const current = Math.min(total, done + 1)
  const keys = keysDone(detail)
  const told = progress?.phase ?? 'login'
  // What a further key does completes no file, and main tells of it by the file's state alone.
  const phase = told === 'login' && keys !== null && showsSignatures(detail) ? 'signing' : told
  const withKeys = keys === null ? '' : ` with ${count(keys.total, 'key')}`
  const sentences: Record<typeof phase, string> = {
    login: `Unlocking the ${keys === null ? 'token' : 'tokens'} …`,
    signing: `Signing file ${current} of ${total}${withKeys}`,
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
    announce:
      phase === 'touch'
        ? sentences.touch
        : keys === null
          ? part
          : `${part}, ${keys.done} of ${count(keys.total, 'key')} for this file`,
    keys,
  }
}

/** Of the file that is being signed, or of the last one when all are. */
function keysDone({ files }: RequestDetail): ProgressView['keys'] {
  const file = fileInWork(files)
  if (file === null) return null
  const outcomes = keyOutcomes(file, false)
  return { done: outcomes.filter(({ text }) => text === 'Signed').length, total: outcomes.length }
}

export function fileInWork(files: RequestDetail['files']): RequestDetail['files'][number] | null {
  const several = files.filter(({ further }) => further !== undefined)
  return several.find(({ outcome }) => outcome.kind !== 'signed') ?? several.at(-1) ?? null
}

/** What was written beside the files, up to the name of the folder. A release without its proofs is said to be without. */
export function savedWords({ files, proofs }: { readonly files: number; readonly proofs: number }): string {
  const written = count(files, 'file')
  if (proofs === 0) return `${written} written, without a proof that they are in the log, to`
  return proofs < files
    ? `${written} written, only ${proofs} of them with the proof that they are in the log, to`
    : `${written} and the ${files === 1 ? 'proof' : 'proofs'} that ${files === 1 ? 'it is' : 'they are'} in the log written to`
}
