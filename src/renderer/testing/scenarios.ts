import type { AuditEvent, AuditRow } from '../../shared/audit.ts'
import type { Fingerprint, RequestId, WorkRequestId } from '../../shared/ids.ts'
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
  sampleKey,
  sampleObject,
  samplePe,
  sampleSheet,
  sampleToken,
  sampleTokenSummary,
} from './sample-data.ts'

function auditRows(count: number): AuditRow[] {
  const cycle: readonly AuditEvent[] = ['request-received', 'sheet-shown', 'approved', 'intent', 'signed', 'returned']
  return Array.from({ length: count }, (_, index): AuditRow => {
    const seq = (index + 1) as AuditRow['seq']
    const event: AuditEvent =
      index === 0
        ? 'station-created'
        : index === 1
          ? 'enrolled'
          : index === 2
            ? 'key-registered'
            : (cycle[(index - 3) % cycle.length] ?? 'signed')
    const work = index < 3 ? null : 10_400 + Math.floor((index - 3) / cycle.length)
    const summaries: Partial<Record<AuditEvent, string>> = {
      'station-created': 'The log begins',
      enrolled: 'Registered at debusine.example.org as signing1.example.org',
      'key-registered': 'uefi key “Secure Boot signer 2026 (linux)”, production',
      'request-received': `Work request ${work} in debian/sid, 1 file`,
      'sheet-shown': `Sheet ${hexOf(`sheet ${work}`).slice(0, 8)}… was shown`,
      approved: `Sheet ${hexOf(`sheet ${work}`).slice(0, 8)}… was approved`,
      intent: 'The token is about to be asked to sign boot/vmlinuz-6.12.57+deb13-amd64',
      signed: 'boot/vmlinuz-6.12.57+deb13-amd64 was signed and verified',
      returned: `Work request ${work} was returned: signed`,
    }
    const isSigning = event === 'intent' || event === 'signed'
    return {
      seq,
      at: minutesAgo((count - index) * 7),
      event,
      operator: event === 'request-received' ? null : 'Release Manager',
      requestId: work === null ? null : requestIdOf(work === 10_400 ? 1 : work),
      workRequestId: work,
      purpose: work === null ? null : 'uefi',
      fingerprint: work === null ? null : sampleFingerprint,
      inputSha256: isSigning ? hexOf(`input ${work}`) : null,
      summary: summaries[event] ?? event,
    }
  })
}

function base(): FakeState {
  return {
    status: {
      version: '0.1.0',
      runtime: 'Chromium 156',
      station: 'ready',
      stationName: 'signing1.example.org',
      operator: 'Release Manager',
      server: { kind: 'connected', apiUrl: 'https://debusine.example.org/api', dialect: '0.16' },
      onDuty: true,
      offered: ['uefi'],
      userTokenSet: true,
      tokens: [{ label: 'YubiKey PIV', serial: '18204417' }],
      log: { kind: 'whole', entries: 1_284, head: hexOf('head') },
      inHand: 1,
    },
    settings: {
      stationName: 'signing1.example.org',
      operatorName: 'Release Manager',
      theme: 'system',
      server: { apiUrl: 'https://debusine.example.org/api', caPem: null, scope: 'debian' },
      modules: [{ path: '/usr/lib/x86_64-linux-gnu/libykcs11.so.2', enabled: true }],
      trustedCerts: [hexOf('ca'), hexOf('other ca')],
    },
    requests: new Map(),
    moreRequests: doneRequests(24),
    pending: [],
    tokens: [
      {
        token: sampleTokenSummary(),
        objects: [
          sampleObject(),
          sampleObject({
            ckaId: '01',
            label: 'Private key for PIV Authentication',
            algorithm: 'ec-p256',
            certificatePem: null,
            spkiSha256: hexOf('other'),
            alwaysAuthenticate: false,
          }),
        ],
        problem: null,
      },
    ],
    modules: [{ path: '/usr/lib/x86_64-linux-gnu/libykcs11.so.2', problem: null }],
    keys: [
      sampleKey(),
      sampleKey({
        fingerprint: hexOf('test key').toUpperCase() as Fingerprint,
        description: 'Test signer (SoftHSM)',
        production: false,
        origin: 'imported',
        home: {
          kind: 'token',
          token: { manufacturer: 'SoftHSM project', model: 'SoftHSM v2', serial: '9f21' },
          ckaId: '0a',
          pkcs11Uri: 'pkcs11:serial=9f21',
        },
        usableNow: false,
        unusableBecause: 'Its token (SoftHSM v2, serial 9f21) is not here.',
        certificate: sampleCertificate({
          subject: 'CN=Test signer',
          issuer: 'CN=Test signer',
          selfSigned: true,
          notAfter: '2026-12-20T00:00:00.000Z',
        }),
        lastUsedAt: null,
      }),
    ],
    audit: auditRows(1_284),
    auditCheck: { kind: 'whole', entries: 1_284, head: hexOf('head') },
    pin: '123456',
    failures: new Map(),
    signingPace: null,
  }
}

const packages = [
  'linux-image-6.12.57+deb13-amd64',
  'shim-unsigned',
  'grub-efi-amd64-unsigned',
  'systemd-boot-efi',
  'fwupd-amd64-unsigned',
]

function doneRequests(count: number, done = true): RequestSummary[] {
  return Array.from({ length: count }, (_, index) => {
    const outcome =
      (['signed', 'signed', 'declined', 'signed', 'partly-signed', 'failed', 'aborted-by-server'] as const)[
        index % 7
      ] ?? 'signed'
    return {
      id: requestIdOf(1_000 + index),
      workRequestId: (10_400 - index) as WorkRequestId,
      server: 'https://debusine.example.org/api',
      scope: 'debian',
      workspace: index % 3 === 0 ? 'sid' : 'trixie-security',
      purpose: 'uefi',
      fingerprint: sampleFingerprint,
      keyDescription: 'Secure Boot signer 2026 (linux)',
      stage: done ? 'done' : 'review',
      outcome: done ? outcome : null,
      title: packages[index % packages.length] ?? 'linux',
      requestedBy: index % 2 === 0 ? 'kernel-uploader' : 'efi-team',
      fileCount: 1 + (index % 5) * 3,
      signedCount: outcome === 'partly-signed' ? 2 : 0,
      worstCheck: (['passed', 'attention', 'refused', 'unknown'] as const)[index % 4] ?? 'passed',
      receivedAt: minutesAgo(200 + index * 61),
      updatedAt: minutesAgo(180 + index * 61),
    } satisfies RequestSummary
  })
}

function withRequest(detail: RequestDetail, change: Partial<FakeState> = {}): FakeState {
  return { ...base(), requests: new Map([[detail.summary.id, detail]]), ...change }
}

/** A sheet in which one check has another outcome, and whatever else goes with it. */
function reviewing(checks: Parameters<typeof sampleChecks>[0], change: Partial<ReviewSheet> = {}): FakeState {
  return withRequest(sampleDetail(sampleSheet({ checks: sampleChecks(checks), ...change })))
}

function manyFiles(count: number): ReviewSheet['artifacts'] {
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

const hostileName =
  'boot/grub\u202Excfe.efi/<img src=x onerror=alert(1)>/\u0007\u200B a name that is longer than any sensible person would give to a file and that goes on and on so that it has to be cut somewhere-amd64.efi'

function rich(): ReviewSheet {
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

function staged(
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

const signedFile = (path: string) =>
  ({ kind: 'signed', outputSha256: hexOf(`out ${path}`), outputSize: 12_119_000, at: minutesAgo(1) }) as const

function outcomes(
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

const softwareSheet = () =>
  sampleSheet({
    key: {
      fingerprint: sampleFingerprint,
      registered: {
        description: 'Test key in software',
        production: false,
        home: { kind: 'software' },
        certificate: sampleCertificate({ subject: 'CN=Test', issuer: 'CN=Test', selfSigned: true }),
      },
    },
  })

/** Every state of the station that a screen has to bear, by name. */
export const scenarios = {
  absent: () => ({ ...base(), status: { ...base().status, station: 'absent', inHand: 0 } }),
  new: () => ({
    ...base(),
    status: {
      ...base().status,
      server: { kind: 'not-configured' },
      onDuty: false,
      offered: [],
      userTokenSet: false,
      tokens: [],
      inHand: 0,
      log: { kind: 'whole', entries: 1, head: hexOf('head') },
    },
    settings: { ...base().settings, server: { apiUrl: null, caPem: null, scope: null }, modules: [], trustedCerts: [] },
    moreRequests: [],
    tokens: [],
    modules: [],
    keys: [],
    audit: auditRows(1),
  }),
  'to-enrol': () => ({
    ...base(),
    status: {
      ...base().status,
      server: { kind: 'not-enrolled', apiUrl: 'https://debusine.example.org/api' },
      onDuty: false,
      inHand: 0,
    },
  }),
  empty: () => ({ ...base(), status: { ...base().status, inHand: 0 }, moreRequests: [] }),
  fine: () => reviewing({}),
  rich: () => withRequest(sampleDetail(rich(), { title: 'shim-unsigned' })),
  'untrusted-certificate': () =>
    reviewing(
      {
        'trusted-certs': [
          'refused',
          '1 of 2 declared certificates is not on this station’s list.',
          [
            {
              subject: 'artifact 8812',
              found: `${hexOf('evil').slice(0, 16)}… is not on the list`,
              outcome: 'refused',
              source: 'station',
            },
          ],
        ],
      },
      {
        artifacts: [
          sampleArtifact([sampleFile(0)], {
            trustedCerts: {
              kind: 'declared',
              certificates: [
                { fingerprint: hexOf('ca'), trusted: true },
                { fingerprint: hexOf('evil'), trusted: false },
              ],
            },
          }),
        ],
      },
    ),
  'certificates-not-declared': () =>
    reviewing(
      { 'trusted-certs': ['attention', 'The artifact does not say which certificates its files will trust.', []] },
      { artifacts: [sampleArtifact([sampleFile(0)], { trustedCerts: { kind: 'not-declared' } })] },
    ),
  'certificates-none': () =>
    reviewing({}, { artifacts: [sampleArtifact([sampleFile(0)], { trustedCerts: { kind: 'declared-empty' } })] }),
  'no-permission': () =>
    reviewing(
      {
        permission: [
          'refused',
          'The server does not allow kernel-uploader to use this key in this workspace.',
          [
            {
              subject: 'artifact 8812',
              found: 'not allowed for user 42 (kernel-uploader)',
              outcome: 'refused',
              source: 'server',
            },
          ],
        ],
      },
      {
        artifacts: [
          sampleArtifact([sampleFile(0)], {
            permission: { kind: 'answered', allowed: false, username: 'kernel-uploader', userId: 42, resource: {} },
          }),
        ],
      },
    ),
  'permission-unknown': () =>
    reviewing(
      {
        permission: [
          'unknown',
          'The server did not answer the permission question.',
          [{ subject: 'artifact 8812', found: 'time-out after 30 s', outcome: 'unknown', source: 'server' }],
        ],
      },
      {
        artifacts: [
          sampleArtifact([sampleFile(0)], { permission: { kind: 'not-answered', reason: 'time-out after 30 s' } }),
        ],
      },
    ),
  'unknown-key': () =>
    reviewing(
      {
        'key-registered': ['refused', 'No key with this fingerprint is registered here.', []],
        'key-active': ['not-applicable', 'No key.', []],
        'token-present': ['not-applicable', 'No key.', []],
        'certificate-valid': ['not-applicable', 'No key.', []],
      },
      { key: { fingerprint: hexOf('nobody').toUpperCase() as Fingerprint, registered: null } },
    ),
  'token-absent': () => ({
    ...reviewing({ 'token-present': ['unknown', 'The token with this key (serial 18204417) is not here.', []] }),
    tokens: [],
    status: { ...base().status, tokens: [] },
  }),
  malformed: () =>
    reviewing(
      {
        'layout-safe': [
          'refused',
          '1 file has a layout for which no signature is made.',
          [
            {
              subject: 'boot/grubx64.efi',
              found: 'section .data overlaps section .text',
              outcome: 'refused',
              source: 'file',
            },
          ],
        ],
        'file-explained': [
          'attention',
          '1 file cannot be explained: it would be signed blindly.',
          [{ subject: 'firmware.bin', found: 'not a PE file', outcome: 'attention', source: 'file' }],
        ],
      },
      {
        artifacts: [
          sampleArtifact([
            sampleFile(0, {
              path: 'boot/grubx64.efi',
              facts: samplePe({
                role: 'grub',
                kernelVersion: null,
                authenticodeSha256: null,
                layoutFaults: [
                  { code: 'sections-overlap', message: 'Section .data overlaps section .text by 4096 bytes.' },
                ],
                sbat: null,
                sbatProblem: 'The .sbat section is no CSV: row 3 has 4 fields instead of 6.',
              }),
              toBeSigned: null,
            }),
            sampleFile(1, {
              path: 'firmware.bin',
              facts: { kind: 'opaque', reason: 'it does not begin with MZ.', firstBytesHex: '7f454c4602010100' },
            }),
          ]),
        ],
      },
    ),
  blind: () =>
    reviewing(
      {
        'file-explained': [
          'attention',
          '1 file cannot be explained: it would be signed blindly.',
          [{ subject: 'firmware.bin', found: 'not a PE file', outcome: 'attention', source: 'file' }],
        ],
      },
      {
        artifacts: [
          sampleArtifact([
            sampleFile(0, {
              path: 'firmware.bin',
              facts: { kind: 'opaque', reason: 'it does not begin with MZ.', firstBytesHex: '7f454c4602010100' },
            }),
          ]),
        ],
      },
    ),
  'forty-files': () => reviewing({}, { artifacts: manyFiles(40) }),
  'two-hundred-files': () =>
    reviewing(
      { 'signed-before': ['attention', 'This key signed 6 of these files before.', []] },
      { artifacts: manyFiles(200) },
    ),
  hostile: () => {
    const sheet = sampleSheet({
      artifacts: [
        sampleArtifact(
          [
            sampleFile(0, {
              path: hostileName,
              facts: samplePe({
                kernelVersion: '6.12\u202E99',
                texts: [
                  {
                    section: '.cmdline',
                    text: 'quiet\u001B[2J\u2066 <script>alert(1)</script>\r\ninit=/bin/sh',
                    cut: true,
                  },
                ],
              }),
            }),
          ],
          {
            binaryPackageName: '<b>linux</b>\u200Bimage',
            permission: { kind: 'answered', allowed: true, username: 'admin\u202Enimda', userId: 7, resource: {} },
          },
        ),
      ],
      workRequest: { ...sampleSheet().workRequest, workspace: 'sid\u202Ednuorgkrow <script>', retryCount: 2 },
    })
    return withRequest(
      sampleDetail(sheet, { title: hostileName, requestedBy: 'admin\u202Enimda', workspace: 'sid\u202Ednuorg' }),
    )
  },
  'test-key': () => withRequest(sampleDetail(softwareSheet())),
  'last-try': () => ({
    ...reviewing({}),
    tokens: [{ token: sampleTokenSummary({ pinState: 'final-try' }), objects: [sampleObject()], problem: null }],
  }),
  preparing: () =>
    withRequest(
      sampleDetail(
        sampleSheet(),
        { stage: 'preparing', worstCheck: null },
        { sheet: null, sheetDigest: null, approvability: null, files: [] },
      ),
    ),
  unprepared: () =>
    withRequest(
      sampleDetail(
        sampleSheet(),
        { stage: 'unprepared', worstCheck: null },
        {
          sheet: null,
          sheetDigest: null,
          approvability: null,
          files: [],
          failure: {
            kind: 'invalid',
            code: 'digest-mismatch',
            message:
              'The server sent other bytes than it had announced for boot/vmlinuz-6.12.57. The file was thrown away. Nothing was signed; try again, or decline.',
          },
        },
      ),
    ),
  signing: () => staged('signing', { files: outcomes('signed', 'begun') }, { signedCount: 1 }),
  'signing-runs': () => ({ ...reviewing({}), signingPace: 150 }),
  interrupted: () => staged('interrupted', { files: outcomes('signed') }, { signedCount: 1 }),
  incident: () =>
    staged(
      'incident',
      {
        files: outcomes('signed', 'unknown'),
        failure: {
          kind: 'unavailable',
          code: 'token-removed',
          message: 'The token was removed while it was signing the second file.',
        },
      },
      { signedCount: 1 },
    ),
  returning: () =>
    staged(
      'returning',
      {
        files: outcomes('signed', 'signed', 'signed'),
        failure: {
          kind: 'unavailable',
          code: 'server-unreachable',
          message:
            'The server does not answer. The signed files are kept; the station tries again by itself every few minutes.',
        },
      },
      { signedCount: 3 },
    ),
  'token-died': () =>
    staged(
      'returning',
      {
        files: outcomes('signed', 'signed', 'signed'),
        failure: {
          kind: 'unavailable',
          code: 'not-authenticated',
          message: 'The server no longer knows the token of this request. The signed files are kept.',
        },
      },
      { signedCount: 3 },
    ),
  signed: () =>
    staged('done', { files: outcomes('signed', 'signed', 'signed') }, { outcome: 'signed', signedCount: 3 }),
  'partly-signed': () =>
    staged('done', { files: outcomes('signed', 'failed', 'waiting') }, { outcome: 'partly-signed', signedCount: 1 }),
  declined: () =>
    staged(
      'done',
      {
        decision: {
          kind: 'declined',
          operator: 'Release Manager',
          at: minutesAgo(1),
          reason: 'The changelog does not name the bug that this fixes.',
        },
      },
      { outcome: 'declined' },
    ),
  'ten-thousand': () => ({
    ...base(),
    moreRequests: doneRequests(10_000, false),
    status: { ...base().status, inHand: 10_000 },
  }),
  next: () => ({
    ...base(),
    pending: Array.from({ length: 9 }, (_, index) => ({
      workRequestId: (10_430 + index) as WorkRequestId,
      task: 'sign',
      purpose: 'uefi',
      fingerprint: sampleFingerprint,
      workspace: index % 2 === 0 ? 'sid' : 'trixie-security',
      createdAt: minutesAgo(5 + index * 13),
      createdBy: 42,
      priority: 0,
      assignedTo: index === 3 ? 12 : null,
      servable: index !== 5,
      note: index === 5 ? 'No key with this fingerprint is registered here.' : null,
    })),
  }),
  'server-gone': () => ({
    ...base(),
    status: {
      ...base().status,
      server: {
        kind: 'connecting',
        apiUrl: 'https://debusine.example.org/api',
        failure: {
          kind: 'unavailable',
          code: 'server-unreachable',
          message: 'debusine.example.org does not answer. Requests in hand stay here; the station goes on trying.',
        },
      },
    },
    pending: {
      kind: 'unavailable',
      code: 'server-unreachable',
      message: 'debusine.example.org does not answer. Nothing was changed; try again.',
    },
  }),
  'log-broken': () => ({
    ...base(),
    status: {
      ...base().status,
      station: 'read-only',
      log: { kind: 'broken', firstBadSeq: 731, reason: 'Its leaf hash is not that of its bytes.' },
    },
    auditCheck: { kind: 'broken', firstBadSeq: 731, reason: 'Its leaf hash is not that of its bytes.' },
  }),
  'pin-locked': () => ({
    ...base(),
    tokens: [{ token: sampleTokenSummary({ pinState: 'locked' }), objects: [sampleObject()], problem: null }],
    keys: [sampleKey({ usableNow: false, unusableBecause: 'The PIN of its token is locked.' })],
  }),
  'module-broken': () => ({
    ...base(),
    tokens: [],
    modules: [
      {
        path: '/usr/lib/libykcs11.so',
        problem: {
          kind: 'unavailable',
          code: 'module-not-loadable',
          message: 'The module could not be loaded: the file does not exist. Correct the path under Settings.',
        },
      },
    ],
  }),
  'status-fails': () => ({
    ...base(),
    failures: new Map([
      ['stationStatus', { kind: 'defect', code: 'no-answer', message: 'The station program gave no answer.' }],
    ]),
  }),
  'unregistered-token': () => ({
    ...base(),
    keys: [],
    tokens: [
      {
        token: sampleTokenSummary({ id: sampleToken, pinState: 'count-low' }),
        objects: [
          sampleObject(),
          sampleObject({ ckaId: '03', label: 'ed', algorithm: 'unsupported', certificatePem: null }),
        ],
        problem: null,
      },
    ],
  }),
} satisfies Record<string, () => FakeState>

export type ScenarioName = keyof typeof scenarios

/** The request that every scenario with a request has. */
export const theRequest: RequestId = requestIdOf(1)
