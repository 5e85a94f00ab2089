import { formatVerifierKey, type VerifierKey } from '../audit/format/signed-note.ts'
import { type Finding, finding } from '../audit/format/verification.ts'
import { parseCanonical } from '../canonical/canonical-json.ts'
import type { LogSearch } from './find-signature.ts'
import { deviationsOf, isMembers, type Members, type NamedRecord, type TranscriptFile } from './transcript-file.ts'
import type { Outcome, TranscriptFound } from './verify-output.ts'

/** An entry `ceremony-ended` of the ceremony. */
interface Seal {
  readonly seq: number
  readonly entry: Members
}

/**
 * Compares a transcript with the log while it is read (docs/formats/ceremony.md §3): the entry that sealed it, one entry for each record, and
 * none of the ceremony beside them. Keeps no more than the transcript has, however many entries somebody wrote.
 */
export function findTranscript(file: TranscriptFile | null, key: VerifierKey): LogSearch {
  if (file === null) return { look: () => {}, checkpoint: () => {}, conclude: (outcome) => outcome }
  const mark = `"ceremonyId":"${file.ceremonyId}"`
  const bySeq = new Map(file.records.map((record) => [record.seq, record]))
  let seal: Seal | null = null
  let covered: number | null = null
  let read = 0
  let compared = 0
  // The first of each kind.
  let second: Seal | null = null
  let wrong: Finding | null = null
  let unlisted: Finding | null = null

  function sealed(seq: number, entry: Members): void {
    if (seal === null) seal = { seq, entry }
    else second ??= { seq, entry }
  }

  return {
    look: (seq, bytes) => {
      const record = bySeq.get(seq)
      if (record !== undefined) read += 1
      const entry = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(mark, 0, 'latin1')
        ? entryOf(bytes, file.ceremonyId)
        : null
      const isSeal = entry?.['event'] === 'ceremony-ended'
      if (entry !== null && isSeal) sealed(seq, entry)
      if (record !== undefined) {
        const difference = entry === null || isSeal ? 'is no record of this ceremony' : differenceOf(record, entry)
        if (difference === null) compared += 1
        else wrong ??= contradicts(file, `its record ${numberOf(record)} names entry ${seq}, which ${difference}`, seq)
      } else if (entry !== null && !isSeal) {
        unlisted ??= finding(
          'transcript-incomplete',
          [seq, seq],
          `${file.name} leaves something out: entry ${seq} is of this ceremony ("${String(entry['event'])}") and is not in it.`,
        )
      }
    },
    checkpoint: (size) => {
      if (seal !== null) covered ??= size
    },
    conclude: (outcome) => {
      if (outcome.kind === 'usage') return outcome
      const matching = seal !== null && isSealOf(file, seal.entry) ? seal : null
      const found: TranscriptFound = {
        file: file.name,
        ceremonyId: file.ceremonyId,
        sealedBy: matching?.seq ?? null,
        checkpoint: matching === null ? null : coverOf(matching.seq, covered, outcome.facts?.known ?? []),
        records: file.records.length,
        compared,
        complete: false,
      }
      const size = outcome.facts?.size ?? 0
      const omitted = outcome.facts?.omitted ?? 0
      const missing = omitted === 0 && read < file.records.length ? beyond(file, size) : null
      const fault =
        ownFault(file, key) ?? sealFault(file, { seal, second, omitted }) ?? wrong ?? missing ?? unlisted ?? null
      return concluded(outcome, found, fault)
    },
  }
}

/** Whether the entry seals this transcript; `entry` is of its ceremony. */
export function isSealOf(file: TranscriptFile, entry: Members): boolean {
  return entry['event'] === 'ceremony-ended' && entry['transcriptSha256'] === file.sha256
}

/** What is wrong with it whatever the log has. */
export function ownFault(file: TranscriptFile, key: VerifierKey | null): Finding | null {
  if (file.problem !== null)
    return finding(
      'transcript-malformed',
      null,
      `${file.name} is not as a station seals transcripts: ${file.problem}. It was edited.`,
    )
  if (file.logKey !== null && key !== null && file.logKey !== formatVerifierKey(key))
    return contradicts(file, 'it names the key of another log', null)
  return null
}

function sealFault(
  file: TranscriptFile,
  { seal, second, omitted }: { readonly seal: Seal | null; readonly second: Seal | null; readonly omitted: number },
): Finding | null {
  if (seal !== null && second !== null)
    return finding(
      'transcript-sealed-twice',
      [seal.seq, second.seq],
      `Entries ${seal.seq} and ${second.seq} both seal a transcript of the ceremony ${file.ceremonyId}. A station does that once: neither can be relied on.`,
    )
  if (seal === null)
    return omitted > 0
      ? null
      : finding(
          'transcript-not-sealed',
          null,
          `No entry of the log seals a transcript of the ceremony ${file.ceremonyId}, which ${file.name} is of.`,
        )
  if (!isSealOf(file, seal.entry))
    return finding(
      'transcript-not-sealed',
      null,
      `${file.name} is not what was sealed: entry ${seal.seq} seals another transcript of the ceremony ${file.ceremonyId}. This one was edited, or made beside it.`,
    )
  return sealContradiction(file, seal.seq, seal.entry)
}

/** What the sealing entry says in words of its own. */
export function sealContradiction(file: TranscriptFile, seq: number, entry: Members): Finding | null {
  if (file.outcome !== entry['outcome']) return contradicts(file, `entry ${seq} has another outcome`, seq)
  if (deviationsOf(file) !== entry['deviations'])
    return contradicts(file, `entry ${seq} counts other deviations than it has`, seq)
  if ((file.records.at(-1)?.seq ?? 0) >= seq)
    return contradicts(file, `entry ${seq} seals it, and it has records behind that`, seq)
  return null
}

/** Null: the entry is the one of this record. */
function differenceOf({ record, sha256 }: NamedRecord, entry: Members): string | null {
  if (entry['recordSha256'] !== sha256) return 'has the digest of another record'
  // The log's clock is another one than that of the record; the message of a failure may be cut in the log.
  const differs = Object.keys(record).find(
    (name) => name !== 'at' && name !== 'message' && Object.hasOwn(entry, name) && entry[name] !== record[name],
  )
  return differs === undefined ? null : `says otherwise of "${differs}"`
}

function entryOf(bytes: Uint8Array, ceremonyId: string): Members | null {
  const value = parseCanonical(bytes)?.value
  return isMembers(value) && value['ceremonyId'] === ceremonyId ? value : null
}

function numberOf({ record }: NamedRecord): number {
  return Number(record['n'])
}

/** The smallest checkpoint that was found right and is of the entry too. */
function coverOf(seq: number, inLog: number | null, known: readonly number[]): number | null {
  const sizes = [...(inLog === null ? [] : [inLog]), ...known.filter((size) => size >= seq)]
  return sizes.length === 0 ? null : Math.min(...sizes)
}

function beyond(file: TranscriptFile, size: number): Finding {
  return contradicts(file, `it names entries behind the end of the log, which has ${size}`, null)
}

function contradicts(file: TranscriptFile, what: string, seq: number | null): Finding {
  return finding(
    'transcript-contradicts-log',
    seq === null ? null : [seq, seq],
    `${file.name} tells another story than the log: ${what}.`,
  )
}

function concluded(
  outcome: Exclude<Outcome, { readonly kind: 'usage' }>,
  transcript: TranscriptFound,
  fault: Finding | null,
): Outcome {
  const { facts, file } = outcome
  if (outcome.kind === 'tampered') return { ...outcome, transcript }
  if (fault !== null) return { kind: 'tampered', finding: fault, facts, file, transcript }
  if (facts !== null && facts.omitted === 0) return { ...outcome, transcript: { ...transcript, complete: true } }
  return {
    kind: 'cannot-tell',
    doubts: [
      ...(outcome.kind === 'cannot-tell' ? outcome.doubts : []),
      {
        code: 'transcript-omitted',
        sentence: `Entries are left out here, and any of them may be of the ceremony: that ${transcript.file} is sealed and leaves nothing out takes the whole log.`,
      },
    ],
    facts,
    file,
    transcript,
  }
}
