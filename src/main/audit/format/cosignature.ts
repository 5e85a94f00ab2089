import { err, ok, type Result } from '../../../shared/result.ts'
import { parseCheckpoint } from './checkpoint.ts'
import { isBy, type Note, signatureLine, type VerifierKey, verifyEd25519 } from './signed-note.ts'

// C2SP tlog-cosignature, Ed25519: a witness states that at a time this was the largest tree of the log that it had seen, and
// that it contained every tree it had seen before. The signature is 8 bytes of time (seconds since the epoch), then Ed25519.

/** What a witness signs. `text` is the whole text of the checkpoint. */
export function cosignedMessage(text: string, timestamp: bigint): Uint8Array {
  return Buffer.from(`cosignature/v1\ntime ${timestamp}\n${text}`)
}

/** `time`: seconds since the epoch, as the witness stated it. */
export type CosignatureVerdict =
  | { readonly kind: 'verified'; readonly time: number }
  | { readonly kind: 'absent' }
  | { readonly kind: 'wrong' }

/** Looks for the cosignature of `witness` (a key of type 0x04) on a checkpoint. */
export function verifyCosignature(note: Note, witness: VerifierKey): CosignatureVerdict {
  const claimed = note.signatures.filter((signature) => isBy(signature, witness))
  if (claimed.length === 0) return { kind: 'absent' }
  let time = 0
  for (const { signature } of claimed) {
    if (signature.length !== 72) return { kind: 'wrong' }
    const timestamp = Buffer.from(signature.subarray(0, 8)).readBigUInt64BE()
    // 2^63 − 1 is the limit of the format; beyond 2^53 − 1 no clock of ours can show it.
    if (timestamp > BigInt(Number.MAX_SAFE_INTEGER)) return { kind: 'wrong' }
    if (!verifyEd25519(witness, cosignedMessage(note.text, timestamp), signature.subarray(8))) return { kind: 'wrong' }
    time = Math.max(time, Number(timestamp))
  }
  return { kind: 'verified', time }
}

/** Adds the lines of a witness's answer to a checkpoint; lines of other keys in the answer are left out. */
export function addCosignature(checkpoint: string, lines: string, witness: VerifierKey): Result<string, string> {
  const parsed = parseCheckpoint(checkpoint)
  if (!parsed.ok) return parsed
  const answer = parseCheckpoint(`${parsed.value.note.text}\n${lines}`)
  if (!answer.ok) return err('the answer of the witness is not made of signature lines')
  if (verifyCosignature(answer.value.note, witness).kind !== 'verified')
    return err('the answer of the witness has no good signature of it for this checkpoint')
  const theirs = answer.value.note.signatures.filter((signature) => isBy(signature, witness))
  const others = parsed.value.note.signatures.filter((signature) => !isBy(signature, witness))
  return ok(`${parsed.value.note.text}\n${[...others, ...theirs].map(signatureLine).join('')}`)
}
