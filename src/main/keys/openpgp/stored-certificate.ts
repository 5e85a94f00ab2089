import { createHash } from 'node:crypto'
import type { Failure } from '../../../shared/failure.ts'
import { fingerprint, sha256Hex } from '../../../shared/ids.ts'
import type { CertificateFacts, OpenPgpKeyFacts } from '../../../shared/key.ts'
import { noExpiry } from '../../../shared/no-expiry.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { fingerprintHex, type OpenPgpPublicKey } from '../../openpgp/public-key.ts'
import { type CertificateProblem, readOpenPgpCertificate } from '../../openpgp/read-certificate.ts'
import type { StoredKey } from '../key.repository.ts'
import type { StoredPrimary } from './primary.repository.ts'

/** An OpenPGP key as its newest certificate says it is, at a moment. */
export interface OpenPgpIdentity {
  readonly facts: CertificateFacts
  readonly openpgp: OpenPgpKeyFacts
  /** The packets of the certificate. */
  readonly binary: Uint8Array
  readonly key: OpenPgpPublicKey
  /** `another-key`: the row was exchanged; the certificate is not the one of the key that it stands for. */
  readonly problem: CertificateProblem | 'another-key' | null
}

type StoredOpenPgpKey = Pick<StoredKey, 'fingerprint' | 'algorithm' | 'certificatePem' | 'openpgp'>

/** Reads what was read before it was stored; a certificate that has become unreadable is a failure, not a defect: programs change. */
export async function identityOf(stored: StoredOpenPgpKey, at: Date): Promise<Result<OpenPgpIdentity, Failure>> {
  const certificate = await readOpenPgpCertificate(stored.certificatePem, at)
  if (!certificate.ok) return certificate
  const { binary, version, userIds, keys, fingerprint: own } = certificate.value
  const signing = keys.find(({ key }) => fingerprintHex(key) === stored.openpgp?.signingFingerprint)
  if (signing === undefined) return err(notInCertificate)
  const created = new Date(signing.key.created * 1000).toISOString()
  const [name = ''] = userIds
  return ok({
    facts: {
      subject: name,
      issuer: name,
      serial: stored.fingerprint,
      notBefore: created,
      notAfter: signing.expires?.toISOString() ?? noExpiry,
      sha256: sha256Hex.parse(createHash('sha256').update(binary).digest('hex')),
      algorithm: stored.algorithm,
      isCa: false,
      keyUsage: [],
      extendedKeyUsage: [],
      selfSigned: true,
    },
    openpgp: {
      version,
      userIds: userIds.slice(0, 64),
      signingFingerprint: fingerprint.parse(fingerprintHex(signing.key)),
      created,
      revoked: signing.problem === 'revoked',
      revocation: stored.openpgp?.revocation ?? null,
      primary: shown(stored.openpgp?.primary ?? null),
    },
    binary,
    key: signing.key,
    // Rows can be written by others; what a key is called follows from its numbers.
    problem: own === stored.fingerprint ? signing.problem : 'another-key',
  })
}

function shown(primary: StoredPrimary | null): OpenPgpKeyFacts['primary'] {
  if (primary === null) return null
  const { token, ckaId, algorithm } = primary
  return { token, ckaId, algorithm }
}

const notInCertificate: Failure = {
  kind: 'refused',
  code: 'key-mismatch',
  message: 'The stored OpenPGP certificate does not hold the key that was registered. The key is not used.',
}
