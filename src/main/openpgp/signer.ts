import type { Failure } from '../../shared/failure.ts'
import type { Result } from '../../shared/result.ts'
import type { SignatureRequest } from '../token/token-service.ts'
import { concatBytes } from './packet.ts'
import type { OpenPgpPublicKey } from './public-key.ts'
import type { SignatureType, UnsignedSignature } from './signature.ts'

/** A key that signs. `sign` is a token's session: it gets a digest and gives raw numbers. */
export interface OpenPgpSigner {
  readonly key: OpenPgpPublicKey
  /** `type`: what the signature will be, for whoever records it before it is made. */
  sign(request: SignatureRequest, type: SignatureType): Promise<Result<Uint8Array, Failure>>
}

/** Something finished but for the signatures: one request for each key, in the order of the keys. */
export interface UnsignedOutput {
  readonly type: SignatureType
  readonly requests: readonly SignatureRequest[]
  /** The packets of the signatures alone, for an output that other keys sign as well. */
  readonly packets: (signatures: readonly Uint8Array[]) => Uint8Array
  readonly assemble: (signatures: readonly Uint8Array[]) => Uint8Array
}

/** Asks each key for its signature, one after another; the first that fails ends it, and nothing is made. */
export async function signAll(
  unsigned: UnsignedOutput,
  signers: readonly OpenPgpSigner[],
): Promise<Result<Uint8Array, Failure>> {
  const signatures: Uint8Array[] = []
  for (const [index, signer] of signers.entries()) {
    const request = unsigned.requests[index]
    if (request === undefined) throw new Error('fewer requests than keys')
    const signature = await signer.sign(request, unsigned.type)
    if (!signature.ok) return signature
    signatures.push(signature.value)
  }
  return { ok: true, value: unsigned.assemble(signatures) }
}

/** The packets of several signatures, in the order of their keys. */
export function signaturePackets(
  unsigned: readonly UnsignedSignature[],
  signatures: readonly Uint8Array[],
): Uint8Array {
  return concatBytes(
    ...unsigned.map(({ complete }, index) => {
      const raw = signatures[index]
      if (raw === undefined) throw new Error('fewer signatures than keys')
      return complete(raw)
    }),
  )
}
