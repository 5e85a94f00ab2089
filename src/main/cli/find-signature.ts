import { decodeEntry } from '../audit/format/encode.ts'
import type { AuditEntryOf } from '../audit/format/entry.ts'
import { finding } from '../audit/format/verification.ts'
import type { SignedFile } from './signed-file.ts'
import type { Outcome } from './verify-output.ts'

/** Whether the entry records a signature of this file; the sentence says why not. */
export function matches(file: SignedFile, entry: AuditEntryOf<'signed'>): string | null {
  const signature = file.signatures.find(({ sha256 }) => sha256 === entry.outputSha256)
  if (signature === undefined) {
    if (file.problem !== null) return `${file.name} cannot be compared: ${file.problem}`
    return `the signature in ${file.name} is not the one that the entry records`
  }
  // The bytes of the signature are those that the entry records; where a digest can be read in them, it has to be that of the entry as well.
  if (signature.digest !== null && signature.digest !== entry.digest)
    return `the signature in ${file.name} is of another digest than the entry records`
  if (file.imageDigest !== null && file.imageDigest !== entry.digest)
    return `${file.name} was changed after it was signed: its digest is not the one that the entry records`
  return null
}

/** Looks for something while a log is read. */
export interface LogSearch {
  /** Each entry that is there, in order. */
  readonly look: (seq: number, entry: Uint8Array) => void
  /** Each checkpoint that was found right, between the entries. */
  readonly checkpoint: (size: number) => void
  /** Adds to the outcome what was found. */
  readonly conclude: (outcome: Outcome) => Outcome
}

/** Looks for the entries that record the signature of a file while the log is read. */
export function findSignature(file: SignedFile | null): LogSearch {
  if (file === null) return { look: () => {}, checkpoint: () => {}, conclude: (outcome) => outcome }
  const wanted = file.signatures.map(({ sha256 }) => `"outputSha256":"${sha256}"`)
  const entries: number[] = []
  // Packets by further keys stand before the file that they are in. Each counts only with the file: alone it says nothing of the text.
  const parts = file.packets.map((sha256) => `"outputSha256":"${sha256}"`)
  const further: { readonly seq: number; readonly of: string }[] = []
  const found = new Set<string>()
  return {
    look: (seq, entry) => {
      const bytes = Buffer.from(entry.buffer, entry.byteOffset, entry.byteLength)
      if (![...wanted, ...parts].some((text) => bytes.includes(text, 0, 'latin1'))) return
      const decoded = decodeEntry(entry)
      if (!decoded.ok || decoded.value.body.event !== 'signed') return
      const { body } = decoded.value
      const of = `${body.requestId} ${body.ordinal}`
      if (matches(file, body) === null) {
        entries.push(seq)
        found.add(of)
      } else if ((body.key?.position ?? 1) > 1 && file.packets.includes(body.outputSha256)) further.push({ seq, of })
    },
    checkpoint: () => {},
    conclude: (outcome) => {
      const beside = further.filter(({ of }) => found.has(of)).map(({ seq }) => seq)
      return concluded(
        outcome,
        file,
        [...beside, ...entries].sort((a, b) => a - b),
      )
    },
  }
}

function concluded(outcome: Outcome, file: SignedFile, entries: readonly number[]): Outcome {
  if (outcome.kind === 'usage') return outcome
  const found = { ...outcome, file: { file: file.name, entries } }
  if (entries.length > 0 || found.kind === 'tampered') return found
  if (found.facts === null || found.facts.omitted > 0) {
    return {
      kind: 'cannot-tell',
      doubts: [
        ...(found.kind === 'cannot-tell' ? found.doubts : []),
        {
          code: 'signature-omitted',
          sentence: `No entry here records the signature of ${file.name}; it may be among those that are left out.`,
        },
      ],
      facts: found.facts,
      file: found.file,
    }
  }
  const why = file.problem === null ? '' : ` (${file.problem})`
  return {
    kind: 'tampered',
    finding: finding(
      'signature-not-logged',
      null,
      `No entry of the log records a signature of ${file.name} as it is${why}.`,
    ),
    facts: found.facts,
    file: found.file,
  }
}
