import { createPrivateKey, generateKeyPairSync, randomBytes, verify, X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { afterEach, expect, it, type TestContext } from 'vitest'
import { makeAttestationAuthority } from './attestation/authority.ts'
import { isBy, keyId, makeKey, publicKeyOf, signMessage } from './testing/key-in-device.ts'
import { openssl } from './testing/openssl.ts'
import { vendorSoftware } from './testing/vendor-software.ts'
import { YubiHsmBench } from './testing/yubihsm-bench.ts'
import { VirtualYubiHsm, type YubiHsmOptions } from './virtual-yubihsm.ts'

// What a custodian does with the maker's shell: backup and restore, attestation, other ways in.

const vendor = await vendorSoftware()
const benches: YubiHsmBench[] = []
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.dispose()
})

async function start(ctx: TestContext, options: YubiHsmOptions = {}): Promise<YubiHsmBench> {
  if (!vendor.ok) return ctx.skip(vendor.error)
  const bench = await YubiHsmBench.start(vendor.value, options)
  benches.push(bench)
  return bench
}

const message = randomBytes(100)
const certificatePem = (der: Uint8Array) => new X509Certificate(Buffer.from(der)).toString()
const objectInfo = (bench: YubiHsmBench, id: number) =>
  bench.shell('-a', 'get-object-info', '-i', String(id), '-t', 'asymmetric-key')
const putWrapKey = (bench: YubiHsmBench, key: Uint8Array) =>
  bench.shell(
    '-a',
    'put-wrap-key',
    '-i',
    '20',
    '-c',
    'export-wrapped:import-wrapped',
    '--delegated',
    'all',
    '--informat',
    'hex',
    '--in',
    Buffer.from(key).toString('hex'),
  )

it('a key is backed up under a wrap key, restored in a second device, and signs there', async (ctx) => {
  const first = await start(ctx, { serial: 1_111_111 })
  const second = await start(ctx, { serial: 2_222_222 })
  const wrapKey = randomBytes(32)
  for (const bench of [first, second]) await putWrapKey(bench, wrapKey)
  const pem = await makeKey(first)
  const backup = first.file('backup.yhw')
  await first.shell(
    '-a',
    'get-wrapped',
    '--wrap-id',
    '20',
    '-i',
    String(keyId),
    '-t',
    'asymmetric-key',
    '--out',
    backup,
  )

  const restored = await second.shell('-a', 'put-wrapped', '--wrap-id', '20', '--in', backup)
  expect(restored).toContain('Object imported as 0x0064 of type asymmetric-key')
  expect(isBy(pem, message, await signMessage(await second.session(), message))).toBe(true)
  expect(await objectInfo(second, keyId)).toContain('sequence: 0, origin: generated:imported_wrapped')
  expect(await objectInfo(second, keyId)).toContain('label: "release"')

  // One bit of the backup, and it is none.
  const spoilt = Buffer.from(readFileSync(backup, 'utf8'), 'base64')
  spoilt[40] = (spoilt[40] ?? 0) ^ 1
  writeFileSync(backup, spoilt.toString('base64'))
  await second.shell('-a', 'delete-object', '-i', String(keyId), '-t', 'asymmetric-key')
  await expect(second.shell('-a', 'put-wrapped', '--wrap-id', '20', '--in', backup)).rejects.toThrow('invalid data')
})

it('a key that is not exportable does not leave the device', async (ctx) => {
  const bench = await start(ctx)
  await putWrapKey(bench, randomBytes(16))
  await makeKey(bench, 'sign-ecdsa')
  const exported = bench.shell('-a', 'get-wrapped', '--wrap-id', '20', '-i', String(keyId), '-t', 'asymmetric-key')
  await expect(exported).rejects.toThrow('Wrong permissions for operation')
})

it('what yubihsm-wrap wraps outside of any device is imported, for keys of every kind', async (ctx) => {
  const bench = await start(ctx)
  if (!vendor.ok) return ctx.skip(vendor.error)
  const wrapKey = randomBytes(16)
  await putWrapKey(bench, wrapKey)
  writeFileSync(bench.file('wrap.key'), wrapKey)
  const kinds = [
    ['rsa2048', 'sign-pkcs', generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['ecp384', 'sign-ecdsa', generateKeyPairSync('ec', { namedCurve: 'P-384' })],
    ['ed25519', 'sign-eddsa', generateKeyPairSync('ed25519')],
  ] as const
  for (const [index, [algorithm, capability, pair]] of kinds.entries()) {
    const [input, output] = [bench.file(`${algorithm}.pem`), bench.file(`${algorithm}.yhw`)]
    writeFileSync(input, pair.privateKey.export({ format: 'pem', type: 'pkcs8' }))
    await vendor.value.run(
      'yubihsm-wrap',
      '-a',
      algorithm,
      '-c',
      capability,
      '-d',
      '1',
      '-i',
      String(100 + index),
      '-l',
      algorithm,
      '-k',
      bench.file('wrap.key'),
      '--in',
      input,
      '--out',
      output,
    )
    await bench.shell('-a', 'put-wrapped', '--wrap-id', '20', '--in', output)
    expect(await objectInfo(bench, 100 + index)).toContain('origin: imported:imported_wrapped')
    expect(await publicKeyOf(bench, 100 + index)).toBe(
      pair.publicKey.export({ format: 'pem', type: 'spki' }).toString().trim(),
    )
  }
  writeFileSync(bench.file('message'), message)
  const told = await bench.shell('-a', 'sign-eddsa', '-i', '102', '-A', 'ed25519', '--in', bench.file('message'))
  const signature = Buffer.from(/^[A-Za-z0-9+/=]{86,}$/m.exec(told)?.[0] ?? '', 'base64')
  expect(verify(null, message, kinds[2][2].publicKey, signature)).toBe(true)
})

it('an RSA wrap key takes a key out that other programs read, and takes it in again', async (ctx) => {
  const bench = await start(ctx)
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  writeFileSync(bench.file('public.pem'), pair.publicKey.export({ format: 'pem', type: 'spki' }))
  writeFileSync(bench.file('private.pem'), pair.privateKey.export({ format: 'pem', type: 'pkcs8' }))
  const given = ['--delegated', 'sign-ecdsa:exportable-under-wrap']
  await bench.shell(
    '-a',
    'put-public-wrapkey',
    '-i',
    '7',
    '-c',
    'export-wrapped',
    ...given,
    '--in',
    bench.file('public.pem'),
  )
  await bench.shell(
    '-a',
    'put-rsa-wrapkey',
    '-i',
    '8',
    '-c',
    'import-wrapped',
    ...given,
    '--in',
    bench.file('private.pem'),
  )
  const pem = await makeKey(bench)
  const asymmetric = ['-i', String(keyId), '-t', 'asymmetric-key']
  const [key, object] = [bench.file('key.wrapped'), bench.file('object.wrapped')]
  await bench.shell('-a', 'get-rsa-wrapped-key', '--wrap-id', '7', ...asymmetric, '--out', key, '--outformat', 'binary')
  await bench.shell('-a', 'get-rsa-wrapped', '--wrap-id', '7', ...asymmetric, '--out', object)

  // CKM_RSA_AES_KEY_WRAP, undone by openssl alone.
  const wrapped = readFileSync(key)
  const files = {
    key: pair.privateKey.export({ format: 'pem', type: 'pkcs8' }),
    aes: wrapped.subarray(0, 256),
    rest: wrapped.subarray(256),
  }
  const oaep = ['rsa_padding_mode:oaep', 'rsa_oaep_md:sha256', 'rsa_mgf1_md:sha256'].flatMap((option) => [
    '-pkeyopt',
    option,
  ])
  const aes = openssl(['pkeyutl', '-decrypt', '-inkey', '{key}', '-in', '{aes}', ...oaep], files).stdout
  const unwrap = ['enc', '-d', '-id-aes256-wrap-pad', '-iv', 'a65959a6', '-K', aes.toString('hex'), '-in', '{rest}']
  const pkcs8 = createPrivateKey({ key: openssl(unwrap, files).stdout, format: 'der', type: 'pkcs8' })
  expect(publicPem(pkcs8)).toBe(pem)

  await bench.shell('-a', 'delete-object', ...asymmetric)
  await bench.shell('-a', 'put-rsa-wrapped', '--wrap-id', '8', '--in', object)
  expect(await objectInfo(bench, keyId)).toContain('origin: generated:imported_wrapped')
  await bench.shell('-a', 'delete-object', ...asymmetric)
  await bench.shell(
    '-a',
    'put-rsa-wrapped-key',
    '--wrap-id',
    '8',
    ...asymmetric,
    '-A',
    'ecp256',
    '-c',
    'sign-ecdsa',
    '--in',
    key,
    '--informat',
    'binary',
  )
  expect(await objectInfo(bench, keyId)).toContain('origin: imported:imported_wrapped')
  expect(isBy(pem, message, await signMessage(await bench.session(), message))).toBe(true)
})

function publicPem(key: ReturnType<typeof createPrivateKey>): string {
  const files = { key: key.export({ format: 'pem', type: 'pkcs8' }) }
  return openssl(['pkey', '-in', '{key}', '-pubout'], files).stdout.toString().trim()
}

interface Chain {
  readonly device: string
  readonly attestation: string
}

async function attested(bench: YubiHsmBench): Promise<Chain> {
  const [device, attestation] = [bench.file('device.pem'), bench.file('attestation.pem')]
  await bench.shell('-a', 'get-opaque', '-i', '0', '--outformat', 'PEM', '--out', device)
  await bench.shell(
    '-a',
    'sign-attestation-certificate',
    '-i',
    String(keyId),
    '--attestation-id',
    '0',
    '--outformat',
    'PEM',
    '--out',
    attestation,
  )
  return { device: readFileSync(device, 'utf8'), attestation: readFileSync(attestation, 'utf8') }
}

it('attests a key: root, intermediate, device, key, with what the device knows of it', async (ctx) => {
  const authority = makeAttestationAuthority()
  const bench = await start(ctx, { authority, serial: 7_654_321, firmware: [2, 3, 2] })
  const pem = await makeKey(bench)
  const { device, attestation } = await attested(bench)
  expect(verdict(authority, device, attestation)).toContain('attestation: OK')
  const certificate = new X509Certificate(attestation)
  expect(certificate.subject).toBe('CN=YubiHSM Attestation id:0x0064')
  expect(certificate.publicKey.export({ format: 'pem', type: 'spki' }).toString().trim()).toBe(pem)
  expect(new X509Certificate(device).issuer).toBe(new X509Certificate(Buffer.from(authority.intermediate)).subject)

  // Yubico's arc, as another program prints it: firmware, serial number, origin, domains, capabilities, id, label.
  const text = openssl(['asn1parse', '-in', '{certificate}'], { certificate: attestation }).text
  const values = [...text.matchAll(/1\.3\.6\.1\.4\.1\.41482\.4\.(\d+)\n.*HEX DUMP\]:([0-9A-F]+)/g)].map(
    ([, arc, hex]) => [arc, hex],
  )
  expect(Object.fromEntries(values)).toEqual({
    1: '0403020302',
    2: '020374CBB1',
    3: '03020001',
    4: '030300FFFF',
    // exportable-under-wrap and sign-ecdsa
    5: '0309000000000000010080',
    6: '020164',
    9: '0C0772656C65617365',
  })
})

it('a device of another maker, and one that signs with another key, have chains that fail', async (ctx) => {
  const authority = makeAttestationAuthority()
  const foreign = await start(ctx, { authority: makeAttestationAuthority() })
  const forging = await start(ctx, { authority, forgesAttestations: true })
  for (const bench of [foreign, forging]) {
    await makeKey(bench)
    const { device, attestation } = await attested(bench)
    expect(verdict(authority, device, attestation)).not.toContain('attestation: OK')
    expect(verdict(authority, device, attestation)).toContain('certificate signature failure')
  }
})

function verdict(authority: ReturnType<typeof makeAttestationAuthority>, device: string, attestation: string): string {
  const between = certificatePem(authority.intermediate) + device
  const files = { root: certificatePem(authority.root), between, attestation }
  return openssl(['verify', '-CAfile', '{root}', '-untrusted', '{between}', '{attestation}'], files).text
}

it('attests with a key and a certificate of one own', async (ctx) => {
  const bench = await start(ctx)
  await makeKey(bench)
  const own = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const files = { key: own.privateKey.export({ format: 'pem', type: 'pkcs8' }) }
  const certificate = openssl(['req', '-x509', '-key', '{key}', '-subj', '/CN=Attesting', '-days', '7'], files).stdout
  writeFileSync(bench.file('own.key'), files.key)
  writeFileSync(bench.file('own.pem'), certificate)
  await bench.shell(
    '-a',
    'put-asymmetric-key',
    '-i',
    '9',
    '-c',
    'sign-attestation-certificate',
    '--in',
    bench.file('own.key'),
  )
  await bench.shell(
    '-a',
    'put-opaque',
    '-i',
    '9',
    '-A',
    'opaque-x509-certificate',
    '--informat',
    'PEM',
    '--in',
    bench.file('own.pem'),
  )
  const attestation = bench.file('attestation.pem')
  await bench.shell(
    '-a',
    'sign-attestation-certificate',
    '-i',
    String(keyId),
    '--attestation-id',
    '9',
    '--outformat',
    'PEM',
    '--out',
    attestation,
  )
  const chain = { root: certificate, attestation: readFileSync(attestation) }
  expect(openssl(['verify', '-CAfile', '{root}', '{attestation}'], chain).text).toContain('attestation: OK')
  const made = new X509Certificate(chain.attestation)
  expect([made.issuer, made.validTo]).toEqual(['CN=Attesting', new X509Certificate(certificate).validTo])
})

it('opens a session with an asymmetric authentication key', async (ctx) => {
  const bench = await start(ctx)
  if (!vendor.ok) return ctx.skip(vendor.error)
  const pem = await makeKey(bench)
  const put = 'put authkey_asym 0 5 curve 1 all all with-a-curve'
  await vendor.value.type(bench.connector.url, 'session open 1 password', 'set informat password', put)
  const open = await bench.session('@0005with-a-curve')
  expect(isBy(pem, message, await signMessage(open, message))).toBe(true)
  await expect(bench.session('@0005with-a-curse')).rejects.toThrow('C_Login: CKR_PIN_INCORRECT')
})

it('forgets everything when it is reset, and has its first key again', async (ctx) => {
  const bench = await start(ctx)
  await makeKey(bench)
  await bench.shell('-a', 'put-option', '--opt-name', 'force-audit', '--opt-value', '02')
  await expect(bench.shell('-a', 'put-option', '--opt-name', 'force-audit', '--opt-value', '00')).rejects.toThrow(
    'permissions',
  )
  await bench.shell('-a', 'reset')
  expect(await bench.shell('-a', 'list-objects')).toContain('Found 1 object(s)')
  expect(await bench.shell('-a', 'get-option', '--opt-name', 'force-audit')).toContain('Option value is: 00')
  expect(await bench.shell('-a', 'get-logs')).toMatch(/Found 2 items\nitem: +1 -- cmd: 0xff -- length: 65535/)
  await makeKey(bench)
  expect(await objectInfo(bench, keyId)).toContain('sequence: 0')
})

it('answers as its firmware does', async (ctx) => {
  const bench = await start(ctx, { firmware: [2, 2, 0] })
  const info = await bench.shell('-a', 'get-device-info')
  expect(info).toMatch(/Version number:\t\t2\.2\.0\n/)
  expect(info).not.toContain('aes-kwp')
  // From 2.3.1 nothing is logged until it is asked for; before, this session is.
  expect(await bench.shell('-a', 'get-logs')).toMatch(/cmd: 0x03[^]*cmd: 0x04/)
  await expect(bench.shell('-a', 'generate-symmetric-key', '-A', 'aes128')).rejects.toThrow('Unrecognized command')
  bench.connector.plug(new VirtualYubiHsm({ firmware: [2, 4, 0] }))
  expect(await bench.shell('-a', 'get-device-info')).toContain('Part number:')
  await bench.shell('-a', 'generate-symmetric-key', '-A', 'aes128', '-c', 'encrypt-ecb')
})
