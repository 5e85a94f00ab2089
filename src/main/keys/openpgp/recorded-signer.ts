import type { Kysely } from 'kysely'
import type { Database } from '../../../../db/database.ts'
import { writeTransaction } from '../../../../db/write-transaction.ts'
import type { RequestId, Sha256Hex } from '../../../shared/ids.ts'
import type { AuditLog } from '../../audit/audit-log.ts'
import type { CertificatePart } from '../../audit/format/certificate-events.ts'
import type { OpenPgpPublicKey } from '../../openpgp/public-key.ts'
import { type SignatureType, signatureType } from '../../openpgp/signature.ts'
import type { OpenPgpSigner } from '../../openpgp/signer.ts'
import type { SigningSession } from '../../token/token-service.ts'

export interface SelfSigning {
  /** Under which the log speaks of it. */
  readonly requestId: RequestId
  readonly purpose: string
  readonly spkiSha256: Sha256Hex
  readonly tokenSerial: string
  readonly operator: string
}

/** What the log calls the signatures of which a certificate is made. */
function whatOf(type: SignatureType): CertificatePart {
  switch (type) {
    case signatureType.directKey:
      return 'openpgp-direct-key'
    case signatureType.subkeyBinding:
      return 'openpgp-subkey-binding'
    case signatureType.primaryKeyBinding:
      return 'openpgp-primary-key-binding'
    case signatureType.keyRevocation:
      return 'openpgp-key-revocation'
    case signatureType.subkeyRevocation:
      return 'openpgp-subkey-revocation'
    default:
      return 'openpgp-certification'
  }
}

/**
 * A key in an open session that signs its own certificate: each of its signatures is on record before the token is asked (invariant
 * I1). `recorded`: the digest of one whose record was written with something else.
 */
export function recordedSigner(
  ports: { readonly db: Kysely<Database>; readonly audit: AuditLog },
  session: SigningSession,
  key: OpenPgpPublicKey,
  about: SelfSigning,
  recorded: string | null = null,
): OpenPgpSigner {
  return {
    key,
    sign: async (request, type) => {
      const digest = Buffer.from(request.digest).toString('hex')
      if (digest !== recorded) {
        const written = await writeTransaction(ports.db, (trx) =>
          ports.audit.append(trx, [{ event: 'certificate-intended', ...about, what: whatOf(type), digest }]),
        )
        if (!written.ok) return written
      }
      return session.sign(request)
    },
  }
}
