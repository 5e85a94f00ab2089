import { createHash, randomBytes } from 'node:crypto'
import type { SignatureRequest } from '../token/token-service.ts'
import { bodyLength, concatBytes, mpi, packet, packetTag, uint16, uint32 } from './packet.ts'
import { type OpenPgpPublicKey, pgpAlgorithm } from './public-key.ts'

/** Signature types (RFC 9580 §5.2.1) that this station makes. */
export const signatureType = {
  binary: 0x00,
  text: 0x01,
  genericCertification: 0x10,
  personaCertification: 0x11,
  casualCertification: 0x12,
  positiveCertification: 0x13,
  subkeyBinding: 0x18,
  primaryKeyBinding: 0x19,
  directKey: 0x1f,
  keyRevocation: 0x20,
  subkeyRevocation: 0x28,
} as const
export type SignatureType = (typeof signatureType)[keyof typeof signatureType]

/** SHA-512: the first digest that debusine's own worker prefers, and made for every kind of key that signs here. */
const sha512Id = 10
const subpacketType = { created: 2, issuerKeyId: 16, issuerFingerprint: 33 } as const
const v6SaltLength = 32

export interface SignatureSpec {
  readonly type: SignatureType
  readonly key: OpenPgpPublicKey
  /** Seconds since 1970. */
  readonly created: number
  /** Complete subpackets, hashed after creation time and issuer. */
  readonly subpackets?: readonly Uint8Array[]
  /** For version 6, 32 bytes; without it they are drawn. */
  readonly salt?: Uint8Array
}

/** A signature but for the numbers that the key gives. */
export interface UnsignedSignature {
  readonly request: SignatureRequest
  /** The whole packet. `raw`: what the token gives, RSA as long as its modulus, ECDSA r‖s, Ed25519 R‖S. */
  readonly complete: (raw: Uint8Array) => Uint8Array
}

/** Takes the signed data in pieces. */
export interface OpenSignature {
  update(data: Uint8Array): void
  finish(): UnsignedSignature
}

/** A subpacket (§5.2.3.7). */
export function subpacket(type: number, body: Uint8Array, critical = false): Uint8Array {
  return concatBytes(bodyLength(body.length + 1), Uint8Array.of(critical ? type | 0x80 : type), body)
}

/** Begins a signature of the key's version. The data that the type stands for (§5.2.4) go into `update`. */
export function openSignature(spec: SignatureSpec): OpenSignature {
  const { key } = spec
  const salt = key.version === 6 ? (spec.salt ?? randomBytes(v6SaltLength)) : null
  if (salt !== null && salt.length !== v6SaltLength) throw new Error(`a salt for SHA-512 has ${v6SaltLength} bytes`)
  const hash = createHash('sha512')
  if (salt !== null) hash.update(salt)
  return {
    update: (data) => hash.update(data),
    finish: () => {
      const hashed = hashedPart(spec)
      const trailer = concatBytes(Uint8Array.of(key.version, 0xff), uint32(hashed.length))
      const digest = hash.update(hashed).update(trailer).digest()
      return {
        request: { scheme: key.scheme, digest },
        complete: (raw) =>
          packet(
            packetTag.signature,
            concatBytes(hashed, unhashedPart(spec, digest, salt), signatureNumbers(key, raw)),
          ),
      }
    },
  }
}

/** The fields of the packet up to the hashed subpackets, which the digest covers. */
function hashedPart({ type, key, created, subpackets = [] }: SignatureSpec): Uint8Array {
  const area = concatBytes(
    subpacket(subpacketType.created, uint32(created), true),
    subpacket(subpacketType.issuerFingerprint, concatBytes(Uint8Array.of(key.version), key.fingerprint)),
    ...subpackets,
  )
  return concatBytes(
    Uint8Array.of(key.version, type, key.algorithm, sha512Id),
    key.version === 4 ? uint16(area.length) : uint32(area.length),
    area,
  )
}

/** Key id (version 4 alone: version 6 must not have it, §5.2.3.12), the left 16 bits of the digest, and the salt. */
function unhashedPart({ key }: SignatureSpec, digest: Uint8Array, salt: Uint8Array | null): Uint8Array {
  const left = digest.subarray(0, 2)
  if (salt !== null) return concatBytes(uint32(0), left, Uint8Array.of(salt.length), salt)
  const area = subpacket(subpacketType.issuerKeyId, key.keyId)
  return concatBytes(uint16(area.length), area, left)
}

function signatureNumbers({ algorithm }: OpenPgpPublicKey, raw: Uint8Array): Uint8Array {
  switch (algorithm) {
    case pgpAlgorithm.rsa:
      return mpi(raw)
    case pgpAlgorithm.ecdsa:
    case pgpAlgorithm.eddsaLegacy: {
      // A token session verifies what it gives: another length is a defect of the caller.
      if (raw.length === 0 || raw.length % 2 !== 0)
        throw new Error(`a signature of ${raw.length} bytes has no two halves`)
      return concatBytes(mpi(raw.subarray(0, raw.length / 2)), mpi(raw.subarray(raw.length / 2)))
    }
    case pgpAlgorithm.ed25519: {
      if (raw.length !== 64) throw new Error(`an Ed25519 signature has 64 bytes, not ${raw.length}`)
      return raw
    }
  }
}
