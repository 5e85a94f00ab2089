import { X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Finished, ReaderRoom, whyNoReader } from '../reader.ts'
import { testAuthority } from './attestation.ts'
import { spkiOf } from './card-key.ts'
import { sharedKey } from './testing/card-talk.ts'
import { certificateFor, withKeys } from './testing/given-key.ts'
import { opensslVerifies, opensslVerifiesChain } from './testing/openssl.ts'
import { installedYkcs11 } from './testing/vendor-modules.ts'
import { factoryCards } from './testing/ykcs11-bench.ts'
import { VirtualYubiKey } from './virtual-yubikey.ts'

// The vendor's command-line tools and pkcs11-tool, as an operator uses them.

const pivTool = '/usr/bin/yubico-piv-tool'
const ykman = '/usr/bin/ykman'
const pkcs11Tool = '/usr/bin/pkcs11-tool'
const needed = { [pivTool]: 'yubico-piv-tool', [ykman]: 'yubikey-manager', [pkcs11Tool]: 'opensc' }
const missing = Object.entries(needed).find(([path]) => !existsSync(path))
const why = whyNoReader() ?? (missing === undefined ? null : `the Debian package ${missing[1]} is not installed`)

let room: ReaderRoom | null = null
let folder = ''
const key = new VirtualYubiKey({ made: factoryCards['5.4.3'], generate: sharedKey })

beforeAll(async () => {
  if (why !== null) return
  folder = await mkdtemp(join(tmpdir(), 'station-tools-'))
  room = await ReaderRoom.open()
  await room.plug(key, 0)
})
beforeEach((context) => {
  if (why !== null) context.skip(why)
  key.card = factoryCards['5.4.3']
})
afterAll(async () => {
  await room?.close()
  if (folder !== '') await rm(folder, { recursive: true, force: true })
})

async function run(program: string, args: readonly string[], input = ''): Promise<Finished> {
  if (room === null) throw new Error('this test should have been skipped')
  return room.run(program, args, { input, cwd: folder, env: { HOME: folder, LC_ALL: 'C.UTF-8' } })
}

/** What a tool that succeeded said. */
async function must(program: string, ...args: readonly string[]): Promise<string> {
  const done = await run(program, args)
  if (done.code !== 0) throw new Error(`${program} ${args.join(' ')}: ${done.stdout}${done.stderr}`)
  return done.stdout + done.stderr
}

const piv = (...args: readonly string[]) => must(pivTool, ...args)
const yk = (...args: readonly string[]) => must(ykman, '--reader', 'Yubico YubiKey OTP+FIDO+CCID 00 00', ...args)
const file = (name: string) => readFile(join(folder, name))
const factoryManagementKey = '010203040506070801020304050607080102030405060708'
const newManagementKey = '0102030405060708090a0b0c0d0e0f101112131415161718'

async function attested(slot: string): Promise<Uint8Array> {
  return new X509Certificate(await file(slot)).raw
}

describe('yubico-piv-tool', () => {
  it('generates a key, attests it, and stores a certificate that it reads back', async () => {
    await piv(
      '-a',
      'generate',
      '-s',
      '9c',
      '-A',
      'RSA2048',
      '--pin-policy',
      'once',
      '--touch-policy',
      'cached',
      '-o',
      'pub',
    )
    expect(key.card.chip.keys.get(0x9c)).toMatchObject({
      pinPolicy: 'once',
      touchPolicy: 'cached',
      origin: 'generated',
    })
    await piv('-a', 'attest', '-s', '9c', '-o', 'slot')
    await piv('-a', 'read-certificate', '-s', 'f9', '-o', 'device')
    const root = testAuthority().certificate
    expect(await opensslVerifiesChain(await attested('slot'), await attested('device'), root)).toMatchObject({
      ok: true,
    })

    const certificate = new X509Certificate(certificateFor(spkiOf(sharedKey('rsa-2048')), 'mine')).toString()
    await writeFile(join(folder, 'in.pem'), certificate)
    await piv('-a', 'import-certificate', '-s', '9c', '-i', 'in.pem')
    expect(await piv('-a', 'read-certificate', '-s', '9c')).toContain(certificate.trim())
    expect(await piv('-a', 'status')).toMatch(/Slot 9c:\s+Algorithm:\s+RSA2048\s+Subject DN:\s+CN=mine/)
    await piv('-a', 'delete-certificate', '-s', '9c')
    expect(key.card.chip.objects.has('5fc10a')).toBe(false)
  })

  it('signs with it, and openssl takes the signature', async () => {
    key.card = withKeys(key.card, [{ slot: 0x9a, algorithm: 'ec-p256' }])
    await writeFile(join(folder, 'message'), 'a message')
    await piv(
      '-a',
      'verify-pin',
      '-P',
      '123456',
      '--sign',
      '-s',
      '9a',
      '-A',
      'ECCP256',
      '-H',
      'SHA256',
      '-i',
      'message',
      '-o',
      'signature',
    )
    const digest = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from('a message')))
    expect(await opensslVerifies('ecdsa', spkiOf(sharedKey('ec-p256')), digest, await file('signature'))).toBe(true)
  })

  it('imports keys', async () => {
    for (const [slot, algorithm, name] of [
      ['9d', 'rsa-2048', 'RSA2048'],
      ['82', 'ec-p384', 'ECCP384'],
    ] as const) {
      await writeFile(join(folder, 'key.pem'), sharedKey(algorithm).privateKey.export({ type: 'pkcs8', format: 'pem' }))
      await piv('-a', 'import-key', '-s', slot, '-A', name, '-i', 'key.pem')
      const stored = key.card.chip.keys.get(Number.parseInt(slot, 16))
      expect([stored?.origin, stored?.publicKey.equals(sharedKey(algorithm).publicKey)]).toEqual(['imported', true])
    }
  })

  it('changes PIN, PUK and management key, and the numbers of tries', async () => {
    await piv('-a', 'change-pin', '-P', '123456', '-N', '654321')
    await piv('-a', 'change-puk', '-P', '12345678', '-N', '87654321')
    await piv('-a', 'verify-pin', '-P', '654321')
    expect((await run(pivTool, ['-a', 'verify-pin', '-P', '123456'])).stderr).toContain('2 tries left')
    await piv('-a', 'unblock-pin', '-P', '87654321', '-N', '222222')
    await piv('-a', 'set-mgm-key', '-n', newManagementKey)
    expect((await run(pivTool, ['-a', 'generate', '-s', '9a', '-A', 'ECCP256'])).code).not.toBe(0)
    const retries = [
      '-a',
      'verify-pin',
      '-P',
      '222222',
      '-a',
      'pin-retries',
      '--pin-retries',
      '5',
      '--puk-retries',
      '7',
    ]
    await piv(`--key=${newManagementKey}`, ...retries)
    const { pin, puk } = key.card.chip
    expect([pin.left, puk.left]).toEqual([5, 7])
  })

  it('resets a key whose PIN and PUK are blocked', async () => {
    key.card = withKeys(key.card, [{ slot: 0x9a, algorithm: 'ec-p256' }])
    expect((await run(pivTool, ['-a', 'reset'])).code).not.toBe(0)
    for (let index = 0; index < 4; index++) {
      await run(pivTool, ['-a', 'verify-pin', '-P', '000000'])
      await run(pivTool, ['-a', 'unblock-pin', '-P', '00000000', '-N', '111111'])
    }
    await piv('-a', 'reset')
    expect(key.card.chip).toEqual(factoryCards['5.4.3'].chip)
  })
})

describe('ykman', () => {
  it('shows what the key is', async () => {
    expect(await yk('info')).toMatch(/YubiKey 5A[\s\S]*20000054[\s\S]*5\.4\.3[\s\S]*PIV\s+Enabled/)
    key.card = withKeys(key.card, [{ slot: 0x9a, algorithm: 'ec-p256', commonName: 'nine a' }])
    expect(await yk('piv', 'info')).toMatch(
      /tries remaining:\s+3\/3[\s\S]*TDES[\s\S]*Slot 9a:[\s\S]*ECCP256[\s\S]*CN=nine a/,
    )
  })

  it('generates, certifies with the key itself, and attests', async () => {
    const policies = ['--pin-policy', 'once', '--touch-policy', 'always']
    await yk('piv', 'keys', 'generate', '-a', 'ECCP256', ...policies, '-m', factoryManagementKey, '9a', 'pub.pem')
    await yk(
      'piv',
      'certificates',
      'generate',
      '-s',
      'self',
      '-P',
      '123456',
      '-m',
      factoryManagementKey,
      '9a',
      'pub.pem',
    )
    await yk('piv', 'certificates', 'export', '9a', 'cert.pem')
    const certificate = new X509Certificate(await file('cert.pem'))
    expect([certificate.subject, certificate.verify(certificate.publicKey)]).toEqual(['CN=self', true])
    await yk('piv', 'keys', 'attest', '9a', 'slot')
    await yk('piv', 'certificates', 'export', 'f9', 'device')
    const root = testAuthority().certificate
    expect(await opensslVerifiesChain(await attested('slot'), await attested('device'), root)).toMatchObject({
      ok: true,
    })
  })

  it('imports an RSA key with an extended command, and writes and reads an object', async () => {
    await writeFile(join(folder, 'key.pem'), sharedKey('rsa-2048').privateKey.export({ type: 'pkcs8', format: 'pem' }))
    await yk('piv', 'keys', 'import', '-m', factoryManagementKey, '9c', 'key.pem')
    expect(key.card.chip.keys.get(0x9c)?.publicKey.equals(sharedKey('rsa-2048').publicKey)).toBe(true)
    const content = Buffer.alloc(2000, 'o')
    await writeFile(join(folder, 'object'), content)
    await yk('piv', 'objects', 'import', '-m', factoryManagementKey, '0x5f0001', 'object')
    await yk('piv', 'objects', 'export', '0x5f0001', 'exported')
    expect((await file('exported')).equals(content)).toBe(true)
  })

  it('changes PIN and management key, the latter to AES with touch', async () => {
    await yk('piv', 'access', 'change-pin', '-P', '123456', '-n', '654321')
    await yk('piv', 'access', 'unblock-pin', '-p', '12345678', '-n', '222222')
    const args = ['-a', 'AES192', '-t', '-m', factoryManagementKey, '-n', newManagementKey]
    await yk('piv', 'access', 'change-management-key', '-f', ...args)
    expect(key.card.chip.management).toMatchObject({ algorithm: 'aes-192', touch: 'always' })
    await yk('piv', 'access', 'set-retries', '-f', '-m', newManagementKey, '-P', '222222', '4', '5')
    expect(key.card.chip.pin).toMatchObject({ left: 4, total: 4 })
  })

  it('resets', async () => {
    key.card = withKeys(key.card, [{ slot: 0x9a, algorithm: 'ec-p256' }])
    await yk('piv', 'reset', '-f')
    expect(key.card.chip).toEqual(factoryCards['5.4.3'].chip)
  })
})

describe('pkcs11-tool', () => {
  it('signs with the first key that it finds when it is given a label, and with the right one when given an id', async (context) => {
    const module = installedYkcs11()
    if (module === null) return context.skip('the Debian package ykcs11 is not installed')
    key.card = withKeys(key.card, [
      { slot: 0x9a, algorithm: 'ec-p256' },
      { slot: 0x82, algorithm: 'ec-p384' },
    ])
    const digest = Buffer.alloc(32, 5)
    await writeFile(join(folder, 'digest'), digest)
    const sign = (...which: readonly string[]) =>
      must(
        pkcs11Tool,
        '--module',
        module.path,
        '--login',
        '--pin',
        '123456',
        '--sign',
        '--mechanism',
        'ECDSA',
        '--signature-format',
        'openssl',
        ...which,
        '-i',
        'digest',
        '-o',
        'signature',
      )
    const signedBy = async (algorithm: 'ec-p256' | 'ec-p384') =>
      opensslVerifies('ecdsa', spkiOf(sharedKey(algorithm)), digest, await file('signature'))
    await sign('--id', '05')
    expect([await signedBy('ec-p256'), await signedBy('ec-p384')]).toEqual([false, true])
    await sign('--label', 'Private key for Retired Key 1')
    expect([await signedBy('ec-p256'), await signedBy('ec-p384')]).toEqual([true, false])
  })
})
