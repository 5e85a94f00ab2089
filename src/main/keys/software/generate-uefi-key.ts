import { createHash, randomBytes } from 'node:crypto'
import type { Failure } from '../../../shared/failure.ts'
import { type Fingerprint, fingerprint, type Sha256Hex, sha256Hex } from '../../../shared/ids.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { prepareCertificate } from '../../pki/certificate-builder.ts'
import type { KeyReference, SoftwareKeyMaker, TokenService } from '../../token/token-service.ts'
import type { SealedKey } from './sealed-record.ts'

export type UefiKey = {
  readonly certificateDer: Uint8Array
  /** SHA-256 of the certificate, as debusine names a UEFI key. */
  readonly fingerprint: Fingerprint
  readonly spkiSha256: Sha256Hex
  readonly sealed: SealedKey
}

/** What debusine's `GenerateKey` makes: RSA-2048 and a certificate of 15 years of 365 days. */
const validDays = 5475
/** ub-common-name, RFC 5280 Appendix A.1; OpenSSL, with which debusine makes its certificates, refuses longer ones. */
const maxCommonName = 64

/** What a new key is about to sign: its own certificate. */
export type FirstUse = { readonly spkiSha256: Sha256Hex; readonly digest: Uint8Array }

/**
 * Makes a UEFI signing key in software, as a debusine worker does: self-signed, CA:TRUE, common name = description, no usages. The
 * private key stays in the token process; the certificate is signed over the same way as every file later, so a key that came
 * out of here has proved that it can be opened and used.
 */
export async function generateUefiKey(
  service: TokenService & SoftwareKeyMaker,
  options: {
    readonly description: string
    readonly now: Date
    readonly signal: AbortSignal
    /** Puts the use of the key on record before it happens (invariant I1); where that fails, the key is not used, and forgotten. */
    readonly beforeUse: (use: FirstUse) => Promise<Result<null, Failure>>
    readonly serialNumber?: Uint8Array
  },
): Promise<Result<UefiKey, Failure>> {
  const { description, now, signal, beforeUse } = options
  if (description.trim() === '' || Array.from(description).length > maxCommonName) return err(unusableDescription())
  const made = await service.generateSoftwareKey('rsa-2048')
  if (!made.ok) return made
  const { sealed, spki } = made.value
  const spkiSha256 = sha256Hex.parse(createHash('sha256').update(spki).digest('hex'))
  const key: KeyReference = { home: { kind: 'software' }, algorithm: 'rsa-2048', spkiSha256, sealed }
  const certificate = prepareCertificate({
    subject: [{ type: 'commonName', value: description }],
    issuer: null,
    spki,
    serialNumber: options.serialNumber ?? randomSerial(),
    notBefore: now,
    notAfter: new Date(now.getTime() + validDays * 24 * 3600 * 1000),
    isCa: true,
    keyUsage: [],
    codeSigning: false,
    scheme: 'rsa-pkcs1-sha256',
  })
  const session = await service.openSession(key, null, { useLastTry: false, signal, onSignal: () => {} })
  if (!session.ok) return session
  try {
    const { digest } = certificate.request
    const recorded = await beforeUse({ spkiSha256, digest })
    if (!recorded.ok) return recorded
    const signature = await session.value.sign({ scheme: 'rsa-pkcs1-sha256', digest })
    if (!signature.ok) return signature
    const certificateDer = certificate.assemble(signature.value)
    const named = createHash('sha256').update(certificateDer).digest('hex').toUpperCase()
    return ok({ certificateDer, fingerprint: fingerprint.parse(named), spkiSha256, sealed })
  } finally {
    await session.value.close()
  }
}

/** 20 octets, positive and without a leading zero (RFC 5280 §4.1.2.2). */
function randomSerial(): Uint8Array {
  const serial = randomBytes(20)
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  return serial
}

function unusableDescription(): Failure<'description-unusable'> {
  const message = `The description becomes the certificate's common name: 1 to ${maxCommonName} characters. No key was made.`
  return { kind: 'invalid', code: 'description-unusable', message }
}
