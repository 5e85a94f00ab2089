import { describe, expect, it } from 'vitest'
import { localCertificate } from '../signing/testing/local-certificate.ts'
import { generateLocalKey } from '../signing/testing/local-key.ts'
import { readCertificateFields } from './certificate-fields.ts'
import { encodeSignedData, readSignedData, signedAttributes } from './cms-signed-data.ts'
import { contextTag, derElement, derOctetString, derSequence, derSetOf, derTag, derUnsignedInteger } from './der.ts'
import { derOid, oid } from './oid.ts'

const certificate = localCertificate(generateLocalKey('ec-p256')).der
const fields = readCertificateFields(certificate)
if (!fields.ok) throw new Error('the test certificate is not readable')
const certificateFields = fields.value
const attribute = (type: string, value: Uint8Array): Uint8Array => derSequence(derOid(type), derSetOf(value))

function signedDataWith(attributes: Uint8Array): Uint8Array {
  return encodeSignedData({
    contentType: oid.spcIndirectData,
    content: derSequence(),
    certificate,
    certificateFields,
    attributes,
    signatureAlgorithm: 'ecdsa-sha256',
    signature: new Uint8Array(8),
  })
}

const good = signedDataWith(
  signedAttributes({ contentType: oid.spcIndirectData, signingTime: new Date(0), messageDigest: new Uint8Array(32) }),
)

describe('SignedData from an attacker', () => {
  it('is read when it is what we write', () => {
    const read = readSignedData(good)
    expect(
      read.ok && [
        read.value.version,
        read.value.contentType,
        read.value.certificates.length,
        read.value.signers.length,
      ],
    ).toEqual([1, oid.spcIndirectData, 1, 1])
  })

  it('refuses two messageDigest attributes: which one counts would be open', () => {
    const first = attribute(oid.messageDigest, derOctetString(new Uint8Array(32)))
    const second = attribute(oid.messageDigest, derOctetString(new Uint8Array(32).fill(1)))
    expect(readSignedData(signedDataWith(derSetOf(first, second))).ok).toBe(false)
  })

  it('refuses an attribute without a set of values', () => {
    expect(
      readSignedData(
        signedDataWith(derSetOf(derSequence(derOid(oid.messageDigest), derOctetString(new Uint8Array(32))))),
      ).ok,
    ).toBe(false)
  })

  it('refuses every cut of itself, and every byte behind it', () => {
    for (let length = 0; length < good.length; length++) expect(readSignedData(good.subarray(0, length)).ok).toBe(false)
    expect(readSignedData(Buffer.concat([good, Buffer.of(0)])).ok).toBe(false)
  })

  it('refuses another content type than SignedData', () => {
    const read = readSignedData(derSequence(derOid(oid.contentType), derElement(contextTag(0), derSequence())))
    expect(read.ok ? null : read.error.code).toBe('bad-value')
  })

  it('refuses members where none belong', () => {
    const inner = derSequence(
      derUnsignedInteger(Uint8Array.of(1)),
      derSetOf(),
      derSequence(derOid(oid.spcIndirectData)),
      derElement(derTag.octetString),
      derSetOf(),
    )
    expect(readSignedData(derSequence(derOid(oid.signedData), derElement(contextTag(0), inner))).ok).toBe(false)
  })

  it('never throws, whatever byte is changed', () => {
    for (let index = 0; index < good.length; index++) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const changed = good.slice()
        changed[index] = (changed[index] ?? 0) ^ flip
        expect(typeof readSignedData(changed).ok).toBe('boolean')
      }
    }
  })
})
