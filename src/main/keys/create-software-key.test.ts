import { spawnSync } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import type { Failure } from '../../shared/failure.ts'
import type { Fingerprint } from '../../shared/ids.ts'
import type { Result } from '../../shared/result.ts'
import { type AuditStation, auditStation } from '../audit/testing/audit-station.ts'
import { stderrLog } from '../log/logger.ts'
import { createTokenService } from '../token/service.ts'
import type { SoftwareKeyMaker, TokenService } from '../token/token-service.ts'
import { createSoftwareKey } from './create-software-key.ts'
import { createKeyRegistry } from './key-registry.ts'
import { fromNaclRecord, unsealPrivateKey } from './software/sealed-record.ts'
import { readServiceKeys } from './software/service-keys.ts'

const hostEntry = fileURLToPath(new URL('../token/host/index.ts', import.meta.url))
const operator = 'Custodian'
const codeOf = (result: Result<unknown, Failure>) => (result.ok ? 'ok' : result.error.code)

describe('making a software key', () => {
  let folder = ''
  let serviceKeys = ''
  let station: AuditStation
  let tokens: TokenService & SoftwareKeyMaker
  const log: string[] = []
  beforeEach(async () => {
    folder = tempFolder()
    serviceKeys = join(folder, 'service-keys')
    mkdirSync(serviceKeys, { mode: 0o700 })
    station = await auditStation(join(folder, 'station.db'))
    log.length = 0
    tokens = createTokenService({
      node: process.execPath,
      hostEntry,
      modules: [],
      serviceKeysFolder: serviceKeys,
      environment: {},
      log: stderrLog((line) => log.push(line)),
    })
  })
  afterEach(async () => {
    await tokens.reset()
    await station.close()
  })

  const ports = () => ({ db: station.db, audit: station.log, tokens, now: () => new Date() })
  const make = (description = 'Secure Boot test 2026') => createSoftwareKey(ports(), description, operator)
  const made = async (description?: string): Promise<Fingerprint> => {
    const result = await make(description)
    if (!result.ok) throw new Error(result.error.message)
    return result.value
  }
  const registry = () => createKeyRegistry({ ...ports(), opensSealed: (sealed) => tokens.opensSealed(sealed) })
  const rows = () => station.db.selectFrom('signing_key').selectAll().execute()
  const entries = async () =>
    (await station.db.selectFrom('audit_entry').select('entry').orderBy('seq').execute()).map(
      ({ entry }): Readonly<Record<string, unknown>> => JSON.parse(Buffer.from(entry).toString('utf8')), // our own log
    )
  const usable = async (print: Fingerprint) => {
    const key = await registry().find('uefi', print)
    return { usableNow: key?.usableNow, because: key?.unusableBecause }
  }

  test('gives a test key that is registered, with its first use on record before it', async () => {
    const print = await made()
    const [row] = await rows()
    const certificate = new X509Certificate(Buffer.from(row?.public_key ?? []))
    expect(certificate.subject).toBe('CN=Secure Boot test 2026')
    expect(certificate.fingerprint256.replaceAll(':', '')).toBe(print)
    expect(row).toMatchObject({
      purpose: 'uefi',
      production: 0,
      origin: 'software',
      algorithm: 'rsa-2048',
      token_serial: null,
    })
    const spkiSha256 = row?.spki_sha256
    expect(await entries()).toEqual([
      expect.objectContaining({ event: 'key-generated', description: 'Secure Boot test 2026', spkiSha256, operator }),
      expect.objectContaining({
        event: 'key-registered',
        fingerprint: print,
        origin: 'software',
        home: 'software',
        spkiSha256,
      }),
    ])
    expect(await registry().find('uefi', print)).toMatchObject({
      home: { kind: 'software' },
      production: false,
      origin: 'software',
      usableNow: true,
      unusableBecause: null,
    })
  })

  test('makes one service key, mode 0600, at the first key, and seals the next key to it as well', async () => {
    await made('First')
    await made('Second')
    const files = readdirSync(serviceKeys)
    expect(files).toEqual([expect.stringMatching(/^service-[0-9a-f]{8}\.key$/)])
    const stat = statSync(join(serviceKeys, files[0] ?? ''))
    expect({ size: stat.size, mode: stat.mode & 0o777 }).toEqual({ size: 32, mode: 0o600 })
    const records = (await rows()).map((row) => JSON.parse(row.private_key) as { public_key: string }) // ours
    expect(new Set(records.map((record) => record.public_key)).size).toBe(1)
  })

  test('leaves the private key nowhere but in the sealed record, which libsodium opens to the certificate’s key', async (ctx) => {
    await made()
    const [row] = await rows()
    const record = JSON.parse(row?.private_key ?? '') as { storage: 'nacl'; public_key: string; encrypted: string } // ours
    expect(Object.keys(record)).toEqual(['storage', 'public_key', 'encrypted'])
    const keys = readServiceKeys(serviceKeys)
    const serviceKey = keys.ok ? keys.value : []
    const opened = Buffer.from(unsealPrivateKey(fromNaclRecord(record), serviceKey) ?? [])
    const certificate = new X509Certificate(Buffer.from(row?.public_key ?? []))
    const privateKey = createPrivateKey(opened)
    expect(certificate.checkPrivateKey(privateKey)).toBe(true)

    // Every form in which it could have been written: its PEM, any line of that, its DER, and its secret numbers.
    await station.close()
    const secrets = [
      'PRIVATE KEY',
      ...opened
        .toString('latin1')
        .split('\n')
        .filter((line) => line.length === 64),
      privateKey.export({ type: 'pkcs8', format: 'der' }).toString('latin1'),
      ...['d', 'p', 'q'].map((name) =>
        Buffer.from(String(Reflect.get(privateKey.export({ format: 'jwk' }), name)), 'base64url').toString('latin1'),
      ),
    ]
    const written = [
      ...readdirSync(folder)
        .filter((name) => name.startsWith('station.db'))
        .map((name) => readFileSync(join(folder, name), 'latin1')),
      log.join('\n'),
    ]
    expect(written.join('').length).toBeGreaterThan(10_000)
    for (const secret of secrets) expect(written.some((text) => text.includes(secret))).toBe(false)
    station = await auditStation(join(folder, 'station.db'))

    const sodium = spawnSync('python3', ['-c', opener, Buffer.from(serviceKey[0]?.secretKey ?? []).toString('hex')], {
      input: Buffer.from(record.encrypted, 'base64').toString('hex'),
      encoding: 'utf8',
    })
    if (sodium.error !== undefined || sodium.status === 77) ctx.skip('python3 or libsodium.so.23 is not installed')
    expect({ status: sodium.status, same: sodium.stdout.trim() === opened.toString('hex') }).toEqual({
      status: 0,
      same: true,
    })
  })

  test('cannot be used while its service key is away, says so, and is usable again when it is back', async () => {
    const print = await made()
    const [file = ''] = readdirSync(serviceKeys)
    renameSync(join(serviceKeys, file), join(folder, file))
    expect(await usable(print)).toEqual({
      usableNow: false,
      because: expect.stringContaining(`which is not in ${serviceKeys}. Put that file back`),
    })
    // Another service key is not it.
    expect(codeOf(await tokens.ensureServiceKey())).toBe('ok')
    expect((await usable(print)).usableNow).toBe(false)
    renameSync(join(folder, file), join(serviceKeys, file))
    expect(await usable(print)).toEqual({ usableNow: true, because: null })
    chmodSync(join(serviceKeys, file), 0o640)
    expect((await usable(print)).usableNow).toBe(false)
  })

  test('is not begun where a service key is not safe: none is made beside it', async () => {
    writeFileSync(join(serviceKeys, 'a.key'), Buffer.alloc(32, 1), { mode: 0o644 })
    chmodSync(join(serviceKeys, 'a.key'), 0o644)
    expect(codeOf(await make())).toBe('service-key-unsafe')
    expect(readdirSync(serviceKeys)).toEqual(['a.key'])
    expect([await rows(), await entries()]).toEqual([[], []])
  })

  test('says that the service key could not be written', async () => {
    rmSync(serviceKeys, { recursive: true })
    expect(codeOf(await make())).toBe('service-key-unwritable')
    expect([await rows(), await entries()]).toEqual([[], []])
  })

  test('keeps nothing of a key whose use could not be put on record', async () => {
    const refusing = { ...ports(), audit: { ...station.log, append: () => Promise.reject(new Error('no log')) } }
    await expect(createSoftwareKey(refusing, 'Key', operator)).rejects.toThrow('no log')
    expect([await rows(), await entries()]).toEqual([[], []])
  })

  test.each(['x'.repeat(65), ' '])('refuses a description that is no common name: %j', async (description) => {
    expect(codeOf(await make(description))).toBe('description-unusable')
    expect(await rows()).toEqual([])
  })
})

// Opens standard input's box with libsodium itself.
const opener = `
import ctypes, sys
try: sodium = ctypes.CDLL('libsodium.so.23')
except OSError: sys.exit(77)
sodium.sodium_init()
key, box = bytes.fromhex(sys.argv[1]), bytes.fromhex(sys.stdin.read())
public = ctypes.create_string_buffer(32)
sodium.crypto_scalarmult_base(public, key)
out = ctypes.create_string_buffer(len(box) - 48)
if sodium.crypto_box_seal_open(out, box, ctypes.c_ulonglong(len(box)), public, key) != 0: sys.exit(1)
print(out.raw.hex())
`
