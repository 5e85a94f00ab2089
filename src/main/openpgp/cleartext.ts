import type { Failure } from '../../shared/failure.ts'
import { err, type Result } from '../../shared/result.ts'
import { armor } from './armor.ts'
import { type ClearText, type ClearTextFault, clearTextSentence, readClearText } from './clear-text.ts'
import { concatBytes } from './packet.ts'
import type { OpenPgpPublicKey } from './public-key.ts'
import { openSignature, signatureType } from './signature.ts'
import { type OpenPgpSigner, signAll, signaturePackets, type UnsignedOutput } from './signer.ts'

/** Prepares a clear-signed message by one or several keys over the same text. */
export function prepareCleartext(text: ClearText, keys: readonly OpenPgpPublicKey[], created: number): UnsignedOutput {
  const unsigned = keys.map((key) => {
    const signature = openSignature({ type: signatureType.text, key, created })
    signature.update(text.canonical)
    return signature.finish()
  })
  const packets = (signatures: readonly Uint8Array[]) => signaturePackets(unsigned, signatures)
  return {
    type: signatureType.text,
    requests: unsigned.map(({ request }) => request),
    packets,
    assemble: (signatures) => cleartextMessage(text, keys, packets(signatures)),
  }
}

/** A message of finished signature packets, one of each key, in their order. */
export function cleartextMessage(text: ClearText, keys: readonly OpenPgpPublicKey[], packets: Uint8Array): Uint8Array {
  // Readers that know version 6 take the digest from the salted packets (§7.1); a header that no packet needs would confuse them.
  const withHeader = keys.some(({ version }) => version === 4)
  const head = `-----BEGIN PGP SIGNED MESSAGE-----\n${withHeader ? 'Hash: SHA512\n' : ''}\n`
  return concatBytes(Buffer.from(head), text.escaped, Buffer.from(armor('PGP SIGNATURE', packets, withHeader)))
}

/** Clear-signs a text with every key: one message with as many signature packets. */
export async function signCleartext(
  text: Uint8Array,
  signers: readonly OpenPgpSigner[],
  created: Date,
): Promise<Result<Uint8Array, Failure>> {
  const read = readClearText(text)
  if (!read.ok) return err(clearTextFailure(read.error))
  const keys = signers.map(({ key }) => key)
  return signAll(prepareCleartext(read.value, keys, Math.floor(created.getTime() / 1000)), signers)
}

export function clearTextFailure(fault: ClearTextFault): Failure<'text-unsafe'> {
  return {
    kind: 'invalid',
    code: 'text-unsafe',
    message: `${clearTextSentence(fault)} Nothing was signed.`,
    detail: fault.code,
  }
}
