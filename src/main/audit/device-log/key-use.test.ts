import { expect, it } from 'vitest'
import { auditSeq, fingerprint, requestId, sha256Hex } from '../../../shared/ids.ts'
import type { AuditEntryBody } from '../format/entry.ts'
import { createUseReader } from './key-use.ts'

const serial = '07550140'
const print = fingerprint.parse('A1'.repeat(20))
const [primary, subkey] = [sha256Hex.parse('0d'.repeat(32)), sha256Hex.parse('0e'.repeat(32))]
const certificateSha256 = sha256Hex.parse('0c'.repeat(32))
const operator = 'Custodian'
const purpose = 'openpgp'

it('knows what both keys of a certificate with a signing subkey did on the device, and that it came to an end', () => {
  const intended = (spkiSha256: typeof primary, what: 'openpgp-certification' | 'openpgp-primary-key-binding') =>
    ({
      event: 'certificate-intended',
      requestId: requestId.parse('0b51c3a2-6a54-4f0e-9b0c-6f2f7f2f3c11'),
      purpose,
      spkiSha256,
      what,
      digest: 'ab'.repeat(64),
      tokenSerial: serial,
      operator,
    }) satisfies AuditEntryBody
  const entries: readonly AuditEntryBody[] = [
    intended(subkey, 'openpgp-primary-key-binding'),
    {
      event: 'possession-challenged',
      purpose,
      fingerprint: print,
      digest: 'cd'.repeat(64),
      tokenSerial: serial,
      operator,
    },
    intended(primary, 'openpgp-certification'),
    {
      event: 'key-registered',
      purpose,
      fingerprint: print,
      description: 'Archive',
      origin: 'generated',
      home: 'token',
      tokenSerial: serial,
      spkiSha256: subkey,
      operator,
    },
    {
      event: 'openpgp-subkey-bound',
      purpose,
      fingerprint: print,
      signingFingerprint: fingerprint.parse('A2'.repeat(20)),
      certificateSha256,
      primarySpkiSha256: primary,
      primaryTokenSerial: serial,
      spkiSha256: subkey,
      tokenSerial: serial,
      operator,
    },
  ]
  const reader = createUseReader(serial, [
    { fingerprint: print, spkiSha256: primary, objectId: 0x0200 },
    { fingerprint: print, spkiSha256: subkey, objectId: 0x0201 },
  ])
  for (const [index, entry] of entries.entries()) reader.read(auditSeq.parse(index + 1), entry)
  expect(reader.uses().map(({ seq, objectId, endSeq, said }) => [seq, objectId, endSeq, said])).toEqual([
    [1, 0x0201, 4, 'signed'],
    // By the certificate's fingerprint the key that signs is meant.
    [2, 0x0201, 4, 'signed'],
    [3, 0x0200, 5, 'signed'],
  ])
})
