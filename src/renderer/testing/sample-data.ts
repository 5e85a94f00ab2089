import { byHandOrigin } from '../../shared/by-hand-origin.ts'
import type { Check, CheckId, CheckOutcome } from '../../shared/check.ts'
import type { AuditSeq, Fingerprint, RequestId, Sha256Hex, WorkRequestId } from '../../shared/ids.ts'
import type { PeFacts } from '../../shared/input-facts.ts'
import type { CertificateFacts, RegisteredKey } from '../../shared/key.ts'
import type { RequestDetail, RequestSummary } from '../../shared/request.ts'
import type { ReviewSheet, SheetArtifact, SheetFile } from '../../shared/review-sheet.ts'
import type { TokenId, TokenObject, TokenSummary } from '../../shared/token.ts'

/** Digits that look like a digest and depend on `seed` alone (xorshift32): the gallery shows the same picture each time. */
export function hexOf(seed: string): Sha256Hex {
  let state = 2_166_136_261
  for (const character of seed) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 16_777_619) >>> 0
  let hex = ''
  while (hex.length < 64) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    hex += (state >>> 0).toString(16).padStart(8, '0')
  }
  return hex as Sha256Hex
}

export function requestIdOf(index: number): RequestId {
  return `00000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}` as RequestId
}

/** All samples live around this moment. */
export const sampleNow = Date.parse('2026-11-20T10:48:00.000Z')

export function minutesAgo(minutes: number): string {
  return new Date(sampleNow - minutes * 60_000).toISOString()
}

export const sampleToken: TokenId = {
  manufacturer: 'Yubico (www.yubico.com)',
  model: 'YubiKey YK5',
  serial: '18204417',
}

export function sampleTokenSummary(change: Partial<TokenSummary> = {}): TokenSummary {
  return {
    id: sampleToken,
    label: 'YubiKey PIV #18204417',
    module: '/usr/lib/x86_64-linux-gnu/libykcs11.so.2',
    firmware: '5.7.1',
    hardware: '1.0',
    pinState: 'ok',
    pinRequired: true,
    minPinLength: 6,
    maxPinLength: 8,
    ...change,
  }
}

export const sampleMechanisms: string[] = ['CKM_ECDSA', 'CKM_RSA_PKCS', 'CKM_RSA_PKCS_PSS', 'CKM_SHA256']

export function sampleObject(change: Partial<TokenObject> = {}): TokenObject {
  return {
    ckaId: '02',
    label: 'Private key for Digital Signature',
    algorithm: 'rsa-2048',
    spkiSha256: hexOf('spki'),
    certificatePem:
      '-----BEGIN CERTIFICATE-----\nMIIDSAMPLE0000000000000000000000000000000000000000000000000000000\n-----END CERTIFICATE-----\n',
    alwaysAuthenticate: true,
    policies: { pin: 'always', touch: 'cached' },
    certificateNotAfter: '2027-11-20T00:00:00.000Z',
    generatedOnToken: true,
    ...change,
  }
}

export function sampleCertificate(change: Partial<CertificateFacts> = {}): CertificateFacts {
  return {
    subject: 'CN=Example Secure Boot Signer 2026 - linux,O=Example Project',
    issuer: 'CN=Example Secure Boot CA,O=Example Project',
    serial: '4d92c1',
    notBefore: '2026-01-10T00:00:00.000Z',
    notAfter: '2028-01-10T00:00:00.000Z',
    sha256: hexOf('certificate'),
    algorithm: 'rsa-2048',
    isCa: false,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['codeSigning'],
    selfSigned: false,
    ...change,
  }
}

export const sampleFingerprint = hexOf('certificate').toUpperCase() as Fingerprint

export function sampleKey(change: Partial<RegisteredKey> = {}): RegisteredKey {
  return {
    purpose: 'uefi',
    fingerprint: sampleFingerprint,
    description: 'Secure Boot signer 2026 (linux)',
    state: 'active',
    production: true,
    origin: 'generated',
    algorithm: 'rsa-2048',
    home: { kind: 'token', token: sampleToken, ckaId: '02', pkcs11Uri: 'pkcs11:serial=18204417;id=%02' },
    certificate: sampleCertificate(),
    certificatePem: '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n',
    openpgp: null,
    createdAt: '2026-01-12T09:30:00.000Z',
    lastUsedAt: minutesAgo(2880),
    lastUseSeq: 702,
    lastSeen: { at: minutesAgo(1), tokenLabel: 'YubiKey PIV', module: '/usr/lib/x86_64-linux-gnu/libykcs11.so.2' },
    availability: 'usable',
    usableNow: true,
    unusableBecause: null,
    ...change,
  }
}

export function samplePe(change: Partial<PeFacts> = {}): PeFacts {
  return {
    kind: 'pe',
    machine: 'x86-64',
    subsystem: 'EFI application',
    role: 'linux-kernel',
    authenticodeSha256: hexOf('authenticode'),
    layoutFaults: [],
    sections: [
      { name: '.setup', offset: 0x2_00, rawSize: 15_872, virtualSize: 15_872, sha256: hexOf('.setup') },
      { name: '.text', offset: 0x40_00, rawSize: 11_862_016, virtualSize: 11_862_016, sha256: hexOf('.text') },
      { name: '.data', offset: 0xb5_40_00, rawSize: 1_536, virtualSize: 54_784, sha256: hexOf('.data') },
      { name: '.sbat', offset: 0xb5_46_00, rawSize: 512, virtualSize: 240, sha256: hexOf('.sbat') },
    ],
    sbat: [
      {
        component: 'sbat',
        generation: 1,
        vendor: 'SBAT Version',
        package: 'sbat',
        version: '1',
        url: 'https://github.com/rhboot/shim/blob/main/SBAT.md',
      },
      {
        component: 'linux',
        generation: 1,
        vendor: 'linux.org',
        package: 'linux',
        version: '6.12.57',
        url: 'https://linux.org',
      },
      {
        component: 'linux.debian',
        generation: 1,
        vendor: 'Debian',
        package: 'linux',
        version: '6.12.57-1',
        url: 'https://packages.debian.org/source/linux',
      },
    ],
    sbatProblem: null,
    texts: [],
    kernelVersion: '6.12.57+deb13-amd64',
    innerKernelSha256: null,
    vendorCertificates: [],
    vendorDbxBytes: null,
    embeddedCertificates: [],
    existingSignatures: [],
    incomplete: [],
    ...change,
  }
}

export function sampleFile(ordinal: number, change: Partial<SheetFile> = {}): SheetFile {
  const path = change.path ?? `boot/vmlinuz-6.12.${57 + ordinal}+deb13-amd64`
  return {
    ordinal,
    path,
    size: 12_117_504 + ordinal * 4096,
    sha256: hexOf(`file ${path}`),
    facts: samplePe({ kernelVersion: `6.12.${57 + ordinal}+deb13-amd64`, authenticodeSha256: hexOf(`tbs ${path}`) }),
    disposition: 'sign',
    toBeSigned: { what: 'Authenticode SHA-256', algorithm: 'sha256', digest: hexOf(`tbs ${path}`) },
    signedBefore: [],
    ...change,
  }
}

export function sampleArtifact(files: readonly SheetFile[], change: Partial<SheetArtifact> = {}): SheetArtifact {
  return {
    artifactId: 8_812 as SheetArtifact['artifactId'],
    category: 'debusine:signing-input',
    binaryPackageName: 'linux-image-6.12.57+deb13-amd64',
    trustedCerts: { kind: 'declared', certificates: [{ fingerprint: hexOf('ca'), trusted: true }] },
    permission: {
      kind: 'answered',
      allowed: true,
      username: 'kernel-uploader',
      userId: 42,
      resource: { workspace: 'sid', package: 'linux' },
    },
    files: [...files],
    ...change,
  }
}

const sentences: Record<CheckId, string> = {
  'request-held': 'Held since 10:31 UTC; the server confirmed it 2 minutes ago.',
  'inputs-unchanged': 'Size and SHA-256 of every file are those that the server announced.',
  'trusted-certs': '1 of 1 declared certificates is on this station’s list.',
  'embedded-certificates': 'No certificate was found inside the files.',
  permission: 'The server allows kernel-uploader to use this key in this workspace.',
  'key-registered': 'The key is registered here since 2026-01-12.',
  'key-active': 'The key is active.',
  'token-present': 'YubiKey 18204417 is plugged in and holds the key.',
  'purpose-matches': 'Both say uefi.',
  'certificate-valid': 'Valid until 2028-01-10, 415 days from now.',
  'layout-safe': 'No overlap, no gap and no data after the last section.',
  'file-explained': 'Every file was parsed and explained.',
  'sbat-level': 'Every component is at or above its published generation.',
  'signed-before': 'This key has not signed these bytes at this station.',
  'upload-whole': 'The upload is whole.',
  'upload-version': 'No newer upload of this source was signed here.',
  'index-sound': 'The Release is well-formed, and its times are right.',
  'index-progress': 'It follows on the last index of its suite that was signed here.',
}

/** Not asked of files of a Sign task, of which the sample is. */
const ofOtherTasks: ReadonlySet<CheckId> = new Set(['upload-whole', 'upload-version', 'index-sound', 'index-progress'])

export function sampleChecks(
  change: Partial<Record<CheckId, readonly [CheckOutcome, string, Check['evidence']?]>> = {},
): Check[] {
  const asked = (Object.keys(sentences) as CheckId[]).filter((id) => !ofOtherTasks.has(id) || change[id] !== undefined)
  return asked.map((id) => {
    const [outcome, sentence, evidence] = change[id] ?? (['passed', sentences[id], defaultEvidence(id)] as const)
    return { id, outcome, sentence, evidence: evidence ?? [] }
  })
}

function defaultEvidence(id: CheckId): Check['evidence'] {
  if (id === 'permission')
    return [
      { subject: 'artifact 8812', found: 'allowed for user 42 (kernel-uploader)', outcome: 'passed', source: 'server' },
    ]
  if (id === 'inputs-unchanged')
    return [{ subject: 'all files', found: 'read twice, the same digests', outcome: 'passed', source: 'station' }]
  if (id === 'token-present')
    return [
      { subject: 'serial 18204417', found: 'public key read back from object 02', outcome: 'passed', source: 'token' },
    ]
  return []
}

export const sampleWorkRequest: NonNullable<ReviewSheet['workRequest']> = {
  server: 'https://debusine.example.org/api',
  id: 10_423 as WorkRequestId,
  scope: 'debian',
  workspace: 'sid',
  task: 'sign',
  createdAt: minutesAgo(17),
  createdBy: 42,
  retryCount: 0,
}

export function sampleSheet(change: Partial<ReviewSheet> = {}): ReviewSheet {
  const key = sampleKey()
  return {
    version: 1,
    requestId: requestIdOf(1),
    madeAt: minutesAgo(3),
    workRequest: sampleWorkRequest,
    purpose: 'uefi',
    key: {
      fingerprint: key.fingerprint,
      registered: {
        description: key.description,
        production: key.production,
        origin: key.origin,
        home: key.home,
        certificate: key.certificate,
        attestation: {
          result: 'generated',
          root: { name: 'CN=Yubico PIV Root CA Serial 263751', source: 'shipped' },
          failedBefore: false,
          seq: 12 as AuditSeq,
        },
      },
    },
    artifacts: [sampleArtifact([sampleFile(0), sampleFile(1), sampleFile(2)])],
    checks: sampleChecks(),
    ...change,
  }
}

export function sampleSummary(sheet: ReviewSheet, change: Partial<RequestSummary> = {}): RequestSummary {
  const outcomes = sheet.checks.map((check) => check.outcome)
  const worst = (['refused', 'unknown', 'attention'] as const).find((outcome) => outcomes.includes(outcome)) ?? 'passed'
  return {
    id: sheet.requestId,
    workRequestId: sheet.workRequest?.id ?? ((sheet.byHand?.number ?? 1) as WorkRequestId),
    server: sheet.workRequest?.server ?? byHandOrigin,
    scope: sheet.workRequest?.scope ?? null,
    workspace: sheet.workRequest?.workspace ?? byHandOrigin,
    purpose: sheet.purpose,
    fingerprint: sheet.key.fingerprint,
    keyDescription: sheet.key.registered?.description ?? null,
    stage: 'review',
    outcome: null,
    title: 'linux-image-6.12.57+deb13-amd64',
    requestedBy: 'kernel-uploader',
    fileCount: sheet.artifacts.reduce((sum, artifact) => sum + artifact.files.length, 0),
    signedCount: 0,
    worstCheck: worst,
    waitsForKey: false,
    receivedAt: minutesAgo(16),
    updatedAt: minutesAgo(3),
    ...change,
  }
}

/** A request with that sheet, up for review, and what main would say about approving it. */
export function sampleDetail(
  sheet: ReviewSheet,
  summary: Partial<RequestSummary> = {},
  change: Partial<RequestDetail> = {},
): RequestDetail {
  const blocked = sheet.checks
    .filter((check) => check.outcome === 'refused' || check.outcome === 'unknown')
    .map((check) => check.id)
  const acknowledge = sheet.checks.filter((check) => check.outcome === 'attention').map((check) => check.id)
  return {
    summary: sampleSummary(sheet, summary),
    sheet,
    generation: null,
    sheetDigest: hexOf(JSON.stringify(sheet)),
    approvability: blocked.length > 0 ? { kind: 'blocked', by: blocked } : { kind: 'approvable', acknowledge },
    files: sheet.artifacts.flatMap((artifact) =>
      artifact.files.map((file) => ({ ordinal: file.ordinal, path: file.path, outcome: { kind: 'waiting' } as const })),
    ),
    held:
      summary.stage === 'done'
        ? null
        : { since: minutesAgo(16), tokenEndsAt: minutesAgo(16 - 7 * 1440), renewalsLeft: 3 },
    failure: null,
    decision: null,
    auditSeqs: [4, 5],
    ...change,
  }
}
