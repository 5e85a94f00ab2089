import { readFileSync } from 'node:fs'
import type { AttestationVerdict } from '../../../../shared/attestation.ts'
import { readAttestationCertificate } from '../attestation-certificate.ts'
import type { TrustedCertificate } from '../trust-store.ts'
import { type AttestedKey, verifyAttestation } from '../verify-attestation.ts'
import type { MadeCertificate } from './openssl-certificates.ts'

export function trusted(
  certificate: MadeCertificate | Uint8Array,
  change: Partial<TrustedCertificate> = {},
): TrustedCertificate {
  const read = readAttestationCertificate('der' in certificate ? certificate.der : certificate)
  if (!read.ok) throw new Error(`not a certificate that can be trusted: ${read.error}`)
  return { certificate: read.value, role: 'root', devices: ['yubikey-piv'], source: 'operator', ...change }
}

/** The PEM blocks of a file beside the tests. */
export function testdata(name: string): readonly Uint8Array[] {
  const text = readFileSync(new URL(`../testdata/${name}`, import.meta.url), 'latin1')
  return [...text.matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END/g)].map(([, body = '']) =>
    Buffer.from(body, 'base64'),
  )
}

export interface Trial {
  readonly key: AttestedKey
  readonly statement: Uint8Array
  readonly others: readonly Uint8Array[]
  readonly store: readonly TrustedCertificate[]
  readonly now?: Date
}

/** A day from now: openssl makes its certificates valid from the second in which it runs. */
export const tomorrow = new Date(Date.now() + 86_400_000)

export function tryVerification({ key, statement, others, store, now = tomorrow }: Trial) {
  return verifyAttestation(key, { statement, others }, { store, now })
}

/** `verified`, `chain-incomplete`, or the fault. */
export function outcome(trial: Trial): string {
  const { verdict } = tryVerification(trial)
  return wordOf(verdict)
}

function wordOf(verdict: AttestationVerdict): string {
  return verdict.kind === 'failed' ? verdict.fault : verdict.kind
}
