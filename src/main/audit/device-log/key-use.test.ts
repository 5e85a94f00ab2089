import { describe, expect, it } from 'vitest'
import { auditSeq, fingerprint, requestId, sha256Hex } from '../../../shared/ids.ts'
import type { AuditEntryBody } from '../format/entry.ts'
import { sampleIntent } from '../testing/sample-entries.ts'
import { createUseReader, type Said } from './key-use.ts'

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

describe('a use of a key that came to nothing', () => {
  it.each<[string, boolean, Said]>([
    ['cancelled', false, 'withdrawn'],
    // Beside other keys: a failed use that the device logs is none of this one, which it was never asked for.
    ['session-ended', false, 'withdrawn'],
    ['touch-timeout', false, 'refused'],
    ['signature-wrong', true, 'in-doubt'],
  ])('is told from what the log says: %s', (code, signatureMayExist, said) => {
    const use = sampleIntent()
    const reader = createUseReader(use.tokenSerial ?? '', [])
    reader.read(1, use)
    const { event: _, ...of } = use
    const message = 'why'
    reader.read(2, { ...of, event: 'sign-failed', intentSeq: auditSeq.parse(1), code, message, signatureMayExist })
    expect(reader.uses()).toMatchObject([{ seq: 1, endSeq: 2, said }])
  })
})
