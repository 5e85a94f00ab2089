import type {
  AttestationFacts,
  AttestationFault,
  AttestationVerdict,
  AttestedDevice,
} from '../../../shared/attestation.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { equalBytes } from '../../asn1/der.ts'
import {
  type AttestationCertificate,
  isSignedBy,
  readAttestationCertificate,
  sameKey,
} from './attestation-certificate.ts'
import { climb, type PathEnd, pathFault } from './certification-path.ts'
import type { TrustStore } from './trust-store.ts'
import { isYubihsmStatement, readYubihsmDevice, readYubihsmStatement } from './yubihsm-statement.ts'
import { isYubikeyStatement, readYubikeyDevice, readYubikeyStatement } from './yubikey-statement.ts'

/** What an attestation is held against: the key that is registered, and where the station finds it. */
export interface AttestedKey {
  readonly device: AttestedDevice
  /** SubjectPublicKeyInfo DER. */
  readonly spki: Uint8Array
  /** As the token gives it: decimal, a YubiHSM's with zeros in front. */
  readonly tokenSerial: string
  /** Hex. A YubiKey's is ykcs11's number of the slot, a YubiHSM's the object's id. */
  readonly ckaId: string
}

export interface CheckedAttestation {
  readonly verdict: Extract<AttestationVerdict, { kind: 'verified' | 'chain-incomplete' | 'failed' }>
  /** Statement first, then its issuers, the root last where one was reached; where the path cannot be followed, all that was handed in. */
  readonly certificates: readonly Uint8Array[]
}

/** `statement`: about the key. `others`: the device's certificate, and intermediates, in any order. DER. */
export interface HandedIn {
  readonly statement: Uint8Array
  readonly others: readonly Uint8Array[]
}

/**
 * The whole check, in the order in which each step needs the one before: readable, about this key on this token, signed by a device,
 * and that device's key certified up to a root that is trusted here.
 */
export function verifyAttestation(
  key: AttestedKey,
  handedIn: HandedIn,
  { store, now }: { readonly store: TrustStore; readonly now: Date },
): CheckedAttestation {
  const everything = [handedIn.statement, ...handedIn.others]
  const failed = (fault: AttestationFault, facts: AttestationFacts | null = null): CheckedAttestation => ({
    verdict: { kind: 'failed', fault, facts },
    certificates: everything,
  })
  const statement = readAttestationCertificate(handedIn.statement)
  if (!statement.ok) return failed(statement.error)
  const others: AttestationCertificate[] = []
  for (const der of handedIn.others) {
    const other = readAttestationCertificate(der)
    if (!other.ok) return failed(other.error)
    others.push(other.value)
  }
  const claimed = readStatement(key.device, statement.value)
  if (!claimed.ok) return failed(claimed.error)
  const facts = claimed.value
  const mismatch = keyFault(key, statement.value, facts)
  if (mismatch !== null) return failed(mismatch, facts)

  const named = others.filter(({ subject }) => equalBytes(subject, statement.value.issuer))
  const device = named.find((candidate) => isSignedBy(statement.value, candidate))
  if (device === undefined) {
    if (named.length > 0) return failed('signature-wrong', facts)
    return {
      verdict: { kind: 'chain-incomplete', lacks: statement.value.issuerText, facts },
      certificates: everything,
    }
  }
  const isStatement = key.device === 'yubihsm' ? isYubihsmStatement : isYubikeyStatement
  if (isStatement(device)) return failed('issuer-is-a-statement', facts)
  const path = climb(device, { device: key.device, store, offered: others })
  if (!path.ok) return failed(path.error, facts)
  const completed = withDevice(facts, device)
  if (!completed.ok) return failed(completed.error, facts)
  const fault =
    pathFault(device, path.value, mayLackConstraints(device, path.value, completed.value)) ??
    timeFault([statement.value, device, ...path.value.issuers], now)
  if (fault !== null) return failed(fault, facts)
  const certificates = [statement.value, device, ...path.value.issuers].map(({ der }) => der)
  if (path.value.kind === 'unknown-issuer')
    return { verdict: { kind: 'chain-incomplete', lacks: path.value.name, facts: completed.value }, certificates }
  const { certificate, source } = path.value.root
  const root = { name: certificate.subjectText, sha256: certificate.sha256, source }
  return { verdict: { kind: 'verified', root, facts: completed.value }, certificates }
}

function readStatement(
  device: AttestedDevice,
  statement: AttestationCertificate,
): Result<AttestationFacts, AttestationFault> {
  // No device writes a statement that may certify: such a certificate is not about a key but about an issuer.
  if (statement.constraints?.ca === true) return err('statement-malformed')
  return device === 'yubihsm' ? readYubihsmStatement(statement) : readYubikeyStatement(statement)
}

/** The statement is about the registered key, on the token that it is registered with, in the place where it is found. */
function keyFault(
  key: AttestedKey,
  statement: AttestationCertificate,
  facts: AttestationFacts,
): AttestationFault | null {
  if (!sameKey(statement.spki, key.spki)) return 'another-key'
  // A YubiKey 4 does not say its serial number: its statement binds the key to a YubiKey, not to this one.
  if (facts.serial !== null && !sameSerial(facts.serial, key.tokenSerial)) return 'another-serial'
  const place = facts.device === 'yubihsm' ? facts.objectId.toString(16).padStart(4, '0') : slotOfCkaId(key.ckaId)
  const expected = facts.device === 'yubihsm' ? key.ckaId : facts.slot
  return place === expected ? null : 'another-place'
}

function sameSerial(attested: string, token: string): boolean {
  return /^[0-9]{1,20}$/.test(token) && BigInt(token) === BigInt(attested)
}

/** ykcs11 counts the slots: 9a 9c 9d 9e are 01 to 04, 82 to 95 are 05 to 18 (hex). Null: not a key that can be attested. */
export function slotOfCkaId(ckaId: string): string | null {
  const number = /^[0-9a-f]{2}$/.test(ckaId) ? Number.parseInt(ckaId, 16) : 0
  if (number >= 5 && number <= 0x18) return (number + 0x7d).toString(16)
  return ['9a', '9c', '9d', '9e'][number - 1] ?? null
}

/** A device's firmware cannot be changed, and its serial number is its own: what its certificate says of them is the same. */
function withDevice(
  facts: AttestationFacts,
  device: AttestationCertificate,
): Result<AttestationFacts, AttestationFault> {
  if (facts.device === 'yubihsm') {
    const { firmware, serial } = readYubihsmDevice(device)
    if (serial !== null && serial !== facts.serial) return err('another-serial')
    return firmware === null || firmware === facts.firmware ? ok(facts) : err('firmware-differs')
  }
  const { firmware, fips, cspn } = readYubikeyDevice(device)
  if (firmware !== null && firmware !== facts.firmware) return err('firmware-differs')
  return ok({ ...facts, fips: facts.fips || fips, cspn })
}

/**
 * The certificates of F9 of some YubiKeys with firmware 4.3 and 5.2 have no basicConstraints (yubikey-manager issue 522). They are
 * taken for what they are only directly below a root, and only with the extension that no other kind of certificate of that root has.
 */
function mayLackConstraints(device: AttestationCertificate, path: PathEnd, facts: AttestationFacts): boolean {
  if (facts.device !== 'yubikey-piv' || device.constraints !== null) return false
  return path.kind === 'root' && path.issuers.length === 1 && readYubikeyDevice(device).firmware !== null
}

function timeFault(path: readonly AttestationCertificate[], now: Date): AttestationFault | null {
  const time = now.getTime()
  if (path.some(({ notAfter }) => notAfter < time)) return 'expired'
  return path.some(({ notBefore }) => notBefore > time) ? 'not-yet-valid' : null
}
