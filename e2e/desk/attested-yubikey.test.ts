import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type AuditStation, auditStation } from '../../src/main/audit/testing/audit-station.ts'
import { attestAgain } from '../../src/main/keys/attestation/attest-key.ts'
import { listAttestations } from '../../src/main/keys/attestation/attestation.repository.ts'
import { registerKey } from '../../src/main/keys/register-key.ts'
import { readAttestationCertificate } from '../../src/main/pki/attestation/attestation-certificate.ts'
import type { TrustStore } from '../../src/main/pki/attestation/trust-store.ts'
import { createTokenService } from '../../src/main/token/service.ts'
import type { AttestationVerdict } from '../../src/shared/attestation.ts'
import { Secret } from '../../src/shared/secret.ts'
import { ReaderRoom, whyNoReader } from '../devices/reader.ts'
import { makeAttestationAuthority, testAuthority } from '../devices/yubikey/attestation.ts'
import { type Card, makeCard, withChip } from '../devices/yubikey/card.ts'
import { spkiOf } from '../devices/yubikey/card-key.ts'
import { sharedKey } from '../devices/yubikey/testing/card-talk.ts'
import { certificateFor, type GivenKey, withKeys } from '../devices/yubikey/testing/given-key.ts'
import { installedYkcs11, trixieYkcs11, type VendorModule } from '../devices/yubikey/testing/vendor-modules.ts'
import { VirtualYubiKey } from '../devices/yubikey/virtual-yubikey.ts'

// Keys in a virtual YubiKey, registered through Yubico's own module and the station's token process: what the maker says of them has
// to come out at the other end.

const hostEntry = fileURLToPath(new URL('../../src/main/token/host/index.ts', import.meta.url))
const serial = 20_000_057
const operator = 'Custodian'

function trust(certificate: Uint8Array): TrustStore {
  const read = readAttestationCertificate(certificate)
  if (!read.ok) throw new Error(`the test root is no certificate: ${read.error}`)
  return [{ certificate: read.value, role: 'root', devices: ['yubikey-piv'], source: 'operator' }]
}

const given: readonly GivenKey[] = [
  { slot: 0x9c, algorithm: 'rsa-2048', pin: 'always', touch: 'cached', commonName: 'Born here' },
  { slot: 0x9a, algorithm: 'ec-p256', origin: 'imported', commonName: 'Born elsewhere' },
  { slot: 0x95, algorithm: 'ec-p384', commonName: 'In the last slot' },
]
const card = (options: Parameters<typeof makeCard>[0] = {}): Card =>
  withKeys(makeCard({ firmware: '5.7.1', serial, formFactor: 3, ...options }), given)

const noReader = whyNoReader()
let room: ReaderRoom | null = null
let key: VirtualYubiKey | null = null
let folder = ''
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'attested-'))
  if (noReader !== null) return
  key = new VirtualYubiKey({ made: card(), generate: sharedKey })
  room = await ReaderRoom.open()
  await room.plug(key, 0)
})
afterAll(async () => {
  await room?.close()
  rmSync(folder, { recursive: true, force: true })
})

describe.each(['installed', 'of Debian 13'] as const)('with ykcs11 %s, a key in a YubiKey', (which) => {
  let module: VendorModule | string
  let station: AuditStation
  let tokens: ReturnType<typeof createTokenService>
  let count = 0
  beforeAll(async () => {
    module =
      which === 'installed'
        ? (installedYkcs11() ?? 'the Debian package ykcs11 is not installed')
        : await trixieYkcs11().catch(
            (error: unknown) => `the package ykcs11 of Debian 13 could not be had: ${String(error)}`,
          )
  })
  beforeEach(async (context) => {
    if (noReader !== null || room === null) return context.skip(noReader ?? 'there is no reader')
    if (typeof module === 'string') return context.skip(module)
    station = await auditStation(join(folder, `${which}-${count++}.db`))
    tokens = createTokenService({
      node: room.node,
      hostEntry,
      modules: [module.path],
      serviceKeysFolder: join(folder, 'service-keys'),
      environment: module.env,
      log: () => {},
    })
  })
  afterEach(async (context) => {
    if (context.task.mode === 'skip' || typeof module === 'string' || noReader !== null) return
    await tokens.reset()
    await station.close()
  })

  const ports = (root = testAuthority().certificate) => ({
    db: station.db,
    audit: station.log,
    tokens,
    shippedRoots: trust(root),
    now: () => new Date(),
  })
  /** The card that is in the reader, as if it had always been there. */
  function insert(next: Card) {
    if (key === null) throw new Error('there is no key')
    key.card = next
  }
  async function register(ckaId: '01' | '02', root?: Uint8Array) {
    const { tokens: seen, modules } = await tokens.list({ refresh: true })
    const [found] = seen
    if (found === undefined) throw new Error(`there is no token: ${JSON.stringify(modules)}`)
    // Of one's own: the oldest module shows no row for an imported key, so its certificate is pasted.
    const der = certificateFor(spkiOf(sharedKey(ckaId === '02' ? 'rsa-2048' : 'ec-p256')), 'A signer')
    const registered = await registerKey(
      ports(root),
      {
        purpose: 'uefi',
        token: found.token.id,
        ckaId,
        certificatePem: new X509Certificate(der).toString(),
        description: 'A signer',
        production: true,
        pin: Secret.fromText('123456'),
        useLastTry: false,
      },
      operator,
    )
    if (!registered.ok) throw new Error(`${registered.error.code}: ${registered.error.detail}`)
    return { purpose: 'uefi', fingerprint: registered.value }
  }
  const verdicts = async (): Promise<readonly AttestationVerdict[]> =>
    (await listAttestations(station.db)).map(({ verdict }) => verdict)

  test('that was generated in it is registered with an attestation that verifies', async () => {
    insert(card())
    const name = await register('02')
    expect(await verdicts()).toEqual([
      {
        kind: 'verified',
        root: {
          name: 'CN=Signing Station test PIV root\\, not of Yubico',
          sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
          source: 'operator',
        },
        facts: {
          device: 'yubikey-piv',
          slot: '9c',
          firmware: '5.7.1',
          serial: String(serial),
          pinPolicy: 'always',
          touchPolicy: 'cached',
          formFactor: 'usb-c-keychain',
          fips: false,
          cspn: false,
        },
      },
    ])
    expect((await attestAgain(ports(), name, operator)).ok).toBe(true)
    expect((await verdicts()).map(({ kind }) => kind)).toEqual(['verified', 'verified'])
  })

  test('is found in the last slot as well', async () => {
    insert(card())
    const { tokens: seen } = await tokens.list({ refresh: true })
    const token = seen[0]?.token.id
    if (token === undefined) throw new Error('there is no token')
    const read = await tokens.readAttestation(token, '18')
    expect(read).toMatchObject({
      ok: true,
      value: { statement: expect.any(Uint8Array), device: expect.any(Uint8Array) },
    })
    const statement = read.ok ? read.value.statement : null
    const certificate = readAttestationCertificate(statement ?? new Uint8Array())
    expect(certificate.ok && certificate.value.commonName).toBe('YubiKey PIV Attestation 95')
  })

  test('that was imported has none, and is registered as that', async () => {
    insert(card())
    await register('01')
    expect(await verdicts()).toEqual([{ kind: 'not-offered', why: 'no-statement-for-key' }])
  })

  test('below a root of the same name, but not that root, is registered as failed', async () => {
    insert(card())
    await register('02', makeAttestationAuthority().certificate)
    expect(await verdicts()).toMatchObject([{ kind: 'failed', fault: 'signature-wrong' }])
  })

  test.each([
    ['forged', 'signature-wrong'],
    ['expired', 'expired'],
  ] as const)('whose attestation is %s is registered as failed', async (attestation, fault) => {
    insert(card({ attestation }))
    await register('02')
    expect(await verdicts()).toMatchObject([{ kind: 'failed', fault, facts: { slot: '9c' } }])
  })

  test('whose F9 certificate was deleted is registered as incomplete', async () => {
    const whole = card()
    const objects = new Map(whole.chip.objects)
    expect(objects.delete('5fff01')).toBe(true)
    insert(withChip(whole, { objects }))
    await register('02')
    expect(await verdicts()).toMatchObject([{ kind: 'chain-incomplete', lacks: 'CN=Yubico PIV Attestation' }])
  })

  test('that is pulled out before it is asked again keeps the attestation it had', async () => {
    if (key === null || room === null) throw new Error('there is no key')
    insert(card())
    const name = await register('02')
    await room.unplug(key)
    try {
      expect(await attestAgain(ports(), name, operator)).toMatchObject({ error: { code: 'token-not-read' } })
      expect((await verdicts()).map(({ kind }) => kind)).toEqual(['verified'])
    } finally {
      await room.plug(key, 0)
    }
  })
})
