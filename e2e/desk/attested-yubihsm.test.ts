import { createHash, createPublicKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, type TestContext, test } from 'vitest'
import { type AuditStation, auditStation } from '../../src/main/audit/testing/audit-station.ts'
import { attestAgain, attestFromFiles } from '../../src/main/keys/attestation/attest-key.ts'
import { listAttestations } from '../../src/main/keys/attestation/attestation.repository.ts'
import { readSources } from '../../src/main/keys/attestation/read-files.ts'
import { insertKey } from '../../src/main/keys/key.repository.ts'
import { pkcs11Uri } from '../../src/main/keys/pkcs11-uri.ts'
import { readAttestationCertificate } from '../../src/main/pki/attestation/attestation-certificate.ts'
import type { TrustStore } from '../../src/main/pki/attestation/trust-store.ts'
import { createTokenService } from '../../src/main/token/service.ts'
import { hostEntry } from '../../src/main/token/testing/token-bench.ts'
import { fingerprint } from '../../src/shared/ids.ts'
import { makeAttestationAuthority } from '../devices/yubihsm/attestation/authority.ts'
import { makeKey } from '../devices/yubihsm/testing/key-in-device.ts'
import { vendorSoftware } from '../devices/yubihsm/testing/vendor-software.ts'
import { YubiHsmBench } from '../devices/yubihsm/testing/yubihsm-bench.ts'
import type { YubiHsmOptions } from '../devices/yubihsm/virtual-yubihsm.ts'
import { certificateFor } from '../devices/yubikey/testing/given-key.ts'

// A key in a virtual YubiHSM; its attestation made with the maker's shell, by the very commands
// that the window shows, and imported from the files.

const vendor = await vendorSoftware()
const operator = 'Custodian'
const undo: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
})

/** As the window shows them (src/renderer/screens/keys/attestation-view.ts), for object 0064. */
const commands = [
  'yubihsm-shell --action=sign-attestation-certificate --object-id=0x0064 --attestation-id=0 --outformat=PEM --out=key-0064.pem',
  'yubihsm-shell --action=get-opaque --object-id=0 --outformat=PEM --out=device.pem',
]
async function runCommands(bench: YubiHsmBench, lines: readonly string[] = commands): Promise<readonly string[]> {
  const files: string[] = []
  for (const line of lines) {
    const [, ...words] = line.split(' ')
    const name = words.find((word) => word.startsWith('--out='))?.slice('--out='.length) ?? ''
    files.push(bench.file(name))
    await bench.shell(...words.map((word) => (word.startsWith('--out=') ? `--out=${bench.file(name)}` : word)))
  }
  return files
}

async function start(ctx: TestContext, options: YubiHsmOptions = {}, capabilities = 'sign-ecdsa') {
  if (!vendor.ok) return ctx.skip(vendor.error)
  const authority = options.authority ?? makeAttestationAuthority()
  const bench = await YubiHsmBench.start(vendor.value, {
    authority,
    serial: 7_654_321,
    firmware: [2, 4, 0],
    ...options,
  })
  undo.push(() => bench.dispose())
  const station = await auditStation(join(bench.folder, 'station.db'))
  undo.push(() => station.close())
  const tokens = createTokenService({
    node: process.execPath,
    hostEntry,
    modules: [vendor.value.module],
    serviceKeysFolder: join(bench.folder, 'service-keys'),
    environment: bench.moduleEnvironment(),
    log: () => {},
  })
  undo.push(() => tokens.reset())
  const spki = createPublicKey(await makeKey(bench, capabilities)).export({ type: 'spki', format: 'der' })
  const ports = (store: TrustStore = trust(authority)) => ({
    db: station.db,
    audit: station.log,
    tokens,
    shippedRoots: store,
    now: () => new Date(),
  })
  return { authority, bench, station, ports, name: await register(station, spki) }
}

/** The root as the maker's; its intermediate trusted too, as the shipped Sub-CA is, so that nobody has to bring it. */
function trust({ root, intermediate }: ReturnType<typeof makeAttestationAuthority>): TrustStore {
  return (
    [
      ['root', root],
      ['intermediate', intermediate],
    ] as const
  ).map(([role, der]) => {
    const read = readAttestationCertificate(der)
    if (!read.ok) throw new Error(`the test ${role} is no certificate: ${read.error}`)
    return { certificate: read.value, role, devices: ['yubihsm'], source: 'shipped' }
  })
}

/** As it is stored. Registering itself does not get that far: yubihsm_pkcs11 shows no object before the PIN. */
async function register({ db }: AuditStation, spki: Uint8Array) {
  const token = { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiHSM', serial: '07654321' }
  const certificate = new X509Certificate(certificateFor(spki, 'A signer'))
  const name = { purpose: 'uefi', fingerprint: fingerprint.parse(certificate.fingerprint256.replaceAll(':', '')) }
  const at = new Date().toISOString()
  await db.transaction().execute((trx) =>
    insertKey(trx, {
      ...name,
      private_key: JSON.stringify({ storage: 'pkcs11-static', pkcs11_uri: pkcs11Uri(token, '0064') }),
      public_key: Buffer.from(certificate.toString()),
      created_at: at,
      updated_at: at,
      description: 'A signer',
      state: 'active',
      production: 1,
      origin: 'unknown',
      algorithm: 'ec-p256',
      spki_sha256: createHash('sha256').update(spki).digest('hex'),
      token_manufacturer: token.manufacturer,
      token_model: token.model,
      token_serial: token.serial,
      cka_id: '0064',
    }),
  )
  return name
}

async function importFiles(
  ports: Parameters<typeof attestFromFiles>[0],
  name: Parameters<typeof attestFromFiles>[1],
  paths: readonly string[],
) {
  const files = await readSources({ text: '', paths })
  if (!files.ok) throw new Error(files.error.message)
  return attestFromFiles(ports, name, { files: files.value, operator })
}

const verdicts = async (station: AuditStation) => (await listAttestations(station.db)).map(({ verdict }) => verdict)

test('an attestation is not asked of the module, and comes from the files that the shown commands write', async (ctx) => {
  const { bench, station, ports, name } = await start(ctx, {}, 'sign-ecdsa:exportable-under-wrap')
  expect(await attestAgain(ports(), name, operator)).toMatchObject({ error: { code: 'attestation-in-files' } })
  await importFiles(ports(), name, await runCommands(bench))
  expect((await verdicts(station))[0]).toMatchObject({
    kind: 'verified',
    root: { name: 'CN=Virtual YubiHSM Root CA (test)' },
    facts: {
      device: 'yubihsm',
      firmware: '2.4.0',
      serial: '7654321',
      origin: ['generated'],
      domains: Array.from({ length: 16 }, (_, domain) => domain + 1),
      capabilities: ['sign-ecdsa', 'exportable-under-wrap'],
      objectId: 0x64,
      label: 'release',
    },
  })
})

test('the same in DER, in one file or two, and without the device’s certificate it is incomplete', async (ctx) => {
  const { bench, station, ports, name } = await start(ctx)
  const [key = '', device = ''] = await runCommands(
    bench,
    commands.map((line) => line.replace('--outformat=PEM', '--outformat=binary')),
  )
  expect(readFileSync(key)[0]).toBe(0x30)
  await importFiles(ports(), name, [device, key])
  await importFiles(ports(), name, [key])
  expect((await verdicts(station)).map(({ kind }) => kind)).toEqual(['chain-incomplete', 'verified'])
})

test('a device of another maker’s root, or one that forges, is told', async (ctx) => {
  const { bench, station, ports, name } = await start(ctx)
  await importFiles(ports(trust(makeAttestationAuthority())), name, await runCommands(bench))
  expect((await verdicts(station))[0]).toMatchObject({ kind: 'failed', fault: 'signature-wrong' })
  const forger = await start(ctx, { forgesAttestations: true })
  await importFiles(forger.ports(), forger.name, await runCommands(forger.bench))
  expect((await verdicts(forger.station))[0]).toMatchObject({ kind: 'failed', fault: 'signature-wrong' })
})

test('the attestation of the same object in another device is told', async (ctx) => {
  const { authority, station, ports, name } = await start(ctx)
  const other = await start(ctx, { authority })
  await importFiles(ports(), name, await runCommands(other.bench))
  expect((await verdicts(station))[0]).toMatchObject({ kind: 'failed', fault: 'another-key' })
})

test('an attestation by a key in the device, whose own certificate the device signed, is told', async (ctx) => {
  const { bench, station, ports, name } = await start(ctx)
  // What a holder of the session can do: a key that attests, and as its certificate what the device says of it.
  await bench.shell('-a', 'generate-asymmetric-key', '-i', '112', '-A', 'ecp256', '-c', 'sign-attestation-certificate')
  const [helper = ''] = await runCommands(bench, [
    'x --action=sign-attestation-certificate --object-id=112 --attestation-id=0 --outformat=PEM --out=helper.pem',
  ])
  await bench.shell(
    '-a',
    'put-opaque',
    '-i',
    '112',
    '-A',
    'opaque-x509-certificate',
    '--informat',
    'PEM',
    '--in',
    helper,
  )
  const [forged = '', device = ''] = await runCommands(bench, [
    'x --action=sign-attestation-certificate --object-id=0x0064 --attestation-id=112 --outformat=PEM --out=forged.pem',
    commands[1] ?? '',
  ])
  await importFiles(ports(), name, [forged, helper, device])
  expect((await verdicts(station))[0]).toMatchObject({ kind: 'failed', fault: 'issuer-is-a-statement' })
})
