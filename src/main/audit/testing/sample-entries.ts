import { auditSeq, fingerprint, requestId, sha256Hex, workRequestId } from '../../../shared/ids.ts'
import type { AuditEntryBody, AuditEntryOf, IntentEntry } from '../format/entry.ts'

const pair = (byte: string) => sha256Hex.parse(byte.repeat(32))
export const sampleRequest = requestId.parse('6f1c2f6e-3f0a-4c0e-9a55-0d6c5b8f1a10')
/** A key that was made by hand: it has no request. */
export const sampleGeneration = requestId.parse('0b51c3a2-6a54-4f0e-9b0c-6f2f7f2f3c11')
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
    {
      event: 'key-generation-intended',
      requestId: sampleGeneration,
      purpose: 'uefi',
      description: 'Secure Boot signing key 2027',
      production: true,
      algorithm: 'rsa-3072',
      pinPolicy: 'always',
      touchPolicy: 'always',
      tokenSerial: '12345678',
      ckaId: '02',
      operator,
    },
    {
      event: 'key-generation-failed',
      requestId: sampleGeneration,
      intentSeq: auditSeq.parse(1),
      code: 'generation-refused',
      message: 'The token does not make a key of this kind.',
      tokenSerial: '12345678',
      operator,
    },
    {
      event: 'certificate-intended',
      requestId: sampleGeneration,
      purpose: 'uefi',
      spkiSha256: pair('08'),
      what: 'certificate-request',
      digest: 'ce'.repeat(32),
      tokenSerial: '07550140',
      operator,
    },
    {
      event: 'key-generation-closed',
      requestId: sampleGeneration,
      spkiSha256: pair('08'),
      note: 'The token was reset before witnesses.',
      operator,
    },
    {
      event: 'key-asset-created',
      requestId: null,
      server: 'https://debusine.example.org/api',
      workspace: 'System',
      purpose: 'uefi',
      fingerprint: sampleKey,
      assetId: 91,
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
    { event: 'settings-changed', fields: ['trustedCerts'], operator },
  ]
}
