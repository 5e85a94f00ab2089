import type { CommandApdu, Reply } from './apdu.ts'
import {
  type AttestationAuthority,
  type AttestationKind,
  attestationCertificate,
  testAuthority,
} from './attestation.ts'
import { type CardAlgorithm, type CardKey, generateCardKey } from './card-key.ts'
import { type PinPolicy, slotOf, type TouchPolicy } from './slots.ts'
import { tlv } from './tlv.ts'

export type FirmwareVersion = '5.4.3' | '5.7.1'

export type ManagementAlgorithm = '3des' | 'aes-128' | 'aes-192' | 'aes-256'
export type ManagementKey = {
  readonly algorithm: ManagementAlgorithm
  readonly key: Uint8Array
  readonly touch: TouchPolicy
}

/** A PIN or PUK: eight bytes, filled up with FF. */
export type Reference = { readonly value: Uint8Array; readonly left: number; readonly total: number }

export type StoredKey = CardKey & {
  readonly pinPolicy: PinPolicy
  readonly touchPolicy: TouchPolicy
  readonly origin: 'generated' | 'imported'
}

/** What stays when the power goes. */
export type Chip = {
  readonly firmware: FirmwareVersion
  readonly serial: number
  readonly formFactor: number
  readonly pin: Reference
  readonly puk: Reference
  readonly management: ManagementKey
  readonly keys: ReadonlyMap<number, StoredKey>
  /** Data objects by id in hex, as they stand inside tag 53. */
  readonly objects: ReadonlyMap<string, Uint8Array>
  readonly attestation: AttestationKind
  readonly lastTry: LastTry
}

/**
 * What the wrong try that blocks a PIN is answered: 63C0, as NIST SP 800-73-4 part 2 §3.2.1 says, or 6983 at once. Public sources
 * do not tell which it is on which firmware; hosts have to live with both.
 */
export type LastTry = 'counted' | 'blocked'

/** What a SELECT or the loss of power ends. */
export type Session = {
  readonly applet: 'none' | 'piv' | 'management'
  readonly pinVerified: boolean
  /** Nothing was signed since the PIN was given: what the policy `always` asks for. */
  readonly pinFresh: boolean
  readonly managementVerified: boolean
  /** The number that the other side must have decrypted (`witness`) or encrypted (`challenge`) in its next message. */
  readonly managementProof: { readonly kind: 'witness' | 'challenge'; readonly value: Uint8Array } | null
}

/** Commands that come in pieces, and answers that leave in pieces (ISO/IEC 7816-4 §5.1.1.1, §7.6.1). */
export type Link = {
  readonly chain: { readonly head: string; readonly data: Uint8Array } | null
  readonly rest: Uint8Array | null
}

export type Card = {
  readonly chip: Chip
  readonly session: Session
  readonly link: Link
  /** A touch for a key with the policy `cached` counts until then (milliseconds of the world's clock). */
  readonly touchedUntil: number
  /** A command that is done but for the finger: what it answers then. */
  readonly awaited: Awaited | null
}

export type Awaited = {
  readonly what: 'key' | 'management'
  readonly policy: TouchPolicy
  /** The whole command, to be run again with the touch granted. */
  readonly command: CommandApdu
}

export const noSession: Session = {
  applet: 'none',
  pinVerified: false,
  pinFresh: false,
  managementVerified: false,
  managementProof: null,
}
export const idleLink: Link = { chain: null, rest: null }

/** What a command does. `reply` is null while the key waits for a finger: `card.awaited` says for what. */
export type Outcome = { readonly card: Card; readonly reply: Reply | null }

/** What the applet takes from outside. */
export type World = {
  /** Milliseconds, from any start. */
  readonly now: number
  readonly random: (length: number) => Uint8Array
  readonly generate: (algorithm: CardAlgorithm) => CardKey
}

export const touchCacheMs = 15_000

/** Sizes of firmware 5 (Yubico's PIV documentation): one object holds 3052 bytes, all of them 51200. */
export const largestObject = 3052
export const objectSpace = 51_200

export function withChip(card: Card, chip: Partial<Chip>): Card {
  return { ...card, chip: { ...card.chip, ...chip } }
}

export function withSession(card: Card, session: Partial<Session>): Card {
  return { ...card, session: { ...card.session, ...session } }
}

export function versionBytes(firmware: FirmwareVersion): Uint8Array {
  return Uint8Array.from(firmware.split('.').map(Number))
}

export function since57(firmware: FirmwareVersion): boolean {
  return firmware === '5.7.1'
}

export function hasAlgorithm(firmware: FirmwareVersion, algorithm: CardAlgorithm): boolean {
  switch (algorithm) {
    case 'rsa-1024':
    case 'rsa-2048':
    case 'ec-p256':
    case 'ec-p384':
      return true
    case 'rsa-3072':
    case 'rsa-4096':
    case 'ed25519':
    case 'x25519':
      return since57(firmware)
  }
}

export function reference(text: string, total: number): Reference {
  const value = new Uint8Array(8).fill(0xff)
  value.set(new TextEncoder().encode(text).subarray(0, 8))
  return { value, left: total, total }
}

export const defaultPin = '123456'
export const defaultPuk = '12345678'
export const defaultManagementKey = Buffer.from('010203040506070801020304050607080102030405060708', 'hex')

export function factoryManagementKey(firmware: FirmwareVersion): ManagementKey {
  return { algorithm: since57(firmware) ? 'aes-192' : '3des', key: defaultManagementKey, touch: 'never' }
}

export type CardOptions = {
  readonly firmware?: FirmwareVersion
  readonly serial?: number
  /** As the maker numbers them: 1 USB-A, 2 nano, 3 USB-C, … */
  readonly formFactor?: number
  readonly attestation?: AttestationKind
  readonly authority?: AttestationAuthority
  readonly lastTry?: LastTry
}

/** A key as it leaves the factory: default PIN, PUK and management key, an attestation key in F9, nothing else. */
export function makeCard(options: CardOptions = {}): Card {
  const {
    firmware = '5.7.1',
    serial = 20_000_001,
    formFactor = 1,
    attestation = 'genuine',
    lastTry = 'counted',
  } = options
  const attestationKey = generateCardKey('rsa-2048')
  const certificate = attestationCertificate(
    options.authority ?? testAuthority(),
    attestationKey,
    versionBytes(firmware),
    attestation,
  )
  const chip: Chip = {
    firmware,
    serial,
    formFactor,
    pin: reference(defaultPin, 3),
    puk: reference(defaultPuk, 3),
    management: factoryManagementKey(firmware),
    keys: new Map([
      [slotOf.attestation, { ...attestationKey, pinPolicy: 'never', touchPolicy: 'never', origin: 'imported' }],
    ]),
    objects: new Map([['5fff01', certificateContent(certificate)]]),
    attestation,
    lastTry,
  }
  return { chip, session: noSession, link: idleLink, touchedUntil: 0, awaited: null }
}

/** A certificate as a data object holds it: 70 certificate, 71 not compressed, FE empty (NIST SP 800-73-4 part 1 appendix A). */
export function certificateContent(der: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([tlv(0x70, der), tlv(0x71, Uint8Array.of(0)), tlv(0xfe)]))
}
