import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { err, ok, type Result } from '../../shared/result.ts'
import { type CheckpointFault, openCheckpoint, type SignedCheckpoint } from '../audit/format/checkpoint.ts'
import { type ConsistencyProof, maxProofBytes, parseConsistency } from '../audit/format/proof-file.ts'
import { maxNoteBytes, type VerifierKey } from '../audit/format/signed-note.ts'
import { type Finding, finding } from '../audit/format/verification.ts'
import type { Expectations } from '../audit/format/verify.ts'
import { readSignedFile, type SignedFile } from './signed-file.ts'
import { readTranscriptFile, type TranscriptFile } from './transcript-file.ts'
import type { Wanted } from './verify-arguments.ts'

/** What was handed in beside the log, read but not yet held against the log's key. */
export interface Handed {
  readonly wanted: Wanted
  readonly checkpoints: readonly { readonly path: string; readonly text: string }[]
  readonly consistency: readonly ConsistencyProof[]
  readonly signedFile: SignedFile | null
  /** Where one was handed in. */
  readonly transcript?: TranscriptFile
}

/** Who wants to know while a log is read: each entry as it comes, and each checkpoint that was found right. */
export interface Watcher {
  readonly entry?: (seq: number, bytes: Uint8Array) => void
  readonly checkpoint?: (note: string) => void
}

/** It is read as a whole. */
const maxSignedBytes = 2 ** 30

/** Reads the files beside the target; the error is a sentence about the one that cannot be used. */
export function readHanded(wanted: Wanted): Result<Handed, string> {
  const checkpoints: { path: string; text: string }[] = []
  for (const path of wanted.checkpoints) {
    const text = readText(path, maxNoteBytes)
    if (text === null) return err(`${path} is not a checkpoint.`)
    checkpoints.push({ path, text })
  }
  const consistency: ConsistencyProof[] = []
  for (const path of wanted.consistency) {
    const text = readText(path, maxProofBytes)
    const proof = text === null ? err('it is no text') : parseConsistency(text)
    if (!proof.ok) return err(`${path} is not a consistency proof: ${proof.error}.`)
    consistency.push(proof.value)
  }
  if (wanted.file !== null && statSync(wanted.file).size > maxSignedBytes)
    return err(`${wanted.file} is larger than any file that is signed.`)
  const signedFile = wanted.file === null ? null : readSignedFile(wanted.file)
  if (wanted.transcript === undefined) return ok({ wanted, checkpoints, consistency, signedFile })
  const transcript = readTranscriptFile(wanted.transcript)
  return transcript.ok ? ok({ wanted, checkpoints, consistency, signedFile, transcript: transcript.value }) : transcript
}

/** Null: too large, or not UTF-8. What has no size (a pipe, a device) is read no further either. */
export function readText(path: string, maxBytes: number): string | null {
  const bytes = Buffer.allocUnsafe(maxBytes + 1)
  let length = 0
  const file = openSync(path, 'r')
  try {
    for (let read = -1; read !== 0 && length < bytes.length; length += read)
      read = readSync(file, bytes, length, bytes.length - length, null)
  } finally {
    closeSync(file)
  }
  if (length > maxBytes) return null
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, length))
  } catch (error) {
    if (error instanceof TypeError) return null
    throw error
  }
}

export type Started =
  | { readonly kind: 'expectations'; readonly expectations: Expectations }
  | { readonly kind: 'fault'; readonly finding: Finding }
  | { readonly kind: 'usage'; readonly sentence: string }

/** Holds what was handed in against the key: the one that was given, else the one that the log names itself. */
export function expectationsFor(handed: Handed, own: VerifierKey | null): Started {
  const { wanted } = handed
  const key = wanted.key ?? own
  if (key === null) return { kind: 'usage', sentence: 'The log names no key. Give the key of the log with --vkey.' }
  if (wanted.key !== null && own !== null && !sameKey(wanted.key, own))
    return {
      kind: 'fault',
      finding: finding(
        'other-log',
        null,
        `This is the log of ${own.name} with a key of its own, not the one whose key was given.`,
      ),
    }
  const known: SignedCheckpoint[] = []
  for (const { path, text } of handed.checkpoints) {
    const opened = openCheckpoint(text, key)
    if (opened.ok) known.push(opened.value)
    else if (opened.error.code === 'malformed')
      return { kind: 'usage', sentence: `${path} is not a checkpoint: ${opened.error.reason}.` }
    else return { kind: 'fault', finding: handedFault(path, opened.error) }
  }
  return {
    kind: 'expectations',
    expectations: {
      key,
      keyFromOutside: wanted.key !== null,
      known,
      consistency: handed.consistency,
      witnesses: wanted.witnesses,
      readEntries: wanted.readEntries,
    },
  }
}

function handedFault(path: string, fault: CheckpointFault): Finding {
  if (fault.code === 'signature-wrong')
    return finding(
      'checkpoint-signature-wrong',
      null,
      `The signature of the checkpoint in ${path} is wrong: it was edited.`,
    )
  return finding(
    'other-log',
    null,
    `The checkpoint in ${path} is of another log, or signed by another key than this log has.`,
  )
}

function sameKey(a: VerifierKey, b: VerifierKey): boolean {
  return a.name === b.name && Buffer.compare(a.publicKey, b.publicKey) === 0
}
