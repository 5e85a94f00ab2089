import { hash } from 'node:crypto'
import {
  contextPrimitiveTag,
  derElement,
  derOctetString,
  derSequence,
  derTag,
  derTime,
  derUnsignedInteger,
} from '../../../../src/main/asn1/der.ts'
import { oid } from '../../../../src/main/asn1/oid.ts'
import { derName } from '../../../../src/main/pki/certificate-builder.ts'
import { algorithm } from '../algorithms.ts'
import { objectType } from '../codes.ts'
import type { Firmware } from '../firmware.ts'
import { publicKeyInfo } from '../keys/public-key.ts'
import { generateRsaBodySync } from '../keys/rsa.ts'
import { type CertifyingKey, extension, signCertificate } from './certificate.ts'
import { deviceExtensions } from './device-extensions.ts'

/** What a device leaves the factory with. */
export interface DeviceIdentity {
  readonly key: CertifyingKey
  /** GET OPAQUE of object 0, DER. */
  readonly certificate: Uint8Array
}

/** The maker's part, with keys of its own: root, intermediate, and the certificates of devices. */
export interface AttestationAuthority {
  /** DER. */
  readonly root: Uint8Array
  readonly intermediate: Uint8Array
  issue(serial: number, firmware: Firmware): DeviceIdentity
}

// Dates, names and extensions of devices are those of certificates that owners of real ones publish.
const validity = derSequence(derTime(new Date('2017-01-01T00:00:00Z')), derTime(new Date('2071-10-05T00:00:00Z')))
const nameOf = (commonName: string) => derName([{ type: 'commonName', value: commonName }])
// No name of the maker's: nobody shall take these for his.
const rootName = nameOf('Virtual YubiHSM Root CA (test)')
const intermediateName = nameOf('Virtual YubiHSM Sub-CA (test)')

/**
 * A new authority. All have the same names, so a device of another one is a foreign device whose chain looks right until a signature is
 * checked.
 */
export function makeAttestationAuthority(): AttestationAuthority {
  const rootKey = generateCertifyingKey()
  const intermediateKey = generateCertifyingKey()
  const certify = (issuer: Uint8Array, by: CertifyingKey, subject: Uint8Array, key: CertifyingKey, depth: number) =>
    signCertificate(by, {
      serialBytes: 8,
      issuer,
      subject,
      validity,
      publicKey: infoOf(key),
      extensions: authorityExtensions(key, by, depth),
    })
  return {
    root: certify(rootName, rootKey, rootName, rootKey, 2),
    intermediate: certify(rootName, rootKey, intermediateName, intermediateKey, 1),
    issue(serial, firmware) {
      const key = generateCertifyingKey()
      const certificate = signCertificate(intermediateKey, {
        serialBytes: 8,
        issuer: intermediateName,
        subject: nameOf(`YubiHSM Attestation (${serial})`),
        validity,
        publicKey: infoOf(key),
        extensions: [...deviceExtensions(firmware, serial), ...authorityExtensions(key, intermediateKey, 0)],
      })
      return { key, certificate }
    },
  }
}

/** Key identifiers and CA:TRUE with a path length (RFC 5280 §4.2.1): a device certifies keys itself. */
function authorityExtensions(key: CertifyingKey, issuer: CertifyingKey, depth: number): readonly Uint8Array[] {
  const issuerId = derElement(contextPrimitiveTag(0), keyIdentifier(issuer))
  const constraints = derSequence(Uint8Array.of(derTag.boolean, 1, 0xff), derUnsignedInteger(Uint8Array.of(depth)))
  return [
    extension(oid.subjectKeyIdentifier, derOctetString(keyIdentifier(key))),
    extension(oid.authorityKeyIdentifier, derSequence(issuerId)),
    extension(oid.basicConstraints, constraints, true),
  ]
}

function keyIdentifier(key: CertifyingKey): Uint8Array {
  return hash('sha1', infoOf(key), 'buffer')
}

/** A key that signs certificates, outside of any object: RSA 2048, as devices have. */
export function generateCertifyingKey(): CertifyingKey {
  return { algorithm: algorithm.rsa2048, body: generateRsaBodySync(2048) }
}

function infoOf(key: CertifyingKey): Uint8Array {
  return publicKeyInfo({ type: objectType.asymmetricKey, ...key })
}
