import { createPrivateKey, type KeyObject, sign } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { derBitString, derElement, derSequence, readChildren, readElement } from '../../asn1/der.ts'
import { readShippedRoots } from '../../keys/attestation/shipped-roots.ts'
import { outcome, type Trial, testdata, tomorrow, trusted, tryVerification } from './testing/attestation-bench.ts'
import {
  ca,
  type MadeCertificate,
  OpensslCertificates,
  objectExtensions,
  slotExtensions,
  type WantedCertificate,
} from './testing/openssl-certificates.ts'
import type { TrustStore } from './trust-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'attestation-attack-'))
const made = new OpensslCertificates(folder)
afterAll(() => rmSync(folder, { recursive: true }))

const firmwareOfDevice = '1.3.6.1.4.1.41482.3.3=DER:05:04:03'
const rootOf = (commonName = 'Maker root') => made.make({ commonName, issuer: null, extensions: [ca(1)] })
const deviceOf = (issuer: MadeCertificate, extensions: readonly string[] = [ca(0), firmwareOfDevice]) =>
  made.make({ commonName: 'Yubico PIV Attestation', issuer, extensions })
const slotOf = (issuer: MadeCertificate, change: Partial<WantedCertificate> = {}) =>
  made.make({ commonName: 'YubiKey PIV Attestation 9c', issuer, extensions: slotExtensions(), ...change })
function trialOf(
  statement: MadeCertificate,
  others: readonly MadeCertificate[],
  store: TrustStore,
  change: Partial<Trial['key']> = {},
): Trial {
  return {
    key: { device: 'yubikey-piv', spki: statement.spki, tokenSerial: '15732500', ckaId: '02', ...change },
    statement: statement.der,
    others: others.map(({ der }) => der),
    store,
  }
}

describe('a forged YubiKey attestation', () => {
  let root: MadeCertificate
  let device: MadeCertificate
  let statement: MadeCertificate
  let store: TrustStore
  beforeAll(() => {
    root = rootOf()
    device = deviceOf(root)
    statement = slotOf(device)
    store = [trusted(root)]
  })

  it('is what the others here differ from by one thing: this one is right', () => {
    expect(outcome(trialOf(statement, [device], store))).toBe('verified')
  })
  it('about another key than the registered one is refused', () => {
    expect(outcome(trialOf(statement, [device], store, { spki: slotOf(device).spki }))).toBe('another-key')
  })
  it.each(['15732501', '1573250', '', '-15732500', '15732500x', '0x00f00f14'])(
    'of another YubiKey than the one with the serial number %j is refused',
    (tokenSerial) => {
      expect(outcome(trialOf(statement, [device], store, { tokenSerial }))).toBe('another-serial')
    },
  )
  it.each(['01', '19', '', '0002', 'zz'])('about another slot than the one of object %j is refused', (ckaId) => {
    expect(outcome(trialOf(statement, [device], store, { ckaId }))).toBe('another-place')
  })
  it('with the certificate of another F9 of the same name is refused', () => {
    expect(outcome(trialOf(statement, [deviceOf(root)], store))).toBe('signature-wrong')
  })
  it('whose F9 an imitation of the root certified, with the root’s name, is refused, be the imitation handed in or not', () => {
    const imitation = rootOf()
    const forged = deviceOf(imitation)
    const own = slotOf(forged)
    expect(outcome(trialOf(own, [forged], store))).toBe('signature-wrong')
    expect(outcome(trialOf(own, [forged, imitation], store))).toBe('signature-wrong')
  })
  it('below a root that came along is incomplete: a root is never taken from who has to prove something', () => {
    const own = rootOf('Another root')
    const forged = deviceOf(own)
    expect(outcome(trialOf(slotOf(forged), [forged, own], store))).toBe('chain-incomplete')
  })
  it('that a key in a slot of a genuine YubiKey signed is refused: its owner signs with it what he likes', () => {
    // The slot's certificate chains to the root, and its key is at the attacker's command: everything verifies but its place.
    const slot = slotOf(device, { commonName: 'YubiKey PIV Attestation 9a' })
    const forged = slotOf(slot)
    expect(outcome(trialOf(forged, [slot, device], store))).toBe('issuer-is-a-statement')
    // The same with a statement that has no sign of being one: it has no right to certify.
    const quiet = made.make({ commonName: 'Yubico PIV Attestation', issuer: device, extensions: [firmwareOfDevice] })
    expect(outcome(trialOf(slotOf(quiet), [quiet, device], store))).toBe('issuer-no-ca')
  })
  it.each([
    ['says that it is no CA', ['basicConstraints=critical,CA:FALSE', firmwareOfDevice], 'issuer-no-ca'],
    ['may not sign certificates', [ca(0), 'keyUsage=critical,digitalSignature', firmwareOfDevice], 'issuer-no-ca'],
    ['has no basicConstraints, and not the mark of an F9', ['1.3.6.1.4.1.41482.1.1=DER:05:00'], 'issuer-no-ca'],
    ['was made with other firmware', [ca(0), '1.3.6.1.4.1.41482.3.3=DER:05:02:04'], 'firmware-differs'],
    ['has no basicConstraints, as some real ones', [firmwareOfDevice], 'verified'],
  ])('from a device whose certificate %s', (_name, extensions, word) => {
    const odd = deviceOf(root, extensions)
    expect(outcome(trialOf(slotOf(odd), [odd], store))).toBe(word)
  })
  it('from a device without basicConstraints below an intermediate is refused', () => {
    const between = made.make({ commonName: 'Between', issuer: root, extensions: [ca(1)] })
    const odd = deviceOf(between, [firmwareOfDevice])
    expect(outcome(trialOf(slotOf(odd), [odd, between], store))).toBe('issuer-no-ca')
  })
  it('with an intermediate that may have none below it is refused', () => {
    const between = made.make({ commonName: 'Between', issuer: root, extensions: [ca(0)] })
    const below = deviceOf(between)
    expect(outcome(trialOf(slotOf(below), [below, between], store))).toBe('path-too-long')
  })
  it('with more intermediates than any maker has is refused', () => {
    const chain = [root]
    for (let depth = 0; depth < 5; depth++)
      chain.unshift(made.make({ commonName: `Between ${depth}`, issuer: chain[0] ?? root, extensions: [ca(null)] }))
    const below = deviceOf(chain[0] ?? root)
    expect(outcome(trialOf(slotOf(below), [below, ...chain], store))).toBe('path-too-long')
  })
  it('with intermediates that certify each other in a ring ends', () => {
    const [a, b] = ['Ring A', 'Ring B'].map((commonName) =>
      made.make({ commonName, issuer: null, extensions: [ca(null)] }),
    )
    if (a === undefined || b === undefined) throw new Error('openssl made nothing')
    const cross = made.make({ commonName: 'Ring A', issuer: b, extensions: [ca(null)], key: a })
    const back = made.make({ commonName: 'Ring B', issuer: a, extensions: [ca(null)], key: b })
    const below = deviceOf(a)
    expect(outcome(trialOf(slotOf(below), [below, cross, back], store))).toBe('chain-incomplete')
  })
  it('is refused when a certificate in it has ended, or has not begun', () => {
    const trial = trialOf(statement, [device], store)
    expect(outcome({ ...trial, now: new Date('2099-01-01') })).toBe('expired')
    expect(outcome({ ...trial, now: new Date('2020-01-01') })).toBe('not-yet-valid')
  })
  it('is refused when the root has ended', () => {
    const short = made.make({ commonName: 'Short root', issuer: null, extensions: [ca(1)], days: 2 })
    const below = deviceOf(short)
    const trial = trialOf(slotOf(below), [below], [trusted(short)])
    expect(outcome(trial)).toBe('verified')
    expect(outcome({ ...trial, now: new Date(tomorrow.getTime() + 5 * 86_400_000) })).toBe('expired')
  })
  it('signed with SHA-1 is refused', () => {
    expect(outcome(trialOf(slotOf(device, { digest: 'sha1' }), [device], store))).toBe('certificate-malformed')
  })
  it('with a negative serial number of the certificate is refused', () => {
    expect(outcome(trialOf(slotOf(device, { serial: '-5' }), [device], store))).toBe('certificate-malformed')
  })
  it('with a critical extension that nobody here understands is refused', () => {
    const extensions = [...slotExtensions(), '1.2.3.4.5=critical,DER:05:00']
    expect(outcome(trialOf(slotOf(device, { extensions }), [device], store))).toBe('unknown-critical-extension')
  })
  it('with two values for one extension is refused', () => {
    // openssl writes each once, so its certificate is taken apart and signed anew by the same F9.
    const twice = withExtensionTwice(statement.der, createPrivateKey(readFileSync(device.keyFile)))
    expect(outcome({ ...trialOf(statement, [device], store), statement: twice })).toBe('duplicate-extension')
  })
  it.each([
    ['no firmware', { firmware: null }, 'statement-malformed'],
    ['firmware of 2 bytes', { firmware: '0504' }, 'statement-malformed'],
    ['firmware in DER', { firmware: '0403050403' }, 'statement-malformed'],
    ['firmware from before attestation', { firmware: '040205' }, 'firmware-impossible'],
    ['no policies', { policies: null }, 'statement-malformed'],
    ['policies of 3 bytes', { policies: '020101' }, 'statement-malformed'],
    ['a PIN policy that is none', { policies: '0001' }, 'statement-malformed'],
    ['a touch policy that is none', { policies: '0204' }, 'statement-malformed'],
    ['a form factor of 2 bytes', { form: '0404' }, 'statement-malformed'],
    ['no serial number', { serial: null }, 'statement-malformed'],
    ['a negative serial number', { serial: '0204fff00f14' }, 'statement-malformed'],
    ['a serial number that is longer than it need be', { serial: '02050000f00f14' }, 'statement-malformed'],
    ['a serial number with more behind it', { serial: '020400f00f1400' }, 'statement-malformed'],
    ['a serial number beyond 32 bits', { serial: '02050100000000' }, 'statement-malformed'],
    ['a serial number that is text', { serial: '0c083135373332353030' }, 'statement-malformed'],
  ] as const)('with %s is refused', (_name, change, word) => {
    const odd = slotOf(device, { extensions: slotExtensions(change) })
    expect(outcome(trialOf(odd, [device], store))).toBe(word)
  })
  it.each(['YubiKey PIV Attestation 9C', 'YubiKey PIV Attestation', 'YubiKey PIV Attestation 9c9c', 'Somebody'])(
    'with the subject %j is refused',
    (commonName) => {
      expect(outcome(trialOf(slotOf(device, { commonName }), [device], store))).toBe('statement-malformed')
    },
  )
  it('that may itself certify is refused', () => {
    const odd = slotOf(device, { extensions: [...slotExtensions(), ca(null)] })
    expect(outcome(trialOf(odd, [device], store))).toBe('statement-malformed')
  })
  it('handed in as one of a YubiHSM is refused, and the other way round', () => {
    expect(outcome(trialOf(statement, [device], store, { device: 'yubihsm' }))).toBe('statement-malformed')
    const object = made.make({ commonName: 'x', issuer: device, extensions: objectExtensions() })
    expect(outcome(trialOf(object, [device], store))).toBe('statement-malformed')
  })
})

describe('a root that stands behind several kinds of device', () => {
  let root: MadeCertificate
  let piv: MadeCertificate
  let other: MadeCertificate
  beforeAll(() => {
    root = made.make({ commonName: 'Root of all', issuer: null, extensions: [ca(3)] })
    piv = made.make({ commonName: 'PIV attestation', issuer: root, extensions: [ca(1)] })
    other = made.make({ commonName: 'OpenPGP attestation', issuer: root, extensions: [ca(1)] })
  })
  const store = (): TrustStore => [
    trusted(root, { devices: ['yubikey-piv', 'yubihsm'] }),
    trusted(piv, { role: 'intermediate' }),
  ]

  it('verifies through the intermediate that is for PIV', () => {
    const device = deviceOf(piv)
    expect(outcome(trialOf(slotOf(device), [device], store()))).toBe('verified')
  })
  it('does not through one for something else that came along, though the root certified it', () => {
    const device = deviceOf(other)
    expect(outcome(trialOf(slotOf(device), [device, other], store()))).toBe('chain-incomplete')
  })
  it('does not for a device right below it', () => {
    const device = deviceOf(root)
    expect(outcome(trialOf(slotOf(device), [device], store()))).toBe('chain-incomplete')
  })
  it('does not for a YubiHSM below what is for PIV', () => {
    const device = made.make({ commonName: 'YubiHSM Attestation', issuer: piv, extensions: [ca(0)] })
    const statement = made.make({ commonName: 'x', issuer: device, extensions: objectExtensions() })
    const key = { device: 'yubihsm', tokenSerial: '31650425', ckaId: '7e57' } as const
    expect(outcome(trialOf(statement, [device, piv], store(), key))).toBe('chain-incomplete')
  })
})

describe('a forged YubiHSM attestation', () => {
  let device: MadeCertificate
  let store: TrustStore
  const key = { device: 'yubihsm', tokenSerial: '31650425', ckaId: '7e57' } as const
  const object = (change: Parameters<typeof objectExtensions>[0] = {}, issuer = device) =>
    made.make({ commonName: 'YubiHSM Attestation id:0x7e57', issuer, extensions: objectExtensions(change) })
  beforeAll(() => {
    const root = made.make({ commonName: 'HSM root', issuer: null, extensions: [ca(2)] })
    const serial = '1.3.6.1.4.1.41482.4.2=DER:02:04:01:e2:f2:79'
    device = made.make({ commonName: 'YubiHSM Attestation (31650425)', issuer: root, extensions: [ca(0), serial] })
    store = [trusted(root, { devices: ['yubihsm'] })]
  })

  it('is what the others here differ from by one thing: this one is right', () => {
    expect(outcome(trialOf(object(), [device], store, key))).toBe('verified')
  })
  it('signed by an asymmetric key of the device, which any holder of sign-ecdsa commands, is refused', () => {
    const signer = object()
    expect(outcome(trialOf(object({}, signer), [signer, device], store, key))).toBe('issuer-is-a-statement')
  })
  it('about another object, or of another device, is refused', () => {
    expect(outcome(trialOf(object(), [device], store, { ...key, ckaId: '7e58' }))).toBe('another-place')
    expect(outcome(trialOf(object(), [device], store, { ...key, tokenSerial: '31650426' }))).toBe('another-serial')
    const lying = object({ serial: '020401e2f27a' })
    expect(outcome(trialOf(lying, [device], store, { ...key, tokenSerial: '31650426' }))).toBe('another-serial')
  })
  it.each([
    ...(['firmware', 'serial', 'origin', 'domains', 'capabilities', 'objectId', 'label'] as const).map(
      (name) => [`no ${name}`, { [name]: null }] as const,
    ),
    ['firmware without DER', { firmware: '020400' }],
    ['an origin that is neither generated nor imported', { origin: '03020010' }],
    ['an origin with a bit that nobody knows', { origin: '03020021' }],
    ['an origin of 2 bytes', { origin: '0303000001' }],
    ['unused bits', { origin: '03020101' }],
    ['domains of 1 byte', { domains: '03020001' }],
    ['capabilities of 7 bytes', { capabilities: '03080000000000000080' }],
    ['an object id beyond 16 bits', { objectId: '0203017e57' }],
    ['a label that is no UTF-8', { label: '0c02ff00' }],
    ['a label of 41 bytes', { label: `0c29${'61'.repeat(41)}` }],
    ['a flag that is none', { fips: '010101' }],
  ] as const)('with %s is refused', (_name, change) => {
    expect(outcome(trialOf(object(change), [device], store, key))).toBe('statement-malformed')
  })
})

describe('bytes that were changed', () => {
  const rootsFolder = new URL('../../../../resources/attestation-roots/', import.meta.url).pathname

  it('never throw and never verify, 10,000 times', async () => {
    const store = await readShippedRoots(rootsFolder, () => {})
    const samples = [
      ['yubikey-5.4.3-slot-9a.pem', { device: 'yubikey-piv', tokenSerial: '15732500', ckaId: '01' }],
      ['yubihsm-2.4.0-object-7e57.pem', { device: 'yubihsm', tokenSerial: '31650425', ckaId: '7e57' }],
    ] as const
    const words = new Map<string, number>()
    for (const [file, place] of samples) {
      const [statement = new Uint8Array(), device = new Uint8Array()] = testdata(file)
      const right = { statement, others: [device], store, key: { ...place, spki: spkiOf(statement) } }
      expect(outcome(right)).toBe('verified')
      fc.assert(
        fc.property(fc.boolean(), changes, (ofStatement, list) => {
          const before = ofStatement ? statement : device
          const changed = list.reduce((bytes, change) => change(bytes), before)
          const { verdict } = tryVerification(
            ofStatement ? { ...right, statement: changed } : { ...right, others: [changed] },
          )
          const word = verdict.kind === 'failed' ? verdict.fault : verdict.kind
          words.set(word, (words.get(word) ?? 0) + 1)
          if (!Buffer.from(changed).equals(before)) expect(word).not.toBe('verified')
        }),
        { numRuns: 5_000 },
      )
    }
    // The mutations reached behind the parser.
    for (const word of ['certificate-malformed', 'signature-wrong', 'statement-malformed', 'another-key'])
      expect(words.get(word) ?? 0, word).toBeGreaterThan(0)
  })

  it('that are no certificate at all never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (statement, other) => {
        const key = { device: 'yubikey-piv', spki: other, tokenSerial: '1', ckaId: '01' } as const
        expect(outcome({ key, statement, others: [other], store: [] })).toBe('certificate-malformed')
      }),
      { numRuns: 2_000 },
    )
  })
})

/** The certificate with the last of its extensions in it twice. */
function withExtensionTwice(der: Uint8Array, issuer: KeyObject): Uint8Array {
  const members = (bytes: Uint8Array) => {
    const element = readElement(bytes)
    const children = element.ok ? readChildren(element.value) : element
    if (!children.ok) throw new Error('not a certificate')
    return children.value.map((child) => child.bytes)
  }
  const [tbs = new Uint8Array(), algorithm = new Uint8Array()] = members(der)
  const fields = members(tbs)
  const [list = new Uint8Array()] = members(fields.at(-1) ?? new Uint8Array())
  const extensions = members(list)
  const last = extensions.at(-1) ?? new Uint8Array()
  const again = derSequence(...fields.slice(0, -1), derElement(0xa3, derSequence(...extensions, last)))
  return derSequence(again, algorithm, derBitString(sign('sha256', again, issuer)))
}

function spkiOf(der: Uint8Array): Uint8Array {
  return trusted(der).certificate.spki
}

type Change = (bytes: Uint8Array) => Uint8Array
// Not fc.double, which draws almost only places at the beginning.
const place = fc.integer({ min: 0, max: 9999 }).map((part) => part / 10_000)
const at = (bytes: Uint8Array, where: number) => Math.floor(where * Math.max(1, bytes.length))
const changes: fc.Arbitrary<readonly Change[]> = fc.array(
  fc.oneof(
    fc.tuple(place, fc.nat(255)).map(
      ([where, value]): Change =>
        (bytes) =>
          bytes.with(at(bytes, where), value),
    ),
    fc.tuple(place, fc.nat(7)).map(
      ([where, bit]): Change =>
        (bytes) => {
          const index = at(bytes, where)
          return bytes.with(index, (bytes[index] ?? 0) ^ (1 << bit))
        },
    ),
    fc.tuple(place, fc.nat(8)).map(
      ([where, count]): Change =>
        (bytes) =>
          Buffer.concat([bytes.subarray(0, at(bytes, where)), bytes.subarray(at(bytes, where) + count)]),
    ),
    fc.tuple(place, fc.uint8Array({ maxLength: 6 })).map(
      ([where, more]): Change =>
        (bytes) =>
          Buffer.concat([bytes.subarray(0, at(bytes, where)), more, bytes.subarray(at(bytes, where))]),
    ),
  ),
  { minLength: 1, maxLength: 3 },
)
