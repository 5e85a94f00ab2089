import type { WorkRequestId } from '../../shared/ids.ts'
import type { RequestDetail, RequestSummary } from '../../shared/request.ts'
import type { ReviewSheet } from '../../shared/review-sheet.ts'
import type { FakeState } from './fake-station.ts'
import {
  hexOf,
  minutesAgo,
  requestIdOf,
  sampleArtifact,
  sampleCertificate,
  sampleChecks,
  sampleDetail,
  sampleFile,
  sampleFingerprint,
  samplePe,
  sampleSheet,
} from './sample-data.ts'
import { withRequest } from './sample-station.ts'

export function reviewing(checks: Parameters<typeof sampleChecks>[0], change: Partial<ReviewSheet> = {}): FakeState {
  return withRequest(sampleDetail(sampleSheet({ checks: sampleChecks(checks), ...change })))
}

export function manyFiles(count: number): ReviewSheet['artifacts'] {
  const half = Math.ceil(count / 2)
  const files = Array.from({ length: count }, (_, index) =>
    sampleFile(index, {
      path: `usr/lib/modules/6.12.57+deb13-amd64/part-${String(index + 1).padStart(3, '0')}/vmlinuz-${index + 1}.efi`,
      ...(index % 37 === 5
        ? {
            signedBefore: [
              { at: minutesAgo(9_000), requestId: requestIdOf(1_003), workRequest: 10_397 as WorkRequestId },
            ],
          }
        : {}),
    }),
  )
  return [
    sampleArtifact(files.slice(0, half)),
    sampleArtifact(files.slice(half), {
      artifactId: 8_813 as never,
      binaryPackageName: 'linux-image-6.12.57+deb13-cloud-amd64',
    }),
  ]
}

export const hostileName =
  'boot/grub\u202Excfe.efi/<img src=x onerror=alert(1)>/\u0007\u200B a name that is longer than any sensible person would give to a file and that goes on and on so that it has to be cut somewhere-amd64.efi'

export function rich(): ReviewSheet {
  const vendor = {
    where: '.vendor_cert',
    offset: 0x10_20,
    certificate: sampleCertificate({
      subject: 'CN=Example Secure Boot CA,O=Example Project',
      issuer: 'CN=Example Secure Boot CA,O=Example Project',
      isCa: true,
      selfSigned: true,
      sha256: hexOf('ca'),
    }),
  }
  const shim = sampleFile(0, {
    path: 'usr/lib/shim/shimx64.efi',
    size: 965_672,
    facts: samplePe({
      role: 'shim',
      kernelVersion: null,
      sbat: [
        {
          component: 'sbat',
          generation: 1,
          vendor: 'SBAT Version',
          package: 'sbat',
          version: '1',
          url: 'https://github.com/rhboot/shim',
        },
        {
          component: 'shim',
          generation: 4,
          vendor: 'UEFI shim',
          package: 'shim',
          version: '1',
          url: 'https://github.com/rhboot/shim',
        },
        {
          component: 'shim.debian',
          generation: 1,
          vendor: 'Debian',
          package: 'shim',
          version: '16.1',
          url: 'https://tracker.debian.org/pkg/shim',
        },
      ],
      vendorCertificates: [vendor],
      vendorDbxBytes: 0,
      embeddedCertificates: [{ ...vendor, where: '.rodata', offset: 0x9_00_20 }],
      existingSignatures: [
        {
          signer: sampleCertificate({ subject: 'CN=Old signer 2021' }),
          issuerName: 'CN=Old CA',
          digest: hexOf('old'),
          digestAlgorithm: 'sha256',
          matchesFile: true,
        },
      ],
    }),
    signedBefore: [{ at: minutesAgo(40_000), requestId: requestIdOf(1_001), workRequest: 9_981 as WorkRequestId }],
  })
  const uki = sampleFile(1, {
    path: 'efi/Linux/debian-6.12.57.efi',
    size: 74_112_512,
    facts: samplePe({
      role: 'uki',
      innerKernelSha256: hexOf('inner'),
      texts: [
        { section: '.cmdline', text: 'root=UUID=5f0d quiet lockdown=integrity', cut: false },
        { section: '.osrel', text: 'NAME="Debian GNU/Linux"\nVERSION="13 (trixie)"\nID=debian', cut: false },
        { section: '.uname', text: '6.12.57+deb13-amd64', cut: false },
      ],
    }),
  })
  return sampleSheet({
    artifacts: [sampleArtifact([shim, uki], { binaryPackageName: 'shim-unsigned' })],
    checks: sampleChecks({
      'signed-before': [
        'attention',
        'This key signed 1 of these files on 2026-10-23 (work request 9981).',
        [
          {
            subject: 'usr/lib/shim/shimx64.efi',
            found: 'signed 2026-10-23, work request 9981',
            outcome: 'attention',
            source: 'station',
          },
        ],
      ],
      'embedded-certificates': [
        'attention',
        '2 certificates were found inside 1 file.',
        [
          {
            subject: 'usr/lib/shim/shimx64.efi',
            found: 'CN=Example Secure Boot CA, at 0x90020 in .rodata',
            outcome: 'attention',
            source: 'file',
          },
        ],
      ],
    }),
  })
}

export function staged(
  stage: RequestDetail['summary']['stage'],
  change: Partial<RequestDetail> = {},
  summary: Partial<RequestSummary> = {},
): FakeState {
  const sheet = sampleSheet()
  const detail = sampleDetail(
    sheet,
    { stage, ...summary },
    {
      decision: { kind: 'approved', operator: 'Release Manager', at: minutesAgo(1), reason: null },
      auditSeqs: [4, 5, 6, 7],
      ...change,
    },
  )
  return withRequest(detail)
}

export const signedFile = (path: string) =>
  ({ kind: 'signed', outputSha256: hexOf(`out ${path}`), outputSize: 12_119_000, at: minutesAgo(1) }) as const

export function outcomes(
  ...kinds: readonly ('signed' | 'failed' | 'waiting' | 'unknown' | 'begun')[]
): RequestDetail['files'] {
  return sampleSheet().artifacts.flatMap((artifact) =>
    artifact.files.map((file, index) => {
      const kind = kinds[index] ?? 'waiting'
      const outcome =
        kind === 'signed'
          ? signedFile(file.path)
          : kind === 'failed'
            ? ({
                kind: 'failed',
                failure: {
                  kind: 'unavailable',
                  code: 'token-removed',
                  message: 'The token was removed before it was asked. Nothing was signed for this file.',
                },
                at: minutesAgo(1),
              } as const)
            : { kind }
      return { ordinal: file.ordinal, path: file.path, outcome }
    }),
  )
}

export const softwareSheet = () =>
  sampleSheet({
    key: {
      fingerprint: sampleFingerprint,
      registered: {
        description: 'Test key in software',
        production: false,
        origin: 'generated',
        home: { kind: 'software' },
        certificate: sampleCertificate({ subject: 'CN=Test', issuer: 'CN=Test', selfSigned: true }),
      },
    },
  })
