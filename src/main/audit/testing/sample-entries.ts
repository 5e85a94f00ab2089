import { auditSeq, fingerprint, requestId, sha256Hex, workRequestId } from '../../../shared/ids.ts'
import type { AuditEntryBody, AuditEntryOf, IntentEntry } from '../format/entry.ts'

const pair = (byte: string) => sha256Hex.parse(byte.repeat(32))
export const sampleRequest = requestId.parse('6f1c2f6e-3f0a-4c0e-9a55-0d6c5b8f1a10')
export const sampleKey = fingerprint.parse('C3'.repeat(32))
const operator = 'Zoë'

export function sampleIntent(ordinal = 0): IntentEntry {
  return {
    event: 'intent',
    requestId: sampleRequest,
    ordinal,
    path: 'boot/grubx64.efi',
    inputSha256: pair('a1'),
    digest: pair('b2'),
    digestAlgorithm: 'sha256',
    what: 'Authenticode',
    purpose: 'uefi',
    fingerprint: sampleKey,
    sheetDigest: pair('d4'),
    tokenSerial: '12345678',
    workRequestId: workRequestId.parse(42),
    workspace: 'System',
    username: 'builder',
    operator,
    trustedCertsVerdict: { kind: 'declared', declared: 2, trusted: 2 },
  }
}

export function sampleSigned(intentSeq = 13): AuditEntryOf<'signed'> {
  return {
    ...sampleIntent(),
    event: 'signed',
    intentSeq: auditSeq.parse(intentSeq),
    outputSha256: pair('e5'),
    signatureSha256: pair('f6'),
  }
}

/** One of every event. */
export function sampleEntries(): readonly AuditEntryBody[] {
  return [
    { event: 'station-created', stationName: 'station.example.org', operator, softwareVersion: '0.1.0' },
    { event: 'station-started', version: '0.1.0', previousHead: null },
    {
      event: 'enrolment-begun',
      server: 'https://debusine.example.org/api',
      fqdn: 'station.example.org',
      method: 'activation-token',
      operator,
    },
    {
      event: 'enrolled',
      server: 'https://debusine.example.org/api',
      fqdn: 'station.example.org',
      method: 'activation-token',
    },
    { event: 'user-token-set', set: true, operator },
    { event: 'duty-changed', onDuty: true, operator },
    {
      event: 'key-registered',
      purpose: 'uefi',
      fingerprint: sampleKey,
      description: 'Secure Boot signing key',
      origin: 'generated',
      home: 'token',
      tokenSerial: '12345678',
      spkiSha256: pair('07'),
      operator,
    },
    {
      event: 'possession-challenged',
      purpose: 'uefi',
      fingerprint: sampleKey,
      digest: 'ab'.repeat(32),
      tokenSerial: '07550140',
      operator,
    },
    {
      event: 'key-generated',
      purpose: 'uefi',
      description: 'Secure Boot test key',
      algorithm: 'rsa-2048',
      spkiSha256: pair('08'),
      digest: 'cd'.repeat(32),
      tokenSerial: null,
      operator,
    },
    { event: 'key-state-changed', purpose: 'uefi', fingerprint: sampleKey, from: 'active', to: 'suspended', operator },
    {
      event: 'request-received',
      requestId: sampleRequest,
      server: 'https://debusine.example.org/api',
      workRequestId: workRequestId.parse(42),
      scope: null,
      workspace: 'System',
      purpose: 'uefi',
      fingerprint: sampleKey,
      createdBy: 7,
    },
    { event: 'request-renewed', requestId: sampleRequest, held: true, operator },
    { event: 'sheet-shown', requestId: sampleRequest, sheetDigest: pair('d4'), operator },
    {
      event: 'approved',
      requestId: sampleRequest,
      sheetDigest: pair('d4'),
      acknowledged: ['file-explained'],
      operator,
    },
    { event: 'declined', requestId: sampleRequest, sheetDigest: null, reason: 'Not wanted.', operator },
    { event: 'login-failed', requestId: sampleRequest, code: 'pin-incorrect', tokenSerial: '12345678', operator },
    sampleIntent(),
    sampleIntent(1),
    sampleSigned(),
    {
      ...sampleIntent(1),
      event: 'sign-failed',
      intentSeq: auditSeq.parse(13),
      code: 'token-removed',
      message: 'The token was removed.',
      signatureMayExist: true,
    },
    { event: 'returned', requestId: sampleRequest, result: 'success', outputArtifacts: [], errors: [] },
    {
      event: 'incident-opened',
      requestId: sampleRequest,
      openIntents: [auditSeq.parse(13)],
      reason: 'The token was removed.',
    },
    { event: 'incident-closed', requestId: sampleRequest, note: 'The signature is not used.', operator },
    { event: 'clock-moved-back', from: '2026-01-02T03:04:06.000Z', to: '2026-01-02T03:04:05.000Z' },
    {
      event: 'log-key-created',
      vkey: 'station.example/signing-log/0123456789abcdef+12345678+AQIDBA==',
      operator,
    },
    {
      event: 'contradiction-closed',
      contradiction: pair('0c'),
      foundAt: '2026-01-02T03:04:05.000Z',
      path: '/media/audit/signing-station-12345678.checkpoint',
      size: 9,
      contained: false,
      checkpoint: 'station.example/signing-log/0123456789abcdef\n9\nAQIDBA==\n',
      reason: 'The disk was replaced, and the copy of the evening before was put back.',
      operator,
    },
    {
      event: 'device-log-drained',
      deviceSerial: '07550140',
      drain: 1,
      askedSeq: 12,
      fresh: 3,
      known: 0,
      lastNumber: 3,
      lastDigest: '0d'.repeat(16),
      unloggedBoots: 0,
      unloggedAuthentications: 2,
    },
    {
      event: 'device-incident-opened',
      name: '07550140 use-not-ours 3',
      deviceSerial: '07550140',
      code: 'use-not-ours',
      places: [3],
      auditSeqs: [],
      count: 1,
      sentence: 'The device signed with key 0x0064, and this log has no signature for it.',
    },
    {
      event: 'device-incident-closed',
      name: '07550140 use-not-ours 3',
      deviceSerial: '07550140',
      openedSeq: auditSeq.parse(12),
      note: 'A test of the custodian’s, before the station had the key.',
      operator,
    },
    { event: 'settings-changed', fields: ['trustedCerts'], operator },
  ]
}
