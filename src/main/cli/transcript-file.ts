import { hash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { err, ok, type Result } from '../../shared/result.ts'
import { canonicalBytes, parseCanonical } from '../canonical/canonical-json.ts'

export type Members = Readonly<Record<string, unknown>>

/** A record as it stands in the transcript, and the entry that it names. */
export interface NamedRecord {
  readonly seq: number
  readonly record: Members
  /** Of its canonical bytes, lower-case hex: `recordSha256` of its entry. */
  readonly sha256: string
}

/**
 * What a transcript says of the log (docs/formats/ceremony.md §3). Its records are read no further than this: their digests tell whether they
 * are those of the log, whatever a later version of the station writes into them.
 */
export interface TranscriptFile {
  readonly name: string
  readonly sha256: string
  /** Empty where it has a problem. */
  readonly ceremonyId: string
  readonly logKey: string | null
  readonly outcome: string
  readonly records: readonly NamedRecord[]
  /** Why it is not one that a station sealed; null: nothing is wrong with it alone. */
  readonly problem: string | null
}

/** It is read as a whole. */
const maxTranscriptBytes = 2 ** 26

const format = 'signing-station-transcript/'

/** Every byte of it comes from outside. The error is a sentence: this is no transcript at all. */
export function readTranscriptFile(path: string): Result<TranscriptFile, string> {
  if (statSync(path).size > maxTranscriptBytes) return err(`${path} is larger than any transcript.`)
  const bytes = readFileSync(path)
  const canonical = parseCanonical(bytes)
  const value = canonical === null ? looselyRead(bytes) : canonical.value
  const claimed = isMembers(value) ? value['format'] : null
  if (!isMembers(value) || typeof claimed !== 'string' || !claimed.startsWith(format))
    return err(`${path} is not the transcript of a ceremony.`)
  if (claimed !== `${format}1`) return err(`${path} is a transcript in a form that this program does not know.`)
  const whole = { name: path, sha256: sha256(bytes) }
  const read =
    canonical === null ? err('its bytes are not in the form in which transcripts are sealed') : readMembers(value)
  if (read.ok) return ok({ ...whole, ...read.value, problem: null })
  return ok({ ...whole, ceremonyId: '', logKey: null, outcome: '', records: [], problem: read.error })
}

/** How many deviations it tells of. */
export function deviationsOf({ records }: TranscriptFile): number {
  return records.filter(({ record }) => record['event'] === 'ceremony-deviation').length
}

function readMembers(
  value: Members,
): Result<Pick<TranscriptFile, 'ceremonyId' | 'logKey' | 'outcome' | 'records'>, string> {
  const { ceremonyId, logKey, outcome, plan, records: listed } = value
  if (typeof ceremonyId !== 'string' || !/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(ceremonyId))
    return err('it names no ceremony')
  if (logKey !== null && typeof logKey !== 'string') return err('it names no log')
  if (typeof outcome !== 'string') return err('it has no outcome')
  if (!Array.isArray(listed)) return err('it has no records')
  const records: NamedRecord[] = []
  for (const each of listed as readonly unknown[]) {
    const { seq, record }: Members = isMembers(each) ? each : {}
    const n = records.length + 1
    if (typeof seq !== 'number' || seq < 1 || !isMembers(record)) return err(`record ${n} names no entry`)
    if (record['n'] !== n) return err(`record ${n} is not in its place`)
    if (seq <= (records.at(-1)?.seq ?? 0)) return err(`record ${n} names an entry that is not behind the one before`)
    if ((record['event'] === 'ceremony-begun') !== (n === 1)) return err(`record ${n} is not in its place`)
    records.push({ seq, record, sha256: sha256(canonicalBytes(record)) })
  }
  const [begun] = records
  if (begun === undefined) return err('it has no records')
  if (!isMembers(plan) || !isBegunWith(plan, begun.record))
    return err('its plan is not the one that the ceremony was begun with')
  return ok({ ceremonyId, logKey, outcome, records })
}

/** Whoever seals another plan at the end has the digest of the beginning against him. */
function isBegunWith({ script, scriptSha256, planSha256 }: Members, begun: Members): boolean {
  return (
    scriptSha256 === begun['scriptSha256'] &&
    planSha256 === begun['planSha256'] &&
    isMembers(script) &&
    sha256(canonicalBytes(script)) === planSha256
  )
}

/** Null: no JSON. What somebody edited and saved in another form is still told from what never was a transcript. */
function looselyRead(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return null
  }
}

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function sha256(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex')
}
