import { constants, privateEncrypt } from 'node:crypto'
import { sha256DigestInfo } from '../../../../src/main/asn1/signature-value.ts'
import { derName, prepareCertificate } from '../../../../src/main/pki/certificate-builder.ts'
import { type Card, certificateContent, withChip } from '../card.ts'
import { type CardAlgorithm, type CardKey, spkiOf } from '../card-key.ts'
import { certificateObject, type PinPolicy, type TouchPolicy } from '../slots.ts'
import { sharedKey } from './card-talk.ts'

/** A key that a card shall have. */
export type GivenKey = {
  readonly slot: number
  readonly algorithm: CardAlgorithm
  readonly key?: CardKey
  /** `once` if left out, whatever the slot. */
  readonly pin?: PinPolicy
  readonly touch?: TouchPolicy
  readonly origin?: 'generated' | 'imported'
  /** Common name of a certificate in the slot's object; left out: none. */
  readonly commonName?: string
}

const authorityName = derName([{ type: 'commonName', value: 'Test CA of virtual keys' }])

/** A certificate for any public key, of a CA that exists in this process only. */
export function certificateFor(spki: Uint8Array, commonName: string): Uint8Array {
  const authority = sharedKey('rsa-2048')
  const prepared = prepareCertificate({
    subject: [{ type: 'commonName', value: commonName }],
    issuer: { name: authorityName, spki: spkiOf(authority) },
    spki,
    serialNumber: Uint8Array.of(1),
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2036-01-01T00:00:00Z'),
    isCa: false,
    keyUsage: ['digitalSignature'],
    codeSigning: true,
    scheme: 'rsa-pkcs1-sha256',
  })
  const block = { key: authority.privateKey, padding: constants.RSA_PKCS1_PADDING }
  return prepared.assemble(privateEncrypt(block, sha256DigestInfo(prepared.request.digest)))
}

/** The card with these keys besides those that it has, without the commands and the RSA keys that it would take to make them. */
export function withKeys(card: Card, given: readonly GivenKey[]): Card {
  const keys = new Map(card.chip.keys)
  const objects = new Map(card.chip.objects)
  for (const { slot, algorithm, pin = 'once', touch = 'never', origin = 'generated', commonName, ...rest } of given) {
    const key = rest.key ?? sharedKey(algorithm)
    keys.set(slot, { ...key, pinPolicy: pin, touchPolicy: touch, origin })
    if (commonName !== undefined) {
      objects.set(certificateObject(slot), certificateContent(certificateFor(spkiOf(key), commonName)))
    }
  }
  return withChip(card, { keys, objects })
}
