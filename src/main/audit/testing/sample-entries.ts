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
    { event: 'service-key-added', serviceKey: pair('5a'), file: '9999-0a1b2c3d.key', how: 'made', operator },
    {
      event: 'key-reencrypted',
      what: 'log-key',
      purpose: null,
      fingerprint: null,
      spkiSha256: pair('1a'),
      fromServiceKey: pair('5b'),
      toServiceKey: pair('5a'),
      oldBoxSha256: pair('2a'),
      newBoxSha256: pair('2b'),
      operator,
    },
    {
      event: 'key-import-begun',
      dumpSha256: pair('3a'),
      format: 'postgresql-copy',
      taking: 2,
      leaving: 1,
      operator,
    },
    { event: 'keys-exported', fileSha256: pair('4a'), keys: 3, operator },
    { event: 'settings-changed', fields: ['trustedCerts'], operator },
  ]
}
