import type { AttestationFault, AttestedDevice } from '../../../shared/attestation.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { equalBytes } from '../../asn1/der.ts'
import { type AttestationCertificate, isSignedBy } from './attestation-certificate.ts'
import { isOfOneKind, type TrustedCertificate, type TrustStore } from './trust-store.ts'

/** Yubico's longest: device, two intermediates, root. */
const maxIntermediates = 3

export type PathEnd =
  | { readonly kind: 'root'; readonly root: TrustedCertificate; readonly issuers: readonly AttestationCertificate[] }
  | { readonly kind: 'unknown-issuer'; readonly name: string; readonly issuers: readonly AttestationCertificate[] }

export interface PathSearch {
  readonly device: AttestedDevice
  readonly store: TrustStore
  /** Intermediates that came with the attestation: from whoever made it. */
  readonly offered: readonly AttestationCertificate[]
}

/**
 * Climbs from the certificate of a device to a root: each issuer has the name that the certificate says, and its key made the
 * signature. A known name with another key is an imitation, and says so; an unknown name only ends the path.
 */
export function climb(
  from: AttestationCertificate,
  { device, store, offered }: PathSearch,
): Result<PathEnd, AttestationFault> {
  const trusted = store.filter(({ devices }) => devices.includes(device))
  const issuers: AttestationCertificate[] = []
  let current = from
  /** An intermediate of the store that stands for this kind of device and no other was passed. */
  let kindShown = false
  for (;;) {
    const below = current
    const isNamed = ({ subject }: AttestationCertificate) => equalBytes(subject, below.issuer)
    const named = trusted.filter(({ certificate }) => isNamed(certificate))
    const signer = named.find(({ certificate }) => isSignedBy(below, certificate))
    if (signer?.role === 'root') {
      if (!kindShown && !isOfOneKind(signer)) return ok({ kind: 'unknown-issuer', name: below.issuerText, issuers })
      return ok({ kind: 'root', root: signer, issuers: [...issuers, signer.certificate] })
    }
    const others = offered.filter(
      (candidate) => isNamed(candidate) && !issuers.includes(candidate) && candidate !== from,
    )
    const next = signer?.certificate ?? others.find((candidate) => isSignedBy(below, candidate))
    if (next === undefined) {
      if (named.length + others.length > 0) return err('signature-wrong')
      return ok({ kind: 'unknown-issuer', name: below.issuerText, issuers })
    }
    if (issuers.includes(next) || issuers.length >= maxIntermediates) return err('path-too-long')
    if (signer !== undefined && isOfOneKind(signer)) kindShown = true
    issuers.push(next)
    current = next
  }
}

/**
 * RFC 5280 §6.1.4 k–n for the certificates between the statement and the root, the device's first: each may certify, and none stands
 * further up than it allows. The root is a name and a key there (§6.1.1 d): its own path length is not asked, and Yubico's U2F root could
 * not stand behind anything if it were.
 */
export function pathFault(
  device: AttestationCertificate,
  end: PathEnd,
  deviceMayLackConstraints: boolean,
): AttestationFault | null {
  const intermediates = end.kind === 'root' ? end.issuers.slice(0, -1) : end.issuers
  for (const [below, { constraints, mayCertify }] of [device, ...intermediates].entries()) {
    if (mayCertify === false) return 'issuer-no-ca'
    if (constraints === null && below === 0 && deviceMayLackConstraints) continue
    if (constraints?.ca !== true) return 'issuer-no-ca'
    if (constraints.pathLength !== null && constraints.pathLength < below) return 'path-too-long'
  }
  return null
}
