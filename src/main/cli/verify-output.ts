import type { Doubt, Facts, Finding, Report } from '../audit/format/verification.ts'

/** What was looked for because of `--file`. `entries`: numbers of the entries that record its signature. */
export interface FileFound {
  readonly file: string
  readonly entries: readonly number[]
}

/** What was compared because of `--transcript`. */
export interface TranscriptFound {
  readonly file: string
  readonly ceremonyId: string
  /** Number of the entry that seals it; null: none was found. */
  readonly sealedBy: number | null
  /** Entries of the first checkpoint that covers that one; null: none does. */
  readonly checkpoint: number | null
  /** How many records it has, and how many of them were found to be those of their entries. */
  readonly records: number
  readonly compared: number
  /** All of the log was read, and it has nothing of the ceremony that is not in the transcript. */
  readonly complete: boolean
}

export type Outcome =
  | {
      readonly kind: 'verified'
      readonly sentence: string
      readonly facts: Facts | null
      readonly file: FileFound | null
      readonly transcript?: TranscriptFound
    }
  | {
      readonly kind: 'tampered'
      readonly finding: Finding
      readonly facts: Facts | null
      readonly file: FileFound | null
      readonly transcript?: TranscriptFound
    }
  | {
      readonly kind: 'cannot-tell'
      readonly doubts: readonly Doubt[]
      readonly facts: Facts | null
      readonly file: FileFound | null
      readonly transcript?: TranscriptFound
    }
  | { readonly kind: 'usage'; readonly sentence: string }

/** Documented: scripts rely on them. */
export const exitCodes = { verified: 0, tampered: 1, 'cannot-tell': 2, usage: 3 } as const

export function outcomeOf(report: Report, file: FileFound | null): Outcome {
  return { ...report, file }
}

export function shown(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'verified':
      return lines(['VERIFIED', outcome.sentence, ...factLines(outcome.facts), ...beside(outcome)])
    case 'tampered':
      return lines([
        `TAMPERED WITH${placeOf(outcome.finding)}`,
        outcome.finding.sentence,
        ...factLines(outcome.facts),
        ...beside(outcome),
      ])
    case 'cannot-tell':
      return lines([
        'CANNOT TELL',
        'Nothing wrong was found, but:',
        ...outcome.doubts.map((doubt) => `- ${doubt.sentence}`),
        ...factLines(outcome.facts),
        ...beside(outcome),
      ])
    case 'usage':
      return lines([outcome.sentence])
  }
}

/** One object. `result` is the name of the exit code; names in it stay what they are, and cannot change what a terminal shows either. */
export function shownAsJson(outcome: Outcome): string {
  const { kind, ...rest } = outcome
  return `${JSON.stringify({ result: kind, ...rest }).replace(unseen, (found) =>
    Array.from(
      { length: found.length },
      (_, unit) => `\\u${found.charCodeAt(unit).toString(16).padStart(4, '0')}`,
    ).join(''),
  )}\n`
}

function placeOf({ first, last }: Finding): string {
  if (first === null || last === null) return ''
  return first === last ? `: entry ${first}` : `: entries ${first} to ${last}`
}

function factLines(facts: Facts | null): readonly string[] {
  if (facts === null) return []
  return [
    '',
    `log                 ${facts.origin ?? 'unknown'}`,
    `entries             ${facts.size} (${facts.read} read, ${facts.omitted} left out)`,
    `checkpoints         ${facts.checkpoints} signed and right, the last for ${facts.lastCheckpoint ?? 'no'} entries`,
    `known checkpoints   ${facts.known.length === 0 ? 'none' : facts.known.join(', ')}`,
    ...facts.cosigned.map(
      ({ witness, size, time }) => `cosigned            ${size} entries by ${witness} at ${timeOf(time)}`,
    ),
    ...(facts.openIntents === null
      ? []
      : [`open intents        ${facts.openIntents.length === 0 ? 'none' : facts.openIntents.join(', ')}`]),
  ]
}

/** A witness may state any time, also one that no calendar has. */
function timeOf(seconds: number): string {
  const time = new Date(seconds * 1000)
  return Number.isFinite(time.getTime()) ? time.toISOString() : `second ${seconds}, which is no time`
}

function fileLines(file: FileFound | null): readonly string[] {
  if (file === null) return []
  return [
    file.entries.length === 0
      ? `signature           no entry records the signature of ${file.file}`
      : `signature           of ${file.file}: entry ${file.entries.join(', ')}`,
  ]
}

function transcriptLines(transcript: TranscriptFound | undefined): readonly string[] {
  if (transcript === undefined) return []
  const { file, ceremonyId, sealedBy, checkpoint, records, compared, complete } = transcript
  const covered =
    checkpoint === null ? 'which no checkpoint covers' : `which the checkpoint of ${checkpoint} entries covers`
  return [
    sealedBy === null
      ? `transcript          no entry was found that seals ${file}`
      : `transcript          ${file} is sealed by entry ${sealedBy}, ${covered}`,
    `ceremony            ${ceremonyId === '' ? 'unknown' : ceremonyId}`,
    `records             ${compared} of ${records} stand in the log, each in an entry of its own${complete ? '; it has none beside them' : ''}`,
  ]
}

function beside(outcome: Exclude<Outcome, { readonly kind: 'usage' }>): readonly string[] {
  return [...fileLines(outcome.file), ...transcriptLines(outcome.transcript)]
}

const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** Names come from files that others wrote: no control character and no change of direction reaches the terminal. */
function lines(all: readonly string[]): string {
  return all.map((line) => `${line.toWellFormed().replace(unseen, escaped)}\n`).join('')
}

function escaped(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`
}
