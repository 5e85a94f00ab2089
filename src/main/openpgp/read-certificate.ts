import type { Key, PublicKeyPacket, PublicSubkeyPacket } from 'openpgp'
import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { fingerprintHex, keyOfBody, type OpenPgpPublicKey, openPgpPublicKey } from './public-key.ts'
import { signatureType } from './signature.ts'

export type CertificateProblem = 'revoked' | 'expired' | 'not-yet-valid' | 'cannot-sign' | 'unbound'

/** A key of a certificate that this station could sign with, by its kind. */
export interface CertifiedKey {
  readonly role: 'primary' | 'subkey'
  readonly key: OpenPgpPublicKey
  /** Why it must not sign at the moment that was asked about; null: it may. */
  readonly problem: CertificateProblem | null
  /** Of this key or of the primary key, whichever ends first; null: never. */
  readonly expires: Date | null
}

export interface ReadOpenPgpCertificate {
  /** The packets as openpgp.js keeps them: a signature that it cannot read is left out. */
  readonly binary: Uint8Array
  readonly version: 4 | 6
  /** Of the primary key, upper-case hex. */
  readonly fingerprint: string
  /** Those that its own key certifies and has not revoked: anybody can put others behind a certificate. */
  readonly userIds: readonly string[]
  /** The same as they stand in their packets. */
  readonly certifiedIds: readonly Uint8Array[]
  readonly created: Date
  readonly keys: readonly CertifiedKey[]
  /** Key flags of the primary key (RFC 9580 §5.2.3.29), of its newest self-signature. */
  readonly primaryFlags: number
  /** Fingerprints of the keys that its certifications say they are by, where none is by its own key. */
  readonly certifiedBy: readonly string[]
}

export type OpenPgpCertificateFailureCode =
  | 'certificate-unreadable'
  | 'certificate-of-another-key'
  | 'creation-time-differs'
  | 'no-signing-key'
  | 'key-expired'
  | 'key-revoked'
  | 'key-not-yet-valid'

const maxCertificate = 64 * 1024
/** Of the same as armored text: what was small enough to be kept has to be read again. */
const maxArmored = 96 * 1024
const maxUserId = 1024

/** Reads a certificate (armored text or packets) and judges its keys at a moment. */
export async function readOpenPgpCertificate(
  source: string | Uint8Array,
  at: Date,
): Promise<Result<ReadOpenPgpCertificate, Failure<OpenPgpCertificateFailureCode>>> {
  if (source.length > (typeof source === 'string' ? maxArmored : maxCertificate))
    return unreadable('The certificate is larger than 64 KiB.')
  try {
    const openpgp = await import('openpgp')
    const all =
      typeof source === 'string'
        ? await openpgp.readKeys({ armoredKeys: source })
        : await openpgp.readKeys({ binaryKeys: source })
    const [certificate] = all
    if (certificate === undefined || all.length > 1) return unreadable('It does not hold exactly one certificate.')
    if (certificate.isPrivate())
      return unreadable('This is a private key, not a certificate. Take it off this machine if it is one that matters.')
    return ok(await judged(certificate, at))
  } catch (error) {
    return unreadable(
      'This is not an OpenPGP certificate that can be read.',
      error instanceof Error ? error.message.slice(0, 500) : String(error),
    )
  }
}

/**
 * The key of a certificate that a token's key (SubjectPublicKeyInfo) is, if it may sign at the moment for which the certificate was
 * read. Its fingerprint is made anew from the numbers that the token gave and the creation time that the certificate names.
 */
export function signingKeyFor(
  certificate: ReadOpenPgpCertificate,
  spki: Uint8Array,
): Result<CertifiedKey, Failure<OpenPgpCertificateFailureCode>> {
  const found = certificate.keys.find(({ key }) => isKeyOf(key, spki))
  if (found === undefined) return err(anotherKey)
  if (certificate.certifiedBy.length > 0)
    return err({
      kind: 'refused',
      code: 'creation-time-differs',
      message: `The certificate gives the key the creation time ${timeOf(found.key)}, and so the fingerprint ${fingerprintHex(found.key)}. Its own signatures are by ${certificate.certifiedBy.join(', ')}: a key of another creation time. Nothing was registered. Bring the certificate as it was made.`,
    })
  return found.problem === null ? ok(found) : err(notSigning(found))
}

/** Whether an OpenPGP key is made of a token's public key: the same numbers, the same algorithm, and the fingerprint that follows. */
export function isKeyOf(key: OpenPgpPublicKey, spki: Uint8Array): boolean {
  const forms = ['legacy', 'current'] as const
  return forms.some((ed25519) => {
    const made = openPgpPublicKey(spki, { version: key.version, created: key.created, ed25519 })
    return made !== null && Buffer.compare(made.fingerprint, key.fingerprint) === 0
  })
}

async function judged(certificate: Key, at: Date): Promise<ReadOpenPgpCertificate> {
  const keys: CertifiedKey[] = []
  const packets: readonly (readonly [CertifiedKey['role'], PublicKeyPacket | PublicSubkeyPacket])[] = [
    ['primary', certificate.keyPacket as PublicKeyPacket],
    ...certificate.subkeys.map(({ keyPacket }) => ['subkey', keyPacket as PublicSubkeyPacket] as const),
  ]
  for (const [role, packet] of packets) {
    const key = ofPacket(packet)
    if (key !== null) keys.push({ role, key, ...(await stateOf(certificate, packet, at)) })
  }
  const certifiedIds = await certifiedIdsOf(certificate, at)
  const selfCertified = certificate.users.some(({ selfCertifications }) => selfCertifications.length > 0)
  const others = certificate.users.flatMap(({ otherCertifications }) => otherCertifications)
  return {
    binary: certificate.write(),
    version: certificate.keyPacket.version === 6 ? 6 : 4,
    fingerprint: certificate.getFingerprint().toUpperCase(),
    userIds: certifiedIds.map((id) => new TextDecoder().decode(id).slice(0, maxUserId).toWellFormed()),
    certifiedIds,
    created: certificate.getCreationTime(),
    keys,
    primaryFlags: await flagsOf(certificate, at),
    certifiedBy: selfCertified
      ? []
      : [...new Set(others.map(({ issuerFingerprint }) => hexOf(issuerFingerprint)).filter((hex) => hex !== ''))].slice(
          0,
          4,
        ),
  }
}

async function certifiedIdsOf(certificate: Key, at: Date): Promise<readonly Uint8Array[]> {
  const ids: Uint8Array[] = []
  for (const user of certificate.users) {
    if (user.userID === null) continue
    try {
      await user.verify(at)
      ids.push(user.userID.write())
    } catch {
      // Not certified by the key, or revoked: nobody's name of this key.
    }
  }
  return ids
}

/** What openpgp.js has and its types leave out. Throws where the signature is not good. */
interface Verifying {
  verify(key: Key['keyPacket'], type: number, over: object, at: Date): Promise<void>
}

/** Of the newest good signature of its own over itself or a user id that names flags: a forged one is in nobody's way. */
async function flagsOf(certificate: Key, at: Date): Promise<number> {
  const { SignaturePacket } = await import('openpgp')
  const key = certificate.keyPacket
  const overIds = certificate.users.flatMap(({ userID, userAttribute, selfCertifications }) =>
    selfCertifications.map((packet) => ({ packet, over: { userID, userAttribute, key } })),
  )
  const overKey = certificate
    .toPacketList()
    .filter((packet) => packet instanceof SignaturePacket)
    .filter(({ signatureType: type }) => Number(type) === signatureType.directKey)
    .map((packet) => ({ packet, over: { key } }))
  const own = [...overIds, ...overKey]
    .filter(({ packet }) => packet.keyFlags !== null)
    .sort((a, b) => (b.packet.created?.getTime() ?? 0) - (a.packet.created?.getTime() ?? 0))
  for (const { packet, over } of own) {
    try {
      if (packet.signatureType === null) continue
      await (packet as unknown as Verifying).verify(key, packet.signatureType, over, at)
      return packet.keyFlags?.[0] ?? 0
    } catch {
      // Not by this key, or not of this time.
    }
  }
  return 0
}

function ofPacket(packet: PublicKeyPacket | PublicSubkeyPacket): OpenPgpPublicKey | null {
  const body = packet.write()
  const made = keyOfBody(body)
  // openpgp.js and this program must agree on who it is.
  return made !== null && fingerprintHex(made).toLowerCase() === packet.getFingerprint() ? made : null
}

async function stateOf(
  certificate: Key,
  packet: PublicKeyPacket | PublicSubkeyPacket,
  at: Date,
): Promise<Pick<CertifiedKey, 'problem' | 'expires'>> {
  const expires = await expiryOf(certificate, packet)
  const subkey = certificate.subkeys.find(({ keyPacket }) => keyPacket === packet)
  if (await certificate.isRevoked(undefined, undefined, at)) return { problem: 'revoked', expires }
  if (expires !== null && expires.getTime() <= at.getTime()) return { problem: 'expired', expires }
  if (packet.created.getTime() > at.getTime()) return { problem: 'not-yet-valid', expires }
  try {
    await certificate.verifyPrimaryKey(at)
  } catch {
    return { problem: 'unbound', expires }
  }
  if (subkey !== undefined) {
    const [binding] = subkey.bindingSignatures
    if (binding === undefined) return { problem: 'unbound', expires }
    if (subkey.revocationSignatures.length > 0 && (await subkey.isRevoked(binding, packet, at)))
      return { problem: 'revoked', expires }
  }
  try {
    const found = await certificate.getSigningKey(packet.getKeyID(), at)
    return { problem: found.getFingerprint() === packet.getFingerprint() ? null : 'cannot-sign', expires }
  } catch {
    return { problem: 'cannot-sign', expires }
  }
}

async function expiryOf(certificate: Key, packet: PublicKeyPacket | PublicSubkeyPacket): Promise<Date | null> {
  const times = [await certificate.getExpirationTime()]
  const subkey = certificate.subkeys.find(({ keyPacket }) => keyPacket === packet)
  if (subkey !== undefined) times.push(await subkey.getExpirationTime())
  const dates = times.filter((time) => time instanceof Date)
  return dates.length === 0 ? null : new Date(Math.min(...dates.map((date) => date.getTime())))
}

function hexOf(bytes: Uint8Array | null): string {
  return bytes === null ? '' : Buffer.from(bytes).toString('hex').toUpperCase()
}

function timeOf({ created }: OpenPgpPublicKey): string {
  return new Date(created * 1000).toISOString()
}

function notSigning({ key, problem, expires, role }: CertifiedKey): Failure<OpenPgpCertificateFailureCode> {
  const what = role === 'primary' ? 'The certificate' : `The subkey ${fingerprintHex(key)}`
  switch (problem) {
    case 'revoked':
      return refused('key-revoked', `${what} is revoked: nobody would take what it signs.`)
    case 'expired':
      return refused(
        'key-expired',
        `${what} expired on ${expires?.toISOString().slice(0, 10) ?? ''}. Extend it where its primary key is, then bring it again.`,
      )
    case 'not-yet-valid':
      return refused(
        'key-not-yet-valid',
        `${what} was created at ${timeOf(key)}, which is still to come. Look at the clocks.`,
      )
    case 'unbound':
      return refused(
        'no-signing-key',
        `${what} carries no valid signature of its own, so nobody could take it for what it says.`,
      )
    case 'cannot-sign':
    case null:
      return refused(
        'no-signing-key',
        `${what} says of the token’s key that it does not sign. Bring a certificate in which it does.`,
      )
  }
}

function refused(code: OpenPgpCertificateFailureCode, message: string): Failure<OpenPgpCertificateFailureCode> {
  return { kind: 'refused', code, message }
}

const anotherKey = refused(
  'certificate-of-another-key',
  'The certificate is for another key than the one on the token. Nothing was registered. Choose the certificate that was made for this key.',
)

function unreadable(message: string, detail?: string): Result<never, Failure<OpenPgpCertificateFailureCode>> {
  const failure = { kind: 'invalid', code: 'certificate-unreadable', message } as const
  return err(detail === undefined ? failure : { ...failure, detail })
}
