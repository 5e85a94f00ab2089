import type { AuditSource } from '../../../shared/audit.ts'
import { plainNumber, utc } from '../../parts/format.ts'
import type { ReportView } from './report-view.ts'

/** Entries on one part of a report: some 150 pages, which a person may still want and a browser still lays out. */
export const mostPrinted = 5_000

/** A report of more entries is printed in parts. Places are counted from 0 at the oldest entry; null: there is no entry. */
export interface PrintedPart {
  readonly number: number
  readonly of: number
  readonly first: number
  readonly last: number
}

/** Part `number`, from 1, of so many entries; a number beyond the last is the last. */
export function partOf(total: number, number: number, most: number = mostPrinted): PrintedPart {
  const of = Math.max(1, Math.ceil(total / most))
  const wanted = Math.min(Math.max(1, number), of)
  return { number: wanted, of, first: (wanted - 1) * most, last: Math.min(wanted * most, total) - 1 }
}

export function partWords({ number, of, first, last }: PrintedPart): string {
  return `${plainNumber(number)} of ${plainNumber(of)}: the ${plainNumber(first + 1)}. to the ${plainNumber(last + 1)}. of them, oldest first`
}

/** The head of a report: which log, which part of it, who had it made and when. */
export function printedHead(about: {
  readonly source: AuditSource
  readonly origin: string | null
  readonly file: string | null
  readonly by: string | null
  readonly madeAt: string
  readonly words: string
  readonly total: number | null
  /** Which part of them this is; null: all. */
  readonly part: PrintedPart | null
}): ReportView['facts'] {
  return [
    { label: 'Log', value: about.origin ?? 'It names no station' },
    ...(about.source === 'station' ? [] : [{ label: 'Read from', value: about.file ?? 'A file' }]),
    { label: 'Entries', value: about.words === '' ? 'All of them' : `Those ${about.words}` },
    ...(about.total === null ? [] : [{ label: 'Number', value: plainNumber(about.total) }]),
    ...(about.part === null || about.part.of === 1 ? [] : [{ label: 'Part', value: partWords(about.part) }]),
    ...(about.by === null ? [] : [{ label: 'Made by', value: about.by }]),
    { label: 'Made at', value: utc(about.madeAt) },
  ]
}
