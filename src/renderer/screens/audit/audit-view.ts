import type { AuditDetail, AuditRow, AuditSource } from '../../../shared/audit.ts'
import type { AuditSeq } from '../../../shared/ids.ts'
import type { Tone } from '../../design/Badge.tsx'
import { plainNumber } from '../../parts/format.ts'
import { eventWords, keyWords } from './event-words.ts'

/** What the list and an open entry call it. Nothing went wrong where signing was stopped before the key was used. */
export function eventOf(row: AuditRow): { readonly text: string; readonly tone: Tone } {
  const words = row.withdrawn ? ({ text: 'Not signed', tone: 'neutral' } as const) : eventWords[row.event]
  return row.key === undefined ? words : { ...words, text: `${words.text}, ${keyWords(row.key)}` }
}

/** What an entry gives digests of, as the entry and a printed report call them. */
export function digestsOf({
  inputSha256,
  outputSha256,
  key,
}: AuditRow): readonly { readonly title: string; readonly hex: string }[] {
  return [
    ...(inputSha256 === null ? [] : [{ title: 'Input file, SHA-256', hex: inputSha256 }]),
    ...(outputSha256 === undefined ? [] : [{ title: outputTitle(key), hex: outputSha256 }]),
  ]
}

/** The first key signs last, and what it gives is the file; before that there is no file, only a key's own signature. */
function outputTitle(key: AuditRow['key']): string {
  return key === undefined || key.position === 1
    ? 'Signed file, SHA-256'
    : `OpenPGP signature packet of ${keyWords(key)}, SHA-256`
}

export type AuditRowView = {
  readonly seq: AuditSeq
  readonly number: string
  readonly event: { readonly text: string; readonly tone: Tone }
  readonly summary: string
  readonly operator: string
  readonly request: string
  readonly at: string
}

export function auditRowView(row: AuditRow): AuditRowView {
  return {
    seq: row.seq,
    number: plainNumber(row.seq),
    event: eventOf(row),
    summary: row.summary,
    operator: row.operator ?? '',
    request: row.workRequestId === null ? '' : `#${row.workRequestId}`,
    at: row.at,
  }
}

/** The entry broken into lines to be read. The bytes that are hashed are shown beside it; a text that is no JSON stays as it is. */
export function readableEntry(entry: string): string {
  try {
    return JSON.stringify(JSON.parse(entry), null, 2)
  } catch {
    return entry
  }
}

export function previousHashWords(detail: AuditDetail): string {
  return detail.row.seq === 1 ? 'Before the first entry' : `Leaf hash of entry ${plainNumber(detail.row.seq - 1)}`
}

/** What the proof below is good for, or why there is none. */
export function proofWords({ proof }: AuditDetail, source: AuditSource): string {
  if (proof !== null)
    return 'With the verifier key this text alone shows that the entry is in the log: signing-station-verify and other tools for C2SP tlog-proof read it.'
  return source === 'station'
    ? 'No checkpoint covers this entry yet. The next one is signed after the next decision, or under “Checkpoint and key”.'
    : 'The file that is open here does not hold what a proof of this entry needs.'
}
