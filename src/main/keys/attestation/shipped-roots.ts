import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AttestedDevice } from '../../../shared/attestation.ts'
import type { Log } from '../../log/logger.ts'
import { readAttestationCertificate } from '../../pki/attestation/attestation-certificate.ts'
import type { TrustedCertificate, TrustStore } from '../../pki/attestation/trust-store.ts'
import { certificatesIn } from './certificate-text.ts'

type Shipped = readonly [
  file: string,
  role: TrustedCertificate['role'],
  devices: readonly AttestedDevice[],
  sha256: string,
]

/**
 * Yubico's roots and the intermediates below the newest of them, with the SHA-256 of their DER: where each comes from, and what it
 * was compared with, is in resources/attestation-roots/README.md. A file that is not the one named here is not used.
 */
export const shippedRoots: readonly Shipped[] = [
  ['piv-root-263751.pem', 'root', ['yubikey-piv'], '63ece914e54dd87915f34033c85af4c0696ba1512f8add66ced738331207b546'],
  [
    'u2f-root-457200631.pem',
    'root',
    ['yubikey-piv'],
    '0fa1386f80eb8713263ae5c1d84deb455bdf08aea50ab05503cefee82b092d42',
  ],
  [
    'attestation-root-1.pem',
    'root',
    ['yubikey-piv', 'yubihsm'],
    '62760c6a6ef91679f454c8902b80fd009825b3f25da90f1fbace2ec6586cd5a8',
  ],
  [
    'attestation-intermediate-a-1.pem',
    'intermediate',
    ['yubikey-piv', 'yubihsm'],
    '4698a1d3389c3ec60016c216250f1d0439922832d65142327436376dc2942b55',
  ],
  [
    'attestation-intermediate-b-1.pem',
    'intermediate',
    ['yubikey-piv', 'yubihsm'],
    'd4cc3f456fdaf4e7812a21aab1dfe9d8e27d24e2fd2d6f21c9940109f0daa754',
  ],
  [
    'piv-attestation-a-1.pem',
    'intermediate',
    ['yubikey-piv'],
    '6de693f05376f5d8ca29069261e1c8626c75d503bd2edbfd75354cad1f722870',
  ],
  [
    'piv-attestation-b-1.pem',
    'intermediate',
    ['yubikey-piv'],
    '2d55b7998f4e42569d6d8fa382b6dc77d1dacf07358b19701163892922b17052',
  ],
  [
    'piv-attestation-b2-1.pem',
    'intermediate',
    ['yubikey-piv'],
    '0c90b7d184a36edf50a35f9be935f0c5689bfdcfe5bdd073366cafb49061a440',
  ],
  ['yubihsm-root.pem', 'root', ['yubihsm'], '094a3ac493c2bdcd65a54bdf40190f52bb03f7156397a3fc69d8aa9a392fb724'],
  [
    'yubihsm-sub-ca-6742036.pem',
    'intermediate',
    ['yubihsm'],
    'd7c6d8f45208e2a53996fb5a8f4d631b33ebabb64956b37b2ac151fbdbaf4ae9',
  ],
  [
    'yubihsm-attestation-b2-1.pem',
    'intermediate',
    ['yubihsm'],
    '77d88e6363149ad6ba58a2ca1b8b407206ec57e7537c16cefbbc5edc39efb8e1',
  ],
]

/** Reads them. One that is missing or another is left out and named in the log: attestations that need it are then not verified. */
export async function readShippedRoots(folder: string, log: Log): Promise<TrustStore> {
  const store: TrustedCertificate[] = []
  for (const [file, role, devices, sha256] of shippedRoots) {
    const certificate = await readRoot(join(folder, file))
    if (certificate?.sha256 === sha256) store.push({ certificate, role, devices, source: 'shipped' })
    else log('attestation.root-unusable', { file, found: certificate?.sha256 ?? null })
  }
  return store
}

async function readRoot(path: string) {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch {
    // Said by the caller; without its files the station works on, and verifies less.
    return null
  }
  const [der, ...more] = certificatesIn(bytes) ?? []
  if (der === undefined || more.length > 0) return null
  const certificate = readAttestationCertificate(der)
  return certificate.ok ? certificate.value : null
}
