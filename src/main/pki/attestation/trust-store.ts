import type { AttestationRootName, AttestedDevice } from '../../../shared/attestation.ts'
import type { AttestationCertificate } from './attestation-certificate.ts'

/** A certificate that a person or the station's maker decided to trust: a root, or an intermediate below one. */
export interface TrustedCertificate {
  readonly certificate: AttestationCertificate
  readonly role: 'root' | 'intermediate'
  /** What it may stand behind. One root of Yubico's stands behind PIV, OpenPGP, FIDO and YubiHSM; its intermediates tell them apart. */
  readonly devices: readonly AttestedDevice[]
  readonly source: AttestationRootName['source']
}

export type TrustStore = readonly TrustedCertificate[]

/**
 * Whether a certificate of a device may come directly from this root, or from an intermediate that came with it. Not so below a root
 * that stands behind several kinds of device: there only an intermediate of the store says which kind it is.
 */
export function isOfOneKind(root: TrustedCertificate): boolean {
  return root.devices.length === 1
}
