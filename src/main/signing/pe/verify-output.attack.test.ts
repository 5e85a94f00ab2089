import { hash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { sha256Hex } from '../../../shared/ids.ts'
import { readCertificateFields } from '../../asn1/certificate-fields.ts'
import { encodeSignedData, signedAttributes } from '../../asn1/cms-signed-data.ts'
import { derSequence } from '../../asn1/der.ts'
import { oid } from '../../asn1/oid.ts'
import { ecdsaSigValue } from '../../asn1/signature-value.ts'
import { spcIndirectData } from '../../asn1/spc.ts'
import { localCertificate } from '../testing/local-certificate.ts'
import { generateLocalKey } from '../testing/local-key.ts'
import { verifyOutput } from './verify-output.ts'

const key = generateLocalKey('ec-p256')
const other = generateLocalKey('ec-p256')
const registered = localCertificate(key).der
const shown = sha256Hex.parse('11'.repeat(32))
const elsewhere = sha256Hex.parse('22'.repeat(32))

/** A signature that is right in every way but the ones given. */
function forge(changes: {
  readonly image?: string
  readonly content?: Uint8Array
  readonly contentType?: string
  readonly attributeType?: string
  readonly messageDigest?: Uint8Array
  readonly certificate?: Uint8Array
  readonly named?: Uint8Array
  readonly signer?: typeof key
  readonly algorithm?: 'ecdsa-sha256' | 'rsa-pkcs1-sha256'
}): Uint8Array {
  const content = changes.content ?? spcIndirectData(Buffer.from(changes.image ?? shown, 'hex'))
  const attributes = signedAttributes({
    contentType: changes.attributeType ?? oid.spcIndirectData,
    signingTime: new Date(0),
    messageDigest: changes.messageDigest ?? hash('sha256', content.subarray(2), 'buffer'),
  })
  const fields = readCertificateFields(changes.named ?? registered)
  if (!fields.ok) throw new Error('unreadable test certificate')
  const signature = (changes.signer ?? key).sign({
    scheme: 'ecdsa-sha256',
    digest: hash('sha256', attributes, 'buffer'),
  })
  return encodeSignedData({
    contentType: changes.contentType ?? oid.spcIndirectData,
    content,
    certificate: changes.certificate ?? registered,
    certificateFields: fields.value,
    attributes,
    signatureAlgorithm: changes.algorithm ?? 'ecdsa-sha256',
    signature: ecdsaSigValue(signature),
  })
}

describe('the check of our own output', () => {
  it('accepts what is right', () => {
    expect(verifyOutput(forge({}), registered, shown, shown)).toBeNull()
  })

  it.each([
    ['another image', forge({ image: elsewhere }), 'another image'],
    [
      'a content that is no image digest',
      forge({ content: derSequence(derSequence(), derSequence()) }),
      'content is not readable',
    ],
    ['another content type', forge({ contentType: oid.signedData }), 'does not sign a PE image'],
    ['another contentType attribute', forge({ attributeType: oid.signedData }), 'contentType attribute'],
    ['another messageDigest', forge({ messageDigest: new Uint8Array(32) }), 'messageDigest attribute'],
    ['another certificate', forge({ certificate: localCertificate(other).der }), 'registered certificate'],
    [
      'another certificate of the same key',
      forge({ certificate: localCertificate(key, 'Other', 2).der }),
      'registered certificate',
    ],
    [
      'the name of another certificate',
      forge({ named: localCertificate(key, 'Other', 2).der }),
      'names another certificate',
    ],
    ['a signature by another key', forge({ signer: other }), 'does not verify'],
    ['a signature algorithm that is not the key’s', forge({ algorithm: 'rsa-pkcs1-sha256' }), 'does not fit the key'],
    [
      'two certificates',
      forge({ certificate: Buffer.concat([registered, localCertificate(other).der]) }),
      'exactly the registered certificate',
    ],
    ['nothing', new Uint8Array(0), 'not a readable CMS'],
    ['a byte behind it', Buffer.concat([forge({}), Buffer.of(0)]), 'not a readable CMS'],
  ])('refuses %s', (_name, output, sentence) => {
    expect(verifyOutput(output, registered, shown, shown)).toContain(sentence)
  })

  it('refuses a file that is now another one, and a sheet that showed another one', () => {
    expect(verifyOutput(forge({}), registered, elsewhere, shown)).toContain('another image')
    expect(verifyOutput(forge({}), registered, shown, elsewhere)).toContain('another image than the one that was shown')
  })

  it('refuses every change of a single bit', () => {
    const good = forge({})
    const accepted: string[] = []
    for (let index = 0; index < good.length * 8; index++) {
      const changed = good.slice()
      const at = index >> 3
      changed[at] = (changed[at] ?? 0) ^ (1 << (index & 7))
      const around = `${index} ${Buffer.from(good.subarray(at - 3, at + 4)).toString('hex')}`
      if (verifyOutput(changed, registered, shown, shown) === null) accepted.push(around)
    }
    expect(accepted).toEqual([])
  })
})
