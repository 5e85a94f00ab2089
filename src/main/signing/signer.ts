import type { Failure } from '../../shared/failure.ts'
import type { Sha256Hex } from '../../shared/ids.ts'
import type { Result } from '../../shared/result.ts'
import type { KeyAlgorithm } from '../../shared/token.ts'
import type { OpenPgpPublicKey } from '../openpgp/public-key.ts'
import type { SignatureRequest } from '../token/token-service.ts'
import type { UploadForm } from './debsign/upload.signer.ts'
import type { IndexForm } from './repository-index/index.signer.ts'

/** A file of the spool, named by path; its bytes may have changed since it was shown, so everything is computed anew. */
export interface SpooledFile {
  readonly path: string
  readonly size: number
  readonly sha256: Sha256Hex
  /** Digest that the sheet showed as what would be signed. */
  readonly toBeSigned: Sha256Hex
  /** How it is signed, where neither the file nor the key says so. Absent: as a file of a Sign task. */
  readonly form?: UploadForm | IndexForm
}

export interface SigningCertificate {
  /** X.509 DER, or the packets of an OpenPGP certificate. */
  readonly der: Uint8Array
  readonly algorithm: KeyAlgorithm
  /** The key in an OpenPGP certificate that signs. Absent: this is one of X.509. */
  readonly openpgp?: OpenPgpPublicKey
}

/** A file made ready: what the key has to sign, and what is needed to put the signature in its place. */
export interface Prepared {
  readonly request: SignatureRequest
  readonly digest: Sha256Hex
  readonly assemble: (signature: Uint8Array) => Uint8Array
}

export type SigningFailureCode =
  | 'input-changed'
  | 'layout-unsafe'
  | 'text-unsafe'
  | 'algorithm-unsupported'
  | 'output-wrong'
  | 'file-unreadable'

/** One for each purpose. Only `prepare` and `assemble` know the format; only the token knows the key. */
export interface Signer {
  /** Reads the file once, checks size, SHA-256 and the digest that was shown, and refuses what the sheet did not show. */
  prepare(
    file: SpooledFile,
    certificate: SigningCertificate,
    signingTime: Date,
  ): Promise<Result<Prepared, Failure<SigningFailureCode>>>
  /** Checks a finished output with code that shares nothing with `assemble` but the hash and RSA/ECDSA primitives. */
  verify(
    file: SpooledFile,
    output: Uint8Array,
    certificate: SigningCertificate,
  ): Promise<Result<null, Failure<SigningFailureCode>>>
  readonly outputSuffix: string
}
