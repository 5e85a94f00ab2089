import type { AuditEvent, AuditRow } from '../../shared/audit.ts'
import type { Fingerprint, WorkRequestId } from '../../shared/ids.ts'
import type { RequestDetail, RequestSummary } from '../../shared/request.ts'
import type { FakeState } from './fake-station.ts'
import { sampleAttestation, sampleRoots } from './sample-attestations.ts'
import {
  hexOf,
  minutesAgo,
  requestIdOf,
  sampleCertificate,
  sampleFingerprint,
  sampleKey,
  sampleMechanisms,
  sampleObject,
  sampleTokenSummary,
} from './sample-data.ts'
import { sampleDevices } from './sample-devices.ts'
import { origin, sampleLog, vkey } from './sample-log.ts'

export function auditRows(count: number): AuditRow[] {
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
      withdrawn: false,
      summary: summaries[event] ?? event,
    }
  })
}

export function base(): FakeState {
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
      logKey: { origin, vkey },
      checkpoint: { size: 1_284, at: minutesAgo(7), warnings: [] },
      contradictions: [],
      deviceIncidents: [],
      inHand: 1,
    },
    settings: {
      stationName: 'signing1.example.org',
      operatorName: 'Release Manager',
      theme: 'system',
      server: { apiUrl: 'https://debusine.example.org/api', caPem: null, scope: 'debian' },
      modules: [{ path: '/usr/lib/x86_64-linux-gnu/libykcs11.so.2', enabled: true }],
      trustedCerts: [hexOf('ca'), hexOf('other ca')],
      checkpointFolders: [],
      witnesses: [],
      keyRequests: { accept: true, software: true, tokens: 'any' },
      yubihsm: { connectors: ['http://127.0.0.1:12345'], caPem: null },
    },
    generations: [],
    requests: new Map(),
    moreRequests: doneRequests(24),
    pending: [],
    waiting: [],
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
        mechanisms: sampleMechanisms,
        problem: null,
      },
    ],
    deviceLogs: [],
    ceremonies: [],
    modules: [{ path: '/usr/lib/x86_64-linux-gnu/libykcs11.so.2', problem: null }],
    ...sampleDevices(),
    serviceKeys: {
      folder: '/home/operator/.local/share/signing-station/service-keys',
      keys: [
        {
          file: 'service-5e0c1a77.key',
          fingerprint: hexOf('service key'),
          problem: null,
          encrypts: true,
          opens: 2,
        },
      ],
      absent: [],
      waiting: 0,
    },
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
        availability: 'token-absent',
        lastSeen: null,
        lastUseSeq: null,
        certificate: sampleCertificate({
          subject: 'CN=Test signer',
          issuer: 'CN=Test signer',
          selfSigned: true,
          notAfter: '2026-12-20T00:00:00.000Z',
        }),
        lastUsedAt: null,
      }),
    ],
    attestations: [sampleAttestation()],
    roots: sampleRoots(),
    audit: auditRows(1_284),
    log: sampleLog(),
    auditCheck: { kind: 'whole', entries: 1_284, head: hexOf('head') },
    pin: '123456',
    pins: new Map(),
    failures: new Map(),
    offered: [],
    standing: [],
    signingPace: null,
  }
}

export const packages = [
  'linux-image-6.12.57+deb13-amd64',
  'shim-unsigned',
  'grub-efi-amd64-unsigned',
  'systemd-boot-efi',
  'fwupd-amd64-unsigned',
]

export function doneRequests(count: number, done = true): RequestSummary[] {
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
      waitsForKey: false,
      receivedAt: minutesAgo(200 + index * 61),
      updatedAt: minutesAgo(180 + index * 61),
    } satisfies RequestSummary
  })
}

export function withRequest(detail: RequestDetail, change: Partial<FakeState> = {}): FakeState {
  return { ...base(), requests: new Map([[detail.summary.id, detail]]), ...change }
}
