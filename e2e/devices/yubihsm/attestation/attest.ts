import { readCertificateFields } from '../../../../src/main/asn1/certificate-fields.ts'
import { contextTag, readChildren, readElement } from '../../../../src/main/asn1/der.ts'
import { derName } from '../../../../src/main/pki/certificate-builder.ts'
import type { Firmware } from '../firmware.ts'
import { publicKeyInfo } from '../keys/public-key.ts'
import { refuse } from '../message.ts'
import type { HsmObject } from '../objects.ts'
import { type CertifyingKey, signCertificate } from './certificate.ts'
import { deviceExtensions, objectExtensions } from './device-extensions.ts'

/**
 * SIGN ATTESTATION CERTIFICATE (docs.yubico.com/hardware/oid, "Attestation"): issuer and dates of the attesting certificate, the public key
 * of the attested object.
 */
export function attest(
  device: { readonly firmware: Firmware; readonly serial: number },
  attesting: { readonly key: CertifyingKey; readonly certificate: Uint8Array },
  object: HsmObject,
): Uint8Array {
  const id = object.id.toString(16).padStart(4, '0')
  const { subject, validity } = issuerOf(attesting.certificate)
  return signCertificate(attesting.key, {
    issuer: subject,
    subject: derName([{ type: 'commonName', value: `YubiHSM Attestation id:0x${id}` }]),
    validity,
    publicKey: publicKeyInfo(object),
    extensions: [...deviceExtensions(device.firmware, device.serial), ...objectExtensions(object)],
  })
}

/** Subject and Validity as encoded. What is stored as a certificate may be anything. */
function issuerOf(certificate: Uint8Array): { readonly subject: Uint8Array; readonly validity: Uint8Array } {
  const fields = readCertificateFields(certificate)
  const tbs = fields.ok ? readElement(fields.value.tbs) : fields
  const members = tbs.ok ? readChildren(tbs.value) : tbs
  if (!fields.ok || !members.ok) return refuse('invalidData')
  // Serial number, algorithm, issuer, validity; before them the version, unless it is 1 (RFC 5280 §4.1).
  const versioned = members.value[0]?.tag === contextTag(0)
  const validity = members.value[versioned ? 4 : 3]?.bytes
  return validity === undefined ? refuse('invalidData') : { subject: fields.value.subject, validity }
}
