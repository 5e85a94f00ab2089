import { byHandOrigin } from '../../../shared/by-hand-origin.ts'
import type { RequestId } from '../../../shared/ids.ts'
import type { PendingWork, RequestSummary } from '../../../shared/request.ts'
import type { Tone } from '../../design/Badge.tsx'
import { count, plainNumber } from '../../parts/format.ts'
import { checkOutcomeWords, outcomeWords, stageWords } from '../../parts/wording.ts'

export type RequestRowView = {
  readonly id: RequestId
  readonly title: string
  readonly about: string
  readonly key: string
  readonly files: string
  readonly state: { readonly text: string; readonly tone: Tone }
  /** Null where the checks have nothing to add: none made yet, or the request is decided. */
  readonly worst: { readonly text: string; readonly tone: Tone } | null
  readonly at: string
}

export function requestRow(summary: RequestSummary): RequestRowView {
  const decided = summary.outcome !== null
  const byHand = summary.server === byHandOrigin
  const place = summary.scope === null ? summary.workspace : `${summary.scope}/${summary.workspace}`
  const state = summary.outcome === null ? stageWords[summary.stage] : outcomeWords[summary.outcome]
  return {
    id: summary.id,
    title: summary.title,
    about: byHand
      ? `Opened by hand, no. ${summary.workRequestId}${summary.requestedBy === null ? '' : `, by ${summary.requestedBy}`}`
      : `#${summary.workRequestId} in ${place}${summary.requestedBy === null ? '' : `, asked by ${summary.requestedBy}`}`,
    key:
      summary.keyDescription ??
      (summary.fingerprint === null ? 'No key named' : `Unknown key ${summary.fingerprint.slice(0, 8)}…`),
    files:
      summary.signedCount > 0 && summary.signedCount < summary.fileCount
        ? `${summary.signedCount} of ${plainNumber(summary.fileCount)}`
        : plainNumber(summary.fileCount),
    state,
    worst: decided
      ? null
      : summary.waitsForKey
        ? { text: 'Waits for its key', tone: 'attention' }
        : summary.worstCheck === null
          ? null
          : worstWords(summary.worstCheck),
    at: summary.updatedAt,
  }
}

function worstWords(worst: NonNullable<RequestSummary['worstCheck']>): { readonly text: string; readonly tone: Tone } {
  return worst === 'passed' ? { text: 'Checks passed', tone: 'passed' } : checkOutcomeWords[worst]
}

export type PendingRowView = {
  readonly id: number
  readonly title: string
  readonly key: string
  readonly workspace: string
  readonly state: { readonly text: string; readonly tone: Tone }
  readonly note: string
  readonly at: string
}

export function pendingRow(work: PendingWork): PendingRowView {
  const elsewhere = work.assignedTo !== null
  return {
    id: work.workRequestId,
    title: `#${work.workRequestId} ${work.task}`,
    key:
      work.fingerprint === null
        ? (work.purpose ?? 'not said')
        : `${work.purpose ?? ''} ${work.fingerprint.slice(0, 8)}…`.trim(),
    workspace: work.workspace,
    state: elsewhere
      ? { text: `Held by worker ${work.assignedTo}`, tone: 'neutral' }
      : work.servable
        ? { text: 'Could come here', tone: 'passed' }
        : { text: 'Not for this station', tone: 'neutral' },
    note: work.note ?? '',
    at: work.createdAt,
  }
}

export function foundSentence(total: number, search: string): string {
  return search === '' ? count(total, 'request') : `${count(total, 'request')} found`
}
