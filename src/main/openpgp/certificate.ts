import type { Failure } from '../../shared/failure.ts'
import { ok, type Result } from '../../shared/result.ts'
import type { SignatureRequest } from '../token/token-service.ts'
import { concatBytes, packet, packetTag, uint32 } from './packet.ts'
import { hashedKey, type OpenPgpPublicKey, publicKeyPacket } from './public-key.ts'
import { openSignature, type SignatureType, signatureType, subpacket, type UnsignedSignature } from './signature.ts'

import type { OpenPgpSigner } from './signer.ts'

/** Key flags (RFC 9580 §5.2.3.29). */
export const keyFlag = { certify: 0x01, sign: 0x02 } as const

const subpacketType = {
  keyExpiration: 9,
  symmetricPreferences: 11,
  hashPreferences: 21,
  compressionPreferences: 22,
  primaryUserId: 25,
  keyFlags: 27,
  revocationReason: 29,
  features: 30,
  embeddedSignature: 32,
} as const

/** Reasons for revocation (§5.2.3.31). */
export const revocationReason = { none: 0, superseded: 1, compromised: 2, retired: 3 } as const
export type RevocationReason = keyof typeof revocationReason

/** A subkey that has said already that it belongs to the primary key, so that its token need not be open when that one says so too. */
export interface ReadySubkey {
  readonly key: OpenPgpPublicKey
  /** Body of its primary key binding (0x19). */
  readonly back: Uint8Array
}

export interface CertificatePlan {
  /** Certifies, and signs where there is no subkey, or where it is asked to as well. */
  readonly primary: OpenPgpSigner
  readonly userId: string
  /** When the certificate is made, seconds since 1970; not before the key's own time. */
  readonly created: number
  /** Seconds after the key's creation; null: for ever. */
  readonly expiresAfter: number | null
  /** Signs in the primary key's place, on the same token or another. */
  readonly signingSubkey: ReadySubkey | null
  /** With a subkey: whether the primary key is to sign, too. Without one it does. */
  readonly primarySigns?: boolean
  /** Of the first signature, where it is of version 6; without it one is drawn, as for those that follow. */
  readonly firstSalt?: Uint8Array
}

export interface NewCertificate {
  /** Transferable public key (§10.1), binary. */
  readonly certificate: Uint8Array
  /** A revocation of the primary key without a reason, to be kept apart until it is needed. */
  readonly revocation: Uint8Array
}

/** Makes a certificate for a token's key, and its revocation beforehand. Each signature is one use of the primary key. */
export async function makeCertificate(plan: CertificatePlan): Promise<Result<NewCertificate, Failure>> {
  const { primary, signingSubkey, userId, created, expiresAfter } = plan
  const packets = [publicKeyPacket(primary.key, 'primary')]
  const described = describing(primaryFlags(plan), expiresAfter)
  if (primary.key.version === 6) {
    const direct = await signDirectKey(primary, created, described, plan.firstSalt)
    if (!direct.ok) return direct
    packets.push(direct.value)
  }
  const certified = await certifyUserId(primary, Buffer.from(userId, 'utf8'), created, described)
  if (!certified.ok) return certified
  packets.push(userIdPacket(userId), certified.value)
  if (signingSubkey !== null) {
    const bound = await bindSigningSubkey(primary, signingSubkey, created)
    if (!bound.ok) return bound
    packets.push(publicKeyPacket(signingSubkey.key, 'subkey'), bound.value)
  }
  const revoked = await revokeKey(primary, created, 'none', '')
  return revoked.ok ? ok({ certificate: concatBytes(...packets), revocation: revoked.value }) : revoked
}

/** What the first signature of `makeCertificate` will be asked for. Of version 6 with `firstSalt` alone: it has a salt of its own each time. */
export function firstRequest(
  plan: Omit<CertificatePlan, 'primary'> & { readonly key: OpenPgpPublicKey },
): SignatureRequest {
  const { key, userId, created, expiresAfter, firstSalt } = plan
  const described = describing(primaryFlags(plan), expiresAfter)
  const first =
    key.version === 6
      ? directKey(key, created, described, firstSalt)
      : certification(key, Buffer.from(userId, 'utf8'), created, described)
  return open({ key }, ...first).request
}

/** What a key is for and what its owner's programs take, as self-signatures say it. */
export function describing(flags: number, expiresAfter: number | null): readonly Uint8Array[] {
  return [
    subpacket(subpacketType.keyFlags, Uint8Array.of(flags), true),
    ...(expiresAfter === null ? [] : [subpacket(subpacketType.keyExpiration, uint32(expiresAfter), true)]),
    // AES-256, -192, -128.
    subpacket(subpacketType.symmetricPreferences, Uint8Array.of(9, 8, 7)),
    // SHA-512, -384, -256: debusine's order.
    subpacket(subpacketType.hashPreferences, Uint8Array.of(10, 9, 8)),
    // ZLIB, ZIP, and none, as every certificate takes it.
    subpacket(subpacketType.compressionPreferences, Uint8Array.of(2, 1)),
    // SEIPD version 1.
    subpacket(subpacketType.features, Uint8Array.of(1)),
  ]
}

export function userIdPacket(userId: string): Uint8Array {
  return packet(packetTag.userId, Buffer.from(userId, 'utf8'))
}

function primaryFlags({
  signingSubkey,
  primarySigns,
}: Pick<CertificatePlan, 'signingSubkey' | 'primarySigns'>): number {
  return signingSubkey === null || primarySigns === true ? keyFlag.certify | keyFlag.sign : keyFlag.certify
}

type SelfSignature = readonly [
  type: SignatureType,
  created: number,
  subpackets: readonly Uint8Array[],
  data: readonly Uint8Array[],
  salt?: Uint8Array,
]

function certification(
  key: OpenPgpPublicKey,
  id: Uint8Array,
  created: number,
  described: readonly Uint8Array[],
): SelfSignature {
  const data = [hashedKey(key), Uint8Array.of(0xb4), uint32(id.length), id]
  const subpackets = [...described, subpacket(subpacketType.primaryUserId, Uint8Array.of(1))]
  return [signatureType.positiveCertification, created, subpackets, data]
}

/** A positive certification of a user id by its own key (§5.2.4). */
export function certifyUserId(
  primary: OpenPgpSigner,
  userId: Uint8Array,
  created: number,
  described: readonly Uint8Array[],
): Promise<Result<Uint8Array, Failure>> {
  return signOver(primary, ...certification(primary.key, userId, created, described))
}

/** What a subkey says first: that it belongs to the primary key (§5.2.1.9), else anybody could claim it. */
export async function readySubkey(
  primary: OpenPgpPublicKey,
  subkey: OpenPgpSigner,
  created: number,
): Promise<Result<ReadySubkey, Failure>> {
  const data = [hashedKey(primary), hashedKey(subkey.key)]
  const back = await signOver(subkey, signatureType.primaryKeyBinding, created, [], data)
  return back.ok ? ok({ key: subkey.key, back: bodyOf(back.value) }) : back
}

/** Binds a subkey that signs. It ends with the primary key. */
function bindSigningSubkey(
  primary: OpenPgpSigner,
  subkey: ReadySubkey,
  created: number,
): Promise<Result<Uint8Array, Failure>> {
  const subpackets = [
    subpacket(subpacketType.keyFlags, Uint8Array.of(keyFlag.sign), true),
    subpacket(subpacketType.embeddedSignature, subkey.back, true),
  ]
  const data = [hashedKey(primary.key), hashedKey(subkey.key)]
  return signOver(primary, signatureType.subkeyBinding, created, subpackets, data)
}

export function revokeKey(
  primary: OpenPgpSigner,
  created: number,
  reason: RevocationReason,
  text: string,
): Promise<Result<Uint8Array, Failure>> {
  return signOver(
    primary,
    signatureType.keyRevocation,
    created,
    [reasonSubpacket(reason, text)],
    [hashedKey(primary.key)],
  )
}

export function revokeSubkey(
  primary: OpenPgpSigner,
  subkey: OpenPgpPublicKey,
  created: number,
  reason: RevocationReason,
  text: string,
): Promise<Result<Uint8Array, Failure>> {
  return signOver(
    primary,
    signatureType.subkeyRevocation,
    created,
    [reasonSubpacket(reason, text)],
    [hashedKey(primary.key), hashedKey(subkey)],
  )
}

/** What a direct-key signature is over (version 6 keeps expiry and preferences there, §10.1.1). */
export function signDirectKey(
  primary: OpenPgpSigner,
  created: number,
  described: readonly Uint8Array[],
  salt?: Uint8Array,
): Promise<Result<Uint8Array, Failure>> {
  return signOver(primary, ...directKey(primary.key, created, described, salt))
}

function directKey(
  key: OpenPgpPublicKey,
  created: number,
  described: readonly Uint8Array[],
  salt: Uint8Array | undefined,
): SelfSignature {
  const signature = [signatureType.directKey, created, described, [hashedKey(key)]] as const
  return salt === undefined ? signature : [...signature, salt]
}

function reasonSubpacket(reason: RevocationReason, text: string): Uint8Array {
  return subpacket(
    subpacketType.revocationReason,
    concatBytes(Uint8Array.of(revocationReason[reason]), Buffer.from(text, 'utf8')),
  )
}

function open(
  { key }: Pick<OpenPgpSigner, 'key'>,
  type: SignatureType,
  created: number,
  subpackets: readonly Uint8Array[],
  data: readonly Uint8Array[],
  salt?: Uint8Array,
): UnsignedSignature {
  const signature = openSignature({ type, key, created, subpackets, ...(salt === undefined ? {} : { salt }) })
  for (const piece of data) signature.update(piece)
  return signature.finish()
}

async function signOver(signer: OpenPgpSigner, ...of: SelfSignature): Promise<Result<Uint8Array, Failure>> {
  const { request, complete } = open(signer, ...of)
  const signature = await signer.sign(request, of[0])
  return signature.ok ? ok(complete(signature.value)) : signature
}

/** The body of a packet of `packet`: what follows its tag and length. */
function bodyOf(whole: Uint8Array): Uint8Array {
  const first = whole[1] ?? 0
  return whole.subarray(first < 192 ? 2 : first < 224 ? 3 : 6)
}
