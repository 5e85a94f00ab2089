import { spawnSync } from 'node:child_process'
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Failure } from '../../../shared/failure.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { readCertificateFields } from '../../asn1/certificate-fields.ts'
import { silentLog } from '../../log/logger.ts'
import { createTokenService } from '../../token/service.ts'
import { type FirstUse, generateUefiKey } from './generate-uefi-key.ts'
import { unsealPrivateKey } from './sealed-record.ts'
import { generateServiceKey, readServiceKeys } from './service-keys.ts'

const hostEntry = fileURLToPath(new URL('../../token/host/index.ts', import.meta.url))
const now = new Date('2026-11-20T12:00:00.000Z')
const { signal } = new AbortController()

describe('a UEFI key in software', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'uefi-key-'))
    generateServiceKey(join(folder, '1.key'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const uses: FirstUse[] = []
  const recorded = async (use: FirstUse): Promise<Result<null, Failure>> => {
    uses.push(use)
    return ok(null)
  }
  const make = async (description: string, serviceKeysFolder = folder, beforeUse = recorded) => {
    const service = createTokenService({
      node: process.execPath,
      hostEntry,
      modules: [],
      serviceKeysFolder,
      environment: {},
      log: silentLog,
    })
    return generateUefiKey(service, { description, now, signal, beforeUse })
  }

  test('has a certificate like debusine’s, and its sealed record opens to the key of it', async () => {
    const made = await make('Kernel signing 2026 /=,')
    if (!made.ok) throw new Error(made.error.message)
    const { certificateDer, fingerprint, sealed, spkiSha256 } = made.value
    const certificate = new X509Certificate(certificateDer)
    expect({
      subject: certificate.subject,
      issuer: certificate.issuer,
      from: certificate.validFromDate.toISOString(),
      to: certificate.validToDate.toISOString(),
      ca: certificate.ca,
      bits: certificate.publicKey.asymmetricKeyDetails?.modulusLength,
      selfSigned: certificate.verify(certificate.publicKey),
      fingerprint: certificate.fingerprint256.replaceAll(':', ''),
    }).toEqual({
      subject: 'CN=Kernel signing 2026 /=\\,',
      issuer: 'CN=Kernel signing 2026 /=\\,',
      from: '2026-11-20T12:00:00.000Z',
      to: '2041-11-16T12:00:00.000Z',
      ca: true,
      bits: 2048,
      selfSigned: true,
      fingerprint,
    })
    const keys = readServiceKeys(folder)
    const opened = Buffer.from((keys.ok ? unsealPrivateKey(sealed, keys.value) : null) ?? [])
    expect(opened.toString().startsWith('-----BEGIN PRIVATE KEY-----\n')).toBe(true)
    const spki = certificate.publicKey.export({ type: 'spki', format: 'der' })
    expect(certificate.checkPrivateKey(createPrivateKey(opened))).toBe(true)
    expect(createHash('sha256').update(spki).digest('hex')).toBe(spkiSha256)
    // What was put on record is what the certificate's signature is over.
    const fields = readCertificateFields(certificateDer)
    const tbs = fields.ok ? fields.value.tbs : new Uint8Array()
    expect(uses.map(({ spkiSha256, digest }) => [spkiSha256, Buffer.from(digest).toString('hex')])).toEqual([
      [spkiSha256, createHash('sha256').update(tbs).digest('hex')],
    ])
  })

  test('is not used, and not handed out, when its use could not be put on record', async () => {
    const failure = { kind: 'unavailable', code: 'log-unwritable', message: 'The log cannot be written.' } as const
    expect(await make('Key', folder, async () => err(failure))).toEqual(err(failure))
  })

  test('has a certificate that openssl takes as its own issuer', async (ctx) => {
    const made = await make('Self')
    const path = join(folder, 'certificate.der')
    writeFileSync(path, made.ok ? made.value.certificateDer : '')
    const pem = spawnSync('openssl', ['x509', '-inform', 'DER', '-in', path], { encoding: 'utf8' })
    if (pem.error !== undefined) ctx.skip('openssl is not installed')
    const bundle = join(folder, 'certificate.pem')
    writeFileSync(bundle, pem.stdout)
    const checked = spawnSync(
      'openssl',
      ['verify', '-x509_strict', '-attime', String(now.getTime() / 1000 + 60), '-CAfile', bundle, bundle],
      { encoding: 'utf8' },
    )
    expect({ status: checked.status, text: checked.stdout + checked.stderr }).toEqual({
      status: 0,
      text: `${bundle}: OK\n`,
    })
  })

  test.each([
    ['', 'description-unusable'],
    ['x'.repeat(65), 'description-unusable'],
  ])('is not made for the description %j', async (description, code) => {
    expect(await make(description)).toMatchObject({ ok: false, error: { code } })
  })

  test('is not made without a service key', async () => {
    expect(await make('Key', join(folder, 'nowhere'))).toMatchObject({
      ok: false,
      error: { code: 'service-key-absent' },
    })
  })
})
