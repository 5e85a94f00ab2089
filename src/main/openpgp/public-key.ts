import { createHash, createPublicKey, type JsonWebKey } from 'node:crypto'
import type { SignatureRequest } from '../token/token-service.ts'
import { concatBytes, mpi, packet, packetTag, uint16, uint32 } from './packet.ts'

/** Public-key algorithms (RFC 9580 §9.1) of the keys that this station signs with. */
export const pgpAlgorithm = {
  rsa: 1,
  ecdsa: 19,
  /** EdDSA over Ed25519 as GnuPG has it; the only one that it knows. */
  eddsaLegacy: 22,
  ed25519: 27,
} as const
export type PgpAlgorithm = (typeof pgpAlgorithm)[keyof typeof pgpAlgorithm]

/** What an OpenPGP key is beside its numbers. The creation time is part of the fingerprint: another time is another key. */
export interface PublicKeyForm {
  readonly version: 4 | 6
  /** Seconds since 1970, 32 bits. */
  readonly created: number
  /** For Ed25519 keys; a version 6 key always has 27 (§5.5.5.9). */
  readonly ed25519: 'legacy' | 'current'
}

export interface OpenPgpPublicKey {
  readonly version: 4 | 6
  readonly created: number
  readonly algorithm: PgpAlgorithm
  /** Body of the public-key packet (§5.5.2). */
  readonly body: Uint8Array
  readonly fingerprint: Uint8Array
  readonly keyId: Uint8Array
  /** How the token is asked for a signature by this key. Always over SHA-512. */
  readonly scheme: Extract<SignatureRequest['scheme'], 'rsa-pkcs1-sha512' | 'ecdsa-sha512' | 'ed25519-sha512'>
}

const curveOids = { 'P-256': '2a8648ce3d030107', 'P-384': '2b81040022' } as const
const ed25519LegacyOid = '2b06010401da470f01'

/** The OpenPGP key that a public key (SubjectPublicKeyInfo, DER) is in a given form. Null: of a kind that does not sign here. */
export function openPgpPublicKey(spki: Uint8Array, form: PublicKeyForm): OpenPgpPublicKey | null {
  const jwk = jwkOf(spki)
  const made = jwk === null ? null : materialOf(jwk, form)
  if (made === null || !isTime(form.created)) return null
  const { algorithm, material } = made
  const { version, created } = form
  const head = concatBytes(Uint8Array.of(version), uint32(created), Uint8Array.of(algorithm))
  const body = version === 4 ? concatBytes(head, material) : concatBytes(head, uint32(material.length), material)
  return identified({ version, created, algorithm, body, scheme: schemes[algorithm] })
}

/** A key from the body of its packet, as somebody else made it. Null: of a version or algorithm that does not sign here. */
export function keyOfBody(body: Uint8Array): OpenPgpPublicKey | null {
  const [version, , , , , algorithm] = body
  if ((version !== 4 && version !== 6) || !isPgpAlgorithm(algorithm)) return null
  const created = Buffer.from(body.buffer, body.byteOffset, body.length).readUInt32BE(1)
  return identified({ version, created, algorithm, body, scheme: schemes[algorithm] })
}

const schemes = {
  [pgpAlgorithm.rsa]: 'rsa-pkcs1-sha512',
  [pgpAlgorithm.ecdsa]: 'ecdsa-sha512',
  [pgpAlgorithm.eddsaLegacy]: 'ed25519-sha512',
  [pgpAlgorithm.ed25519]: 'ed25519-sha512',
} as const

function isPgpAlgorithm(number: number | undefined): number is PgpAlgorithm {
  return number !== undefined && number in schemes
}

function identified(parts: Omit<OpenPgpPublicKey, 'fingerprint' | 'keyId'>): OpenPgpPublicKey {
  const fingerprint = createHash(parts.version === 4 ? 'sha1' : 'sha256')
    .update(hashedKey(parts))
    .digest()
  const keyId = parts.version === 4 ? fingerprint.subarray(-8) : fingerprint.subarray(0, 8)
  return { ...parts, fingerprint, keyId }
}

/** A key as fingerprints and signatures over keys hash it (§5.2.4, §5.5.4). */
export function hashedKey({ version, body }: Pick<OpenPgpPublicKey, 'version' | 'body'>): Uint8Array {
  return version === 4
    ? concatBytes(Uint8Array.of(0x99), uint16(body.length), body)
    : concatBytes(Uint8Array.of(0x9b), uint32(body.length), body)
}

export function publicKeyPacket(key: OpenPgpPublicKey, role: 'primary' | 'subkey'): Uint8Array {
  return packet(role === 'primary' ? packetTag.publicKey : packetTag.publicSubkey, key.body)
}

/** As debusine and this station's rows write it. */
export function fingerprintHex(key: Pick<OpenPgpPublicKey, 'fingerprint'>): string {
  return Buffer.from(key.fingerprint).toString('hex').toUpperCase()
}

function isTime(seconds: number): boolean {
  return Number.isInteger(seconds) && seconds > 0 && seconds <= 0xffff_ffff
}

function jwkOf(spki: Uint8Array): JsonWebKey | null {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }).export({ format: 'jwk' })
  } catch {
    return null
  }
}

interface Material {
  readonly algorithm: PgpAlgorithm
  readonly material: Uint8Array
}

function materialOf(jwk: JsonWebKey, form: PublicKeyForm): Material | null {
  if (jwk.kty === 'RSA') {
    const modulus = octets(jwk.n)
    // RFC 9580 §12.4 wants 3072; YubiKeys before 5.7 make 2048 at most. Less than that, or more than a token can make, is nobody's key.
    if (modulus.length < 256 || modulus.length > 512) return null
    const material = concatBytes(mpi(modulus), mpi(octets(jwk.e)))
    return { algorithm: pgpAlgorithm.rsa, material }
  }
  if (jwk.kty === 'EC' && (jwk.crv === 'P-256' || jwk.crv === 'P-384')) {
    const point = concatBytes(Uint8Array.of(4), octets(jwk.x), octets(jwk.y))
    const material = concatBytes(oidField(curveOids[jwk.crv]), mpi(point))
    return { algorithm: pgpAlgorithm.ecdsa, material }
  }
  if (jwk.kty !== 'OKP' || jwk.crv !== 'Ed25519') return null
  const point = octets(jwk.x)
  if (form.version === 6 || form.ed25519 === 'current') return { algorithm: pgpAlgorithm.ed25519, material: point }
  const material = concatBytes(oidField(ed25519LegacyOid), mpi(concatBytes(Uint8Array.of(0x40), point)))
  return { algorithm: pgpAlgorithm.eddsaLegacy, material }
}

function oidField(hex: string): Uint8Array {
  const oid = Buffer.from(hex, 'hex')
  return concatBytes(Uint8Array.of(oid.length), oid)
}

function octets(base64url: string | undefined): Uint8Array {
  return Buffer.from(base64url ?? '', 'base64url')
}

/** SubjectPublicKeyInfo (DER) of a key, as a token's is read. Null: its numbers make no key. */
export function spkiOf({ version, algorithm, body }: OpenPgpPublicKey): Buffer | null {
  const material = Buffer.from(body.buffer, body.byteOffset, body.length).subarray(version === 4 ? 6 : 10)
  const jwk = jwkOfMaterial(algorithm, material)
  if (jwk === null) return null
  try {
    return createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'der', type: 'spki' })
  } catch {
    return null
  }
}

function jwkOfMaterial(algorithm: PgpAlgorithm, material: Buffer): JsonWebKey | null {
  if (algorithm === pgpAlgorithm.ed25519) return edwardsJwk(material)
  if (algorithm === pgpAlgorithm.rsa) {
    const modulus = readMpi(material)
    const exponent = modulus === null ? null : readMpi(modulus.rest)
    if (modulus === null || exponent === null) return null
    return { kty: 'RSA', n: modulus.number.toString('base64url'), e: exponent.number.toString('base64url') }
  }
  const oidLength = material[0] ?? 0
  const oid = material.subarray(1, 1 + oidLength).toString('hex')
  const point = readMpi(material.subarray(1 + oidLength))?.number
  if (point === undefined) return null
  if (algorithm === pgpAlgorithm.eddsaLegacy)
    return oid === ed25519LegacyOid && point[0] === 0x40 ? edwardsJwk(point.subarray(1)) : null
  const crv = oid === curveOids['P-256'] ? 'P-256' : oid === curveOids['P-384'] ? 'P-384' : null
  const size = crv === 'P-256' ? 32 : 48
  if (crv === null || point[0] !== 4 || point.length !== 1 + 2 * size) return null
  const x = point.subarray(1, 1 + size).toString('base64url')
  return { kty: 'EC', crv, x, y: point.subarray(1 + size).toString('base64url') }
}

function edwardsJwk(point: Buffer): JsonWebKey {
  return { kty: 'OKP', crv: 'Ed25519', x: point.toString('base64url') }
}

function readMpi(bytes: Buffer): { readonly number: Buffer; readonly rest: Buffer } | null {
  if (bytes.length < 2) return null
  const end = 2 + Math.ceil(bytes.readUInt16BE(0) / 8)
  return end > bytes.length ? null : { number: bytes.subarray(2, end), rest: bytes.subarray(end) }
}
