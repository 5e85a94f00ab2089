import type { AuditSource } from '../../../shared/audit.ts'
import { plainNumber, utc } from '../../parts/format.ts'
import type { ReportView } from './report-view.ts'

/** Entries on one report: some 150 pages, which a person may still want and a browser still lays out. */
export const mostPrinted = 5_000

/** The head of a report: which log, which part of it, who had it made and when. */
export function printedHead(about: {
  readonly source: AuditSource
  readonly origin: string | null
  readonly file: string | null
  readonly by: string | null
  readonly madeAt: string
  readonly words: string
  readonly total: number | null
}): ReportView['facts'] {
  return [
    { label: 'Log', value: about.origin ?? 'It names no station' },
    ...(about.source === 'station' ? [] : [{ label: 'Read from', value: about.file ?? 'A file' }]),
    { label: 'Entries', value: about.words === '' ? 'All of them' : `Those ${about.words}` },
    ...(about.total === null ? [] : [{ label: 'Number', value: plainNumber(about.total) }]),
    ...(about.by === null ? [] : [{ label: 'Made by', value: about.by }]),
    { label: 'Made at', value: utc(about.madeAt) },
  ]
}
