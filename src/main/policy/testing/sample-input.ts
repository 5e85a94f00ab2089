import { artifactId, fingerprint, requestId, sha256Hex, workRequestId } from '../../../shared/ids.ts'
import type { EmbeddedCertificate, PeFacts } from '../../../shared/input-facts.ts'
import type { CertificateFacts, RegisteredKey } from '../../../shared/key.ts'
import type { SheetArtifact, SheetFile } from '../../../shared/review-sheet.ts'
import type { PolicyInput } from '../policy-input.ts'

// What a release manager sees on a good day: one artifact with one boot loader, everything answered and fine. A test changes
// the one thing that it is about.

export const sampleSha256 = (byte: string) => sha256Hex.parse(byte.repeat(32))
export const sampleFingerprint = fingerprint.parse('C3'.repeat(32))
export const sampleRequestId = requestId.parse('6f1c2f6e-3f0a-4c0e-9a55-0d6c5b8f1a10')
export const sampleWorkRequestId = workRequestId.parse(42)

export function sampleCertificate(change: Partial<CertificateFacts> = {}): CertificateFacts {
  return {
    subject: 'CN=Secure Boot signer',
    issuer: 'CN=Secure Boot CA',
    serial: '5a01',
    notBefore: '2026-01-01T00:00:00.000Z',
    notAfter: '2027-01-01T00:00:00.000Z',
    sha256: sampleSha256('c3'),
    algorithm: 'rsa-2048',
    isCa: false,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['codeSigning'],
    selfSigned: false,
    ...change,
  }
}

export function sampleKey(change: Partial<RegisteredKey> = {}): RegisteredKey {
  return {
    purpose: 'uefi',
    fingerprint: sampleFingerprint,
    description: 'Secure Boot 2026',
    state: 'active',
    production: true,
    origin: 'generated',
    algorithm: 'rsa-2048',
    home: {
      kind: 'token',
      token: { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiKey YK5', serial: '12345678' },
      ckaId: '02',
      pkcs11Uri: 'pkcs11:serial=12345678;id=%02;type=private',
    },
    certificate: sampleCertificate(),
    certificatePem: '',
    openpgp: null,
    createdAt: '2026-01-01T00:00:00.000Z',
    lastUsedAt: null,
    lastUseSeq: null,
    lastSeen: null,
    availability: 'usable',
    usableNow: true,
    unusableBecause: null,
    ...change,
  }
}

export function embedded(byte: string, where = '.vendor_cert'): EmbeddedCertificate {
  return { where, offset: 4096, certificate: sampleCertificate({ sha256: sampleSha256(byte), subject: `CN=${byte}` }) }
}

export function samplePe(change: Partial<PeFacts> = {}): PeFacts {
  return {
    kind: 'pe',
    machine: 'x64',
    subsystem: 'EFI application',
    role: 'grub',
    authenticodeSha256: sampleSha256('b2'),
    layoutFaults: [],
    sections: [],
    sbat: [
      { component: 'sbat', generation: 1, vendor: 'SBAT Version', package: 'sbat', version: '1', url: 'https://x' },
      { component: 'grub', generation: 5, vendor: 'FSF', package: 'grub', version: '2.12', url: 'https://x' },
    ],
    sbatProblem: null,
    texts: [],
    kernelVersion: null,
    innerKernelSha256: null,
    vendorCertificates: [],
    vendorDbxBytes: null,
    embeddedCertificates: [],
    existingSignatures: [],
    incomplete: [],
    ...change,
  }
}

export const opaque = { kind: 'opaque', reason: 'It is not a PE image.', firstBytesHex: '7f454c46' } as const

export function sampleFile(change: Partial<SheetFile> = {}): SheetFile {
  return {
    ordinal: 0,
    path: 'grub/usr/lib/grubx64.efi',
    size: 4096,
    sha256: sampleSha256('a1'),
    facts: samplePe(),
    disposition: 'sign',
    toBeSigned: { what: 'Authenticode digest of the PE image', algorithm: 'sha256', digest: sampleSha256('b2') },
    signedBefore: [],
    ...change,
  }
}

export const skippedModule = (ordinal: number) =>
  sampleFile({ ordinal, path: 'linux/dummy.ko', facts: opaque, disposition: 'skip', toBeSigned: null })

export function sampleArtifact(change: Partial<SheetArtifact> = {}): SheetArtifact {
  return {
    artifactId: artifactId.parse(7),
    category: 'debusine:signing-input',
    binaryPackageName: 'grub-efi-amd64-unsigned',
    trustedCerts: { kind: 'declared-empty' },
    permission: {
      kind: 'answered',
      allowed: true,
      username: 'submitter',
      userId: 3,
      resource: { package: 'grub2', version: '2.12-1' },
    },
    files: [sampleFile()],
    ...change,
  }
}

export function samplePolicyInput(change: Partial<PolicyInput> = {}): PolicyInput {
  return {
    now: new Date('2026-06-01T12:00:00.000Z'),
    purpose: 'uefi',
    fingerprint: sampleFingerprint,
    held: { kind: 'held' },
    artifacts: [sampleArtifact()],
    spool: new Map([[0, 'same']]),
    key: sampleKey(),
    registeredFor: [],
    token: { kind: 'usable' },
    trustedList: [],
    sbatLevel: { date: '2025-05-10', minimumGenerations: { shim: 4, grub: 5, 'grub.proxmox': 2 } },
    ...change,
  }
}

/** An input whose one artifact has these files, all of them unchanged in the spool. */
export function inputWithFiles(...files: readonly SheetFile[]): PolicyInput {
  return samplePolicyInput({
    artifacts: [sampleArtifact({ files: [...files] })],
    spool: new Map(files.map((file) => [file.ordinal, 'same'])),
  })
}
