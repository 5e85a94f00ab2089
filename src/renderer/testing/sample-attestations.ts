import type { AttestationRecord, AttestationRoot, YubihsmFacts, YubikeyFacts } from '../../shared/attestation.ts'
import type { AuditSeq } from '../../shared/ids.ts'
import { hexOf, minutesAgo, sampleFingerprint } from './sample-data.ts'

export const sampleYubikey: YubikeyFacts = {
  device: 'yubikey-piv',
  slot: '9c',
  firmware: '5.7.4',
  serial: '18204417',
  pinPolicy: 'always',
  touchPolicy: 'cached',
  formFactor: 'usb-c-keychain',
  fips: false,
  cspn: false,
}

export const sampleYubihsm: YubihsmFacts = {
  device: 'yubihsm',
  firmware: '2.4.1',
  serial: '7550140',
  origin: ['generated'],
  domains: [1],
  capabilities: ['sign-pkcs', 'sign-pss'],
  objectId: 0x64,
  label: 'secure-boot-2026',
  fipsApproved: null,
}

export function sampleAttestation(change: Partial<AttestationRecord> = {}): AttestationRecord {
  return {
    seq: 3 as AuditSeq,
    at: minutesAgo(120),
    purpose: 'uefi',
    fingerprint: sampleFingerprint,
    source: 'token',
    verdict: {
      kind: 'verified',
      root: { name: 'CN=Yubico Attestation Root 1', sha256: hexOf('root'), source: 'shipped' },
      facts: sampleYubikey,
    },
    certificatesPem: '-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n',
    operator: 'Release Manager',
    ...change,
  }
}

export function sampleRoots(): AttestationRoot[] {
  return [
    {
      name: 'CN=Yubico Attestation Root 1',
      sha256: hexOf('root'),
      device: ['yubikey-piv', 'yubihsm'],
      role: 'root',
      source: 'shipped',
      notAfter: '9999-12-31T23:59:59.000Z',
      addedAt: null,
      addedBy: null,
    },
    {
      name: 'CN=Yubico YubiHSM Root CA',
      sha256: hexOf('hsm root'),
      device: ['yubihsm'],
      role: 'root',
      source: 'shipped',
      notAfter: '2071-10-05T00:00:00.000Z',
      addedAt: null,
      addedBy: null,
    },
  ]
}
