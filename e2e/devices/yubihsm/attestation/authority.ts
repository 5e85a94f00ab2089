import { derBitString, derSequence, derTag, derTime } from '../../../../src/main/asn1/der.ts'
import { oid } from '../../../../src/main/asn1/oid.ts'
import { derName } from '../../../../src/main/pki/certificate-builder.ts'
import { algorithm } from '../algorithms.ts'
import { objectType } from '../codes.ts'
import type { Firmware } from '../firmware.ts'
import { curveOf, generateEcBody } from '../keys/elliptic.ts'
import { publicKeyInfo } from '../keys/public-key.ts'
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

const validity = derSequence(derTime(new Date('2020-01-01T00:00:00Z')), derTime(new Date('2071-10-05T00:00:00Z')))
const nameOf = (commonName: string) => derName([{ type: 'commonName', value: commonName }])
// No name of the maker's: nobody shall take these for his.
const rootName = nameOf('Virtual YubiHSM Root CA (test)')
const intermediateName = nameOf('Virtual YubiHSM Attestation CA (test)')

/**
 * A new authority. All have the same names, so a device of another one is a foreign device whose chain looks right until a signature is
 * checked.
 */
export function makeAttestationAuthority(): AttestationAuthority {
  const rootKey = generateKey()
  const intermediateKey = generateKey()
  const root = signCertificate(rootKey, {
    issuer: rootName,
    subject: rootName,
    validity,
    publicKey: infoOf(rootKey),
    extensions: authorityExtensions,
  })
  const intermediate = signCertificate(rootKey, {
    issuer: rootName,
    subject: intermediateName,
    validity,
    publicKey: infoOf(intermediateKey),
    extensions: authorityExtensions,
  })
  return {
    root,
    intermediate,
    issue(serial, firmware) {
      const key = generateKey()
      const certificate = signCertificate(intermediateKey, {
        issuer: intermediateName,
        subject: nameOf(`YubiHSM Attestation (${String(serial).padStart(10, '0')})`),
        validity,
        publicKey: infoOf(key),
        // It certifies keys itself, so it says that it is an authority.
        extensions: [...authorityExtensions, ...deviceExtensions(firmware, serial)],
      })
      return { key, certificate }
    },
  }
}

/** basicConstraints CA:TRUE and keyUsage keyCertSign (RFC 5280 §4.2.1). */
const authorityExtensions = [
  extension(oid.basicConstraints, derSequence(Uint8Array.of(derTag.boolean, 1, 0xff)), true),
  extension(oid.keyUsage, keyCertSign(), true),
]

function keyCertSign(): Uint8Array {
  const bits = derBitString(Uint8Array.of(0x04))
  // Two unused bits (X.690 §11.2.2).
  bits[2] = 2
  return bits
}

/** A key that signs certificates, outside of any object. */
export function generateKey(): CertifyingKey {
  const curve = curveOf(algorithm.ecP256)
  if (curve === null) throw new Error('P-256 is a curve of the device')
  return { algorithm: algorithm.ecP256, body: generateEcBody(curve) }
}

function infoOf(key: CertifyingKey): Uint8Array {
  return publicKeyInfo({ type: objectType.asymmetricKey, ...key })
}
