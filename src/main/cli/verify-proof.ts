import { openCheckpoint, parseCheckpoint } from '../audit/format/checkpoint.ts'
import { verifyCosignature } from '../audit/format/cosignature.ts'
import { decodeEntry, leafHash } from '../audit/format/encode.ts'
import type { AuditEntryBody } from '../audit/format/entry.ts'
import { sameHash, verifyConsistency, verifyInclusion } from '../audit/format/merkle.ts'
import { maxProofBytes, parseProof } from '../audit/format/proof-file.ts'
import type { VerifierKey } from '../audit/format/signed-note.ts'
import {
  type Doubt,
  doubts,
  type Finding,
  type FindingCode,
  finding,
  notCosigned,
} from '../audit/format/verification.ts'
import { matches } from './find-signature.ts'
import { isSealOf, ownFault, sealContradiction } from './find-transcript.ts'
import { expectationsFor, type Handed, readText } from './handed.ts'
import type { TranscriptFile } from './transcript-file.ts'
import type { Outcome, TranscriptFound } from './verify-output.ts'

/** docs/formats/proof.md: reads as the steps there. */
export function verifyProof(handed: Handed): Outcome {
  const { wanted, signedFile } = handed
  const text = readText(wanted.target, maxProofBytes)
  const parsed = text === null ? null : parseProof(text)
  if (parsed?.ok !== true)
    return tampered('proof-malformed', `The proof cannot be read: ${parsed?.error ?? 'it is no text'}.`)
  const proof = parsed.value
  const seq = proof.index + 1

  const entry = decodeEntry(proof.entry)
  if (!entry.ok) return tampered('proof-malformed', `The entry in the proof cannot be read: ${entry.error}.`)
  if (entry.value.place.seq !== seq)
    return tampered(
      'proof-wrong',
      `The proof is for place ${seq} of the log, and its entry says that it is number ${entry.value.place.seq}.`,
    )

  const checkpoint = parseCheckpoint(proof.checkpoint)
  if (!checkpoint.ok)
    return tampered('checkpoint-malformed', `The checkpoint in the proof cannot be read: ${checkpoint.error}.`)
  const { size, root } = checkpoint.value.checkpoint
  if (!verifyInclusion(leafHash(proof.entry), proof.index, size, proof.hashes, root))
    return tampered('proof-wrong', `The proof does not lead from entry ${seq} to the checkpoint of ${size} entries.`)

  const { body } = entry.value
  if (signedFile !== null) {
    if (body.event !== 'signed')
      return tampered('proof-of-another-file', `The proof is of an entry "${body.event}", which records no signature.`)
    const mismatch = matches(signedFile, body)
    if (mismatch !== null) return tampered('proof-of-another-file', `This proof is not for this file: ${mismatch}.`)
  }

  const { transcript } = handed
  const fault = transcript === undefined ? null : transcriptFault(transcript, seq, body, wanted.key)
  if (fault !== null) return { kind: 'tampered', finding: fault, facts: null, file: null }

  const doubt: Doubt[] = transcript === undefined ? [] : [recordsNotShown]
  if (wanted.key === null) {
    doubt.push(keyNeeded)
  } else {
    const opened = openCheckpoint(proof.checkpoint, wanted.key)
    if (!opened.ok)
      return opened.error.code === 'signature-wrong'
        ? tampered(
            'checkpoint-signature-wrong',
            'The signature of the checkpoint in the proof is wrong: it was edited.',
          )
        : tampered(
            'other-log',
            'The checkpoint in the proof is of another log, or signed by another key than the one that was given.',
          )
    const compared = againstKnown(handed, size, root)
    if (!Array.isArray(compared)) return compared
    doubt.push(...compared)
  }
  for (const witness of wanted.witnesses) {
    const verdict = verifyCosignature(checkpoint.value.note, witness)
    if (verdict.kind === 'wrong')
      return tampered('cosignature-wrong', `The cosignature of ${witness.name} in the proof is wrong.`)
    if (verdict.kind === 'absent') doubt.push(notCosigned(witness))
  }

  const file = signedFile === null ? null : { file: signedFile.name, entries: [seq] }
  if (doubt.length > 0)
    return {
      kind: 'cannot-tell',
      doubts: doubt,
      facts: null,
      file,
      ...(transcript === undefined ? {} : { transcript: sealOnly(transcript, seq, size) }),
    }
  const about =
    body.event === 'signed' ? ` It records the signature of ${body.path} with the key ${body.fingerprint}.` : ''
  return {
    kind: 'verified',
    sentence: `Entry ${seq} ("${body.event}", ${entry.value.place.at}) is in the log ${checkpoint.value.checkpoint.origin}, as its checkpoint of ${size} entries was signed for.${about}`,
    facts: null,
    file,
  }
}

/**
 * A known checkpoint of the same size must have the same root; of another size a consistency proof must connect the two. All are looked
 * at: one that contradicts counts for more than one of which nothing can be told.
 */
function againstKnown(handed: Handed, size: number, root: Uint8Array): Outcome | Doubt[] {
  const started = expectationsFor(handed, null)
  if (started.kind === 'usage') return started
  if (started.kind === 'fault') return { kind: 'tampered', finding: started.finding, facts: null, file: null }
  const { known, key } = started.expectations
  const doubt: Doubt[] = []
  for (const { checkpoint } of known) {
    if (checkpoint.size === size && !sameHash(checkpoint.root, root))
      return tampered(
        'log-rewritten',
        `The log has two histories: the checkpoint in the proof and the one that was kept elsewhere are both for ${size} entries, and differ.`,
      )
    if (checkpoint.size === size) continue
    const [from, to] = checkpoint.size < size ? [checkpoint, { size, root }] : [{ size, root }, checkpoint]
    const proven = handed.consistency.some((proof) => {
      const later = openCheckpoint(proof.checkpoint, key)
      return (
        later.ok &&
        proof.oldSize === from.size &&
        later.value.checkpoint.size === to.size &&
        sameHash(later.value.checkpoint.root, to.root) &&
        verifyConsistency(from.size, from.root, to.size, to.root, proof.hashes)
      )
    })
    if (!proven)
      doubt.push({
        code: 'known-checkpoint-omitted',
        sentence: `Whether the checkpoint of ${checkpoint.size} entries and the one in the proof, of ${size}, are of one history takes a consistency proof between them.`,
      })
  }
  return doubt
}

function transcriptFault(
  transcript: TranscriptFile,
  seq: number,
  body: AuditEntryBody,
  key: VerifierKey | null,
): Finding | null {
  const own = ownFault(transcript, key)
  if (own !== null) return own
  if (body.event !== 'ceremony-ended')
    return finding(
      'proof-of-another-file',
      null,
      `The proof is of an entry "${body.event}", which seals no transcript.`,
    )
  if (body.ceremonyId !== transcript.ceremonyId || !isSealOf(transcript, body))
    return finding(
      'proof-of-another-file',
      null,
      `This proof is not for this transcript: entry ${seq} seals another one than ${transcript.name}.`,
    )
  return sealContradiction(transcript, seq, body)
}

function sealOnly({ name, ceremonyId, records }: TranscriptFile, seq: number, size: number): TranscriptFound {
  return {
    file: name,
    ceremonyId,
    sealedBy: seq,
    checkpoint: size,
    records: records.length,
    compared: 0,
    complete: false,
  }
}

const recordsNotShown: Doubt = {
  code: 'transcript-omitted',
  sentence:
    'The proof is of the entry that seals the transcript. That its records are those of the log, and that it leaves none out, takes the log.',
}

const keyNeeded: Doubt = {
  ...doubts.keyNotKnown,
  sentence: 'Without the log’s verifier key it cannot be told who signed the checkpoint. Give it with --vkey.',
}

function tampered(code: FindingCode, sentence: string): Outcome {
  const fault: Finding = finding(code, null, sentence)
  return { kind: 'tampered', finding: fault, facts: null, file: null }
}
