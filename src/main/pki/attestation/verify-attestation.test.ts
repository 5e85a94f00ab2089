import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { certificatesIn, certificatesText } from '../../keys/attestation/certificate-text.ts'
import { readShippedRoots, shippedRoots } from '../../keys/attestation/shipped-roots.ts'
import { testdata, trusted, tryVerification } from './testing/attestation-bench.ts'
import { ca, OpensslCertificates, objectExtensions, slotExtensions } from './testing/openssl-certificates.ts'
import type { TrustStore } from './trust-store.ts'
import { slotOfCkaId } from './verify-attestation.ts'

const rootsFolder = new URL('../../../../resources/attestation-roots/', import.meta.url).pathname
const spkiIn = (der: Uint8Array | undefined) =>
  new X509Certificate(der ?? '').publicKey.export({ type: 'spki', format: 'der' })

function real(file: string) {
  const [statement = new Uint8Array(), ...others] = testdata(file)
  return { statement, others, spki: spkiIn(statement) }
}

describe('the roots that are shipped', () => {
  let store: TrustStore
  const logged: unknown[] = []
  beforeAll(async () => {
    store = await readShippedRoots(rootsFolder, (event, fields) => logged.push([event, fields]))
  })

  it('are all there, each with the digest that is written in the program', () => {
    expect(logged).toEqual([])
    expect(store.map(({ certificate }) => certificate.sha256)).toEqual(shippedRoots.map(([, , , sha256]) => sha256))
  })

  it('verify with themselves, and the intermediates with them, by the word of openssl', () => {
    const pem = (role: 'root' | 'intermediate') =>
      shippedRoots
        .filter(([, each]) => each === role)
        .map(([file]) => readFileSync(join(rootsFolder, file), 'latin1'))
        .join('\n')
    const folder = mkdtempSync(join(tmpdir(), 'attestation-roots-'))
    try {
      const [anchors, between] = [join(folder, 'roots.pem'), join(folder, 'between.pem')]
      writeFileSync(anchors, pem('root'))
      writeFileSync(between, pem('intermediate'))
      for (const [file] of shippedRoots) {
        const said = execFileSync(
          'openssl',
          ['verify', '-check_ss_sig', '-CAfile', anchors, '-untrusted', between, join(rootsFolder, file)],
          { stdio: 'pipe' },
        )
        expect(said.toString()).toBe(`${join(rootsFolder, file)}: OK\n`)
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('are not used when a file is another than the one that was shipped', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'attestation-roots-'))
    try {
      for (const [file] of shippedRoots) writeFileSync(join(folder, file), readFileSync(join(rootsFolder, file)))
      // A certificate of Yubico's own, but not this one.
      writeFileSync(join(folder, 'piv-root-263751.pem'), readFileSync(join(rootsFolder, 'u2f-root-457200631.pem')))
      rmSync(join(folder, 'yubihsm-root.pem'))
      const said: unknown[] = []
      const read = await readShippedRoots(folder, (event, fields) => said.push([event, fields]))
      expect(read).toHaveLength(shippedRoots.length - 2)
      expect(said).toMatchObject([
        ['attestation.root-unusable', { file: 'piv-root-263751.pem' }],
        ['attestation.root-unusable', { file: 'yubihsm-root.pem', found: null }],
      ])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('stand behind a key in a YubiKey 5 with firmware 5.4.3', () => {
    const { statement, others, spki } = real('yubikey-5.4.3-slot-9a.pem')
    const key = { device: 'yubikey-piv', spki, tokenSerial: '15732500', ckaId: '01' } as const
    const checked = tryVerification({ key, statement, others, store })
    expect(checked.verdict).toEqual({
      kind: 'verified',
      root: {
        name: 'CN=Yubico PIV Root CA Serial 263751',
        sha256: '63ece914e54dd87915f34033c85af4c0696ba1512f8add66ced738331207b546',
        source: 'shipped',
      },
      facts: {
        device: 'yubikey-piv',
        slot: '9a',
        firmware: '5.4.3',
        serial: '15732500',
        pinPolicy: 'once',
        touchPolicy: 'never',
        formFactor: 'usb-c-nano',
        fips: false,
        cspn: false,
      },
    })
    expect(checked.certificates).toHaveLength(3)
  })

  it('stand behind a YubiKey 4 that was certified with the U2F root and without basicConstraints', () => {
    const { statement, others, spki } = real('yubikey-4.3.7-slot-9a.pem')
    // Its statement has no serial number: any is as good.
    const key = { device: 'yubikey-piv', spki, tokenSerial: '4711', ckaId: '01' } as const
    expect(tryVerification({ key, statement, others, store }).verdict).toMatchObject({
      kind: 'verified',
      root: { name: 'CN=Yubico U2F Root CA Serial 457200631' },
      facts: { firmware: '4.3.7', serial: null, formFactor: null },
    })
  })

  it('stand behind a key in a YubiHSM 2, whose intermediate need not be handed in', () => {
    const { statement, others, spki } = real('yubihsm-2.4.0-object-7e57.pem')
    const key = { device: 'yubihsm', spki, tokenSerial: '31650425', ckaId: '7e57' } as const
    const checked = tryVerification({ key, statement, others, store })
    expect(checked.verdict).toEqual({
      kind: 'verified',
      root: {
        name: 'CN=Yubico YubiHSM Root CA',
        sha256: '094a3ac493c2bdcd65a54bdf40190f52bb03f7156397a3fc69d8aa9a392fb724',
        source: 'shipped',
      },
      facts: {
        device: 'yubihsm',
        firmware: '2.4.0',
        serial: '31650425',
        origin: ['generated'],
        domains: [1],
        capabilities: ['sign-ecdsa'],
        objectId: 0x7e57,
        label: 'hsmaudit-test',
        fipsApproved: null,
      },
    })
    expect(checked.certificates).toHaveLength(4)
  })
})

describe('what is kept of a verified attestation', () => {
  it.each([
    ['yubikey-5.4.3-slot-9a.pem', { device: 'yubikey-piv', tokenSerial: '15732500', ckaId: '01' }],
    ['yubihsm-2.4.0-object-7e57.pem', { device: 'yubihsm', tokenSerial: '31650425', ckaId: '7e57' }],
  ] as const)('is a path that openssl verifies without this program: %s', async (file, place) => {
    const { statement, others, spki } = real(file)
    const store = await readShippedRoots(rootsFolder, () => {})
    const { certificates } = tryVerification({ key: { ...place, spki }, statement, others, store })
    const folder = mkdtempSync(join(tmpdir(), 'attestation-kept-'))
    try {
      const write = (name: string, ders: readonly Uint8Array[]) => {
        writeFileSync(join(folder, name), certificatesText(ders))
        return join(folder, name)
      }
      const [root, between, leaf] = [
        write('root.pem', certificates.slice(-1)),
        write('between.pem', certificates.slice(1, -1)),
        write('statement.pem', certificates.slice(0, 1)),
      ]
      const said = execFileSync('openssl', ['verify', '-CAfile', root, '-untrusted', between, leaf], { stdio: 'pipe' })
      expect(said.toString()).toBe(`${leaf}: OK\n`)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('an attestation that openssl made', () => {
  let folder: string
  let made: OpensslCertificates
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'attestation-'))
    made = new OpensslCertificates(folder)
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it.each([
    ['ec', 'ec'],
    ['rsa', 'rsa'],
    ['rsa', 'ec'],
  ] as const)('of a YubiKey with an F9 of %s verifies for a key of %s, whatever its policies', (f9, slot) => {
    const root = made.make({ commonName: 'Root', issuer: null, extensions: [ca(1)], algorithm: 'rsa' })
    const device = made.make({
      commonName: 'Yubico PIV Attestation',
      issuer: root,
      extensions: [ca(0), '1.3.6.1.4.1.41482.3.3=DER:05:07:01', '1.3.6.1.4.1.41482.3.10=DER:02:01:06'],
      algorithm: f9,
    })
    const statement = made.make({
      commonName: 'YubiKey PIV Attestation 95',
      issuer: device,
      extensions: slotExtensions({ firmware: '050701', policies: '0303', form: '83', serial: '020401312d00' }),
      algorithm: slot,
    })
    const key = { device: 'yubikey-piv', spki: statement.spki, tokenSerial: '20000000', ckaId: '18' } as const
    const checked = tryVerification({ key, statement: statement.der, others: [device.der], store: [trusted(root)] })
    expect(checked.verdict).toMatchObject({
      kind: 'verified',
      root: { name: 'CN=Root', source: 'operator' },
      facts: {
        slot: '95',
        firmware: '5.7.1',
        serial: '20000000',
        pinPolicy: 'always',
        touchPolicy: 'cached',
        formFactor: 'usb-c-keychain',
        fips: true,
        cspn: false,
      },
    })
  })

  it('of a YubiHSM verifies with an intermediate that was handed in, and tells an imported key', () => {
    const root = made.make({ commonName: 'HSM root', issuer: null, extensions: [ca(2)] })
    const sub = made.make({ commonName: 'HSM sub', issuer: root, extensions: [ca(1)] })
    const device = made.make({
      commonName: 'YubiHSM Attestation (31650425)',
      issuer: sub,
      extensions: [ca(0), '1.3.6.1.4.1.41482.4.1=DER:04:03:02:04:00', '1.3.6.1.4.1.41482.4.2=DER:02:04:01:e2:f2:79'],
    })
    const statement = made.make({
      commonName: 'YubiHSM Attestation id:0x7e57',
      issuer: device,
      extensions: objectExtensions({
        origin: '03020012',
        domains: '0303008001',
        capabilities: '0309004000000000010060',
        fips: '0101ff',
      }),
    })
    const key = { device: 'yubihsm', spki: statement.spki, tokenSerial: '0031650425', ckaId: '7e57' } as const
    const store = [trusted(root, { devices: ['yubihsm'] })]
    // In any order: files have none.
    const checked = tryVerification({ key, statement: statement.der, others: [sub.der, device.der], store })
    expect(checked.verdict).toMatchObject({
      kind: 'verified',
      facts: {
        origin: ['imported', 'imported-wrapped'],
        domains: [1, 16],
        capabilities: ['sign-pkcs', 'sign-pss', 'exportable-under-wrap', 'bit-62'],
        label: 'boot',
        fipsApproved: true,
      },
    })
    expect(checked.certificates.map((der) => Buffer.from(der).equals(sub.der))).toEqual([false, false, true, false])
  })

  it('that is right but ends at an issuer nobody here knows is incomplete, and says which', () => {
    const root = made.make({ commonName: 'Unknown root', issuer: null, extensions: [ca(1)] })
    const device = made.make({ commonName: 'Device', issuer: root, extensions: [ca(0)] })
    const statement = made.make({
      commonName: 'YubiKey PIV Attestation 9c',
      issuer: device,
      extensions: slotExtensions(),
    })
    const key = { device: 'yubikey-piv', spki: statement.spki, tokenSerial: '15732500', ckaId: '02' } as const
    const trial = { key, statement: statement.der, store: [] }
    expect(tryVerification({ ...trial, others: [device.der] }).verdict).toMatchObject({
      kind: 'chain-incomplete',
      lacks: 'CN=Unknown root',
    })
    expect(tryVerification({ ...trial, others: [] }).verdict).toMatchObject({
      kind: 'chain-incomplete',
      lacks: 'CN=Device',
    })
  })
})

it('numbers the slots as ykcs11 does', () => {
  const slots = Array.from({ length: 26 }, (_, number) => slotOfCkaId(number.toString(16).padStart(2, '0')))
  expect(slots.map((slot) => slot ?? '-').join(' ')).toBe(
    '- 9a 9c 9d 9e 82 83 84 85 86 87 88 89 8a 8b 8c 8d 8e 8f 90 91 92 93 94 95 -',
  )
})

it('finds certificates in DER, in PEM with text around it, and not in what is cut or too much', () => {
  const [statement = new Uint8Array()] = testdata('yubikey-5.4.3-slot-9a.pem')
  const pem = new X509Certificate(statement).toString()
  expect(certificatesIn(statement)).toEqual([statement])
  expect(certificatesIn(`subject=/CN=x\r\n${pem.replaceAll('\n', '\r\n')}\n${pem}`)).toHaveLength(2)
  for (const text of ['', 'no certificate', pem.slice(0, -10), pem.repeat(9), `${pem}-----BEGIN CERTIFICATE-----\n`])
    expect(certificatesIn(text)).toBeNull()
})
