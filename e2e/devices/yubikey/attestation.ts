import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import {
  contextTag,
  derBitString,
  derElement,
  derNull,
  derOctetString,
  derSequence,
  derTag,
  derTime,
  derUnsignedInteger,
} from '../../../src/main/asn1/der.ts'
import { derOid, oid } from '../../../src/main/asn1/oid.ts'
import { derName } from '../../../src/main/pki/certificate-builder.ts'
import { type CardKey, spkiOf } from './card-key.ts'
import { type PinPolicy, pinPolicyByte, type TouchPolicy, touchPolicyByte } from './slots.ts'

/** Yubico's arc for the extensions of attestation certificates (developers.yubico.com, PIV attestation). */
const extensionOid = {
  firmware: '1.3.6.1.4.1.41482.3.3',
  serial: '1.3.6.1.4.1.41482.3.7',
  policies: '1.3.6.1.4.1.41482.3.8',
  formFactor: '1.3.6.1.4.1.41482.3.9',
} as const

/** What signs the attestation certificates of keys when they are made: the test's own in place of Yubico's. */
export type AttestationAuthority = {
  readonly name: Uint8Array
  readonly privateKey: KeyObject
  /** DER, self-signed. */
  readonly certificate: Uint8Array
}

/** As on real keys, slot certificates live as long as the certificate of F9: it is the same pair of dates. */
export type Validity = { readonly notBefore: Date; readonly notAfter: Date }

const years: Validity = { notBefore: new Date('2016-03-14T00:00:00Z'), notAfter: new Date('2052-04-17T00:00:00Z') }
const past: Validity = { notBefore: new Date('2016-03-14T00:00:00Z'), notAfter: new Date('2020-04-17T00:00:00Z') }

/** How a card's attestation is made. `expired`: its certificates ended in 2020. `forged`: another key than F9 signs for the slots. */
export type AttestationKind = 'genuine' | 'expired' | 'forged'

export function validityOf(kind: AttestationKind): Validity {
  return kind === 'expired' ? past : years
}

/** A root of its own: two calls give two roots with the same name and different keys, so one is foreign to the other's cards. */
export function makeAttestationAuthority(): AttestationAuthority {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const name = derName([{ type: 'commonName', value: 'Signing Station test PIV root, not of Yubico' }])
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const certificate = certify({
    issuer: name,
    signer: privateKey,
    subject: name,
    spki,
    validity: years,
    serialNumber: randomBytes(16),
    extensions: [basicConstraints(1)],
  })
  return { name, privateKey, certificate }
}

let shared: AttestationAuthority | null = null

/** The root of all cards of this process that ask for no other. */
export function testAuthority(): AttestationAuthority {
  shared ??= makeAttestationAuthority()
  return shared
}

const attestationName = derName([{ type: 'commonName', value: 'Yubico PIV Attestation' }])

/** The certificate of the F9 key, as the maker leaves it in object 5FFF01. */
export function attestationCertificate(
  authority: AttestationAuthority,
  key: CardKey,
  firmware: Uint8Array,
  kind: AttestationKind,
): Uint8Array {
  return certify({
    issuer: authority.name,
    signer: authority.privateKey,
    subject: attestationName,
    spki: spkiOf(key),
    validity: validityOf(kind),
    serialNumber: randomBytes(16),
    extensions: [extension(extensionOid.firmware, false, firmware), basicConstraints(0)],
  })
}

/** ATTEST: the slot's public key and what the card knows of it, signed by the F9 key. Null: that key signs no certificate. */
export function slotCertificate(statement: {
  readonly slot: number
  readonly key: CardKey
  readonly firmware: Uint8Array
  readonly serial: number
  readonly formFactor: number
  readonly pinPolicy: PinPolicy
  readonly touchPolicy: TouchPolicy
  readonly signer: CardKey
  readonly kind: AttestationKind
  readonly serialNumber: Uint8Array
}): Uint8Array | null {
  const { signer, kind } = statement
  if (signer.algorithm === 'x25519' || signer.algorithm === 'ed25519') return null
  const serial = Buffer.alloc(4)
  serial.writeUInt32BE(statement.serial)
  const policies = Uint8Array.of(pinPolicyByte(statement.pinPolicy), touchPolicyByte(statement.touchPolicy))
  return certify({
    issuer: attestationName,
    signer: kind === 'forged' ? forger(signer) : signer.privateKey,
    subject: derName([{ type: 'commonName', value: `YubiKey PIV Attestation ${statement.slot.toString(16)}` }]),
    spki: spkiOf(statement.key),
    validity: validityOf(kind),
    serialNumber: statement.serialNumber,
    extensions: [
      extension(extensionOid.firmware, false, statement.firmware),
      extension(extensionOid.serial, false, derUnsignedInteger(serial)),
      extension(extensionOid.policies, false, policies),
      extension(extensionOid.formFactor, false, Uint8Array.of(statement.formFactor)),
    ],
  })
}

/** Another key of the same kind, so that nothing but the signature is wrong. */
function forger(key: CardKey): KeyObject {
  return key.algorithm.startsWith('rsa')
    ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    : generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
}

function certify(content: {
  readonly issuer: Uint8Array
  readonly signer: KeyObject
  readonly subject: Uint8Array
  readonly spki: Uint8Array
  readonly validity: Validity
  readonly serialNumber: Uint8Array
  readonly extensions: readonly Uint8Array[]
}): Uint8Array {
  const rsa = createPublicKey(content.signer).asymmetricKeyType === 'rsa'
  const algorithm = rsa ? derSequence(derOid(oid.sha256WithRsa), derNull) : derSequence(derOid(oid.ecdsaWithSha256))
  const tbs = derSequence(
    derElement(contextTag(0), derUnsignedInteger(Uint8Array.of(2))),
    derUnsignedInteger(content.serialNumber),
    algorithm,
    content.issuer,
    derSequence(derTime(content.validity.notBefore), derTime(content.validity.notAfter)),
    content.subject,
    content.spki,
    derElement(contextTag(3), derSequence(...content.extensions)),
  )
  return derSequence(tbs, algorithm, derBitString(sign('sha256', tbs, content.signer)))
}

/** The contents are not always DER: firmware, policies and form factor are bare bytes in the OCTET STRING. */
function extension(identifier: string, critical: boolean, value: Uint8Array): Uint8Array {
  const flag = critical ? [Uint8Array.of(derTag.boolean, 1, 0xff)] : []
  return derSequence(derOid(identifier), ...flag, derOctetString(value))
}

function basicConstraints(pathLength: number): Uint8Array {
  const value = derSequence(Uint8Array.of(derTag.boolean, 1, 0xff), derUnsignedInteger(Uint8Array.of(pathLength)))
  return extension(oid.basicConstraints, true, value)
}
