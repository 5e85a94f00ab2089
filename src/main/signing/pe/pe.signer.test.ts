import { randomFillSync } from 'node:crypto'
import { appendFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { sha256Hex } from '../../../shared/ids.ts'
import { readSignedData } from '../../asn1/cms-signed-data.ts'
import { oid } from '../../asn1/oid.ts'
import { Digester } from '../../digest/digester.ts'
import { createSigner } from '../registry.ts'
import type { SpooledFile } from '../signer.ts'
import { localCertificate } from '../testing/local-certificate.ts'
import { generateLocalKey, type LocalKey } from '../testing/local-key.ts'
import { attachSignatures } from './attach.ts'
import { malformedImages } from './testing/malformed-images.ts'
import { buildPe } from './testing/pe-builder.ts'
import {
  acceptedByOsslsigncode,
  type Bench,
  isInstalled,
  makeBench,
  padded,
  run,
  signedDigest,
  type Tool,
  writeKey,
} from './testing/reference-tools.ts'
import { spool } from './testing/spooled.ts'

const bench: Bench = makeBench()
const digester = new Digester(new URL('../../digest/hash-worker.ts', import.meta.url))
afterAll(async () => {
  await digester.close()
  bench.remove()
})
const signer = createSigner(digester)
const at = new Date('2026-11-20T10:45:00Z')
const rsa = generateLocalKey('rsa-2048')
const rsaCertificate = localCertificate(rsa)
const small = buildPe({
  sections: [{ name: '.text', content: new Uint8Array(700).fill(1) }],
  trailing: new Uint8Array(5).fill(2),
})
const large = buildPe({
  sections: [{ name: '.text', content: randomFillSync(new Uint8Array(3_000_000)) }],
  trailing: new Uint8Array(3),
})

async function sign(file: SpooledFile, key: LocalKey, certificate = localCertificate(key)): Promise<Uint8Array> {
  const prepared = await signer.prepare(file, certificate, at)
  if (!prepared.ok) throw new Error(prepared.error.message)
  const output = prepared.value.assemble(key.sign(prepared.value.request))
  expect(await signer.verify(file, output, certificate)).toEqual({ ok: true, value: null })
  return output
}

describe('a UEFI signature', () => {
  for (const algorithm of ['rsa-2048', 'rsa-3072', 'rsa-4096', 'ec-p256', 'ec-p384'] as const) {
    for (const [kind, image] of [
      ['small', small],
      ['large', large],
    ] as const) {
      it(`of a ${kind} image with ${algorithm} is accepted by sbverify and pesign, and attached as sbattach does`, async (ctx) => {
        const tools: readonly Tool[] = ['sbverify', 'sbattach', 'pesign']
        const absent = tools.filter((tool) => !isInstalled(tool))
        if (absent.length > 0) ctx.skip(`not installed: ${absent.join(', ')}`)
        const key = generateLocalKey(algorithm)
        const certificate = localCertificate(key)
        const pem = writeKey(bench, algorithm, key, certificate.der).certificate
        const file = spool(bench, `${algorithm}.efi`, image)
        const signature = bench.write(`${algorithm}.sig`, await sign(file, key, certificate))
        expect(run('sbverify', ['--cert', pem, '--detached', signature, file.path])).toMatchObject({
          status: 0,
          stdout: 'Signature verification OK\n',
        })
        const attached = attachSignatures(image, [bench.read(`${algorithm}.sig`)])
        if (!attached.ok) throw new Error(attached.error.message)
        const ours = bench.write('attached.efi', attached.value)
        expect(run('sbverify', ['--cert', pem, ours]).status).toBe(0)
        expect(run('pesign', ['-S', '-i', ours]).stdout).toContain('Signing Station test key')
        expect(run('sbattach', ['--attach', signature, file.path]).status).toBe(0)
        expect(bench.read(`${algorithm}.efi`).equals(attached.value)).toBe(true)
      })

      it(`of a ${kind} image with ${algorithm} is accepted by osslsigncode`, async (ctx) => {
        if (!isInstalled('osslsigncode')) ctx.skip('not installed: osslsigncode')
        const key = generateLocalKey(algorithm)
        const certificate = localCertificate(key)
        const { certificate: pem } = writeKey(bench, algorithm, key, certificate.der)
        const attached = attachSignatures(image, [
          padded(await sign(spool(bench, 'judged.efi', image), key, certificate)),
        ])
        if (!attached.ok) throw new Error(attached.error.message)
        expect(acceptedByOsslsigncode(bench.write('judged.efi', attached.value), pem)).toBe(true)
      })
    }
  }

  it('with RSA is the same bytes for the same time, and its size is that of sbsign without S/MIME capabilities', async () => {
    const file = spool(bench, 'same.efi', small)
    const first = await sign(file, rsa, rsaCertificate)
    expect(Buffer.from(await sign(file, rsa, rsaCertificate)).equals(first)).toBe(true)
    expect(first.length - rsaCertificate.der.length).toBeGreaterThan(500)
  })

  it('carries contentType, signingTime and messageDigest, and nothing but the signer’s certificate', async () => {
    const read = readSignedData(await sign(spool(bench, 'attributes.efi', small), rsa, rsaCertificate))
    if (!read.ok) throw new Error(read.error.code)
    expect([...(read.value.signers[0]?.signedAttributes?.values.keys() ?? [])].toSorted()).toEqual(
      [oid.contentType, oid.messageDigest, oid.signingTime].toSorted(),
    )
    expect(read.value.certificates.map((der) => Buffer.from(der).equals(rsaCertificate.der))).toEqual([true])
  })

  it('of a signed image covers the same digest as of the unsigned one, and is attached behind the first', async (ctx) => {
    const first = await sign(spool(bench, 'first.efi', small), rsa, rsaCertificate)
    const once = attachSignatures(small, [first])
    if (!once.ok) throw new Error(once.error.message)
    const other = generateLocalKey('ec-p256')
    const otherCertificate = localCertificate(other, 'Second key', 2)
    const second = await sign(spool(bench, 'once.efi', once.value), other, otherCertificate)
    expect(signedDigest(second)).toBe(signedDigest(first))
    const twice = attachSignatures(once.value, [second])
    const together = attachSignatures(small, [first, second])
    expect(twice).toEqual(together)
    if (!twice.ok || !isInstalled('sbverify')) return ctx.skip('not installed: sbverify')
    const path = bench.write('twice.efi', twice.value)
    for (const [name, key, certificate] of [
      ['one', rsa, rsaCertificate],
      ['two', other, otherCertificate],
    ] as const) {
      expect(run('sbverify', ['--cert', writeKey(bench, name, key, certificate.der).certificate, path]).status).toBe(0)
    }
  })
})

describe('what is not signed', () => {
  const codeOf = async (file: SpooledFile, certificate = rsaCertificate) => {
    const prepared = await signer.prepare(file, certificate, at)
    return prepared.ok ? null : `${prepared.error.kind}/${prepared.error.code}`
  }

  it.each(malformedImages)('$name', async ({ image, faults }) => {
    const file = spool(bench, 'malformed.efi', image)
    const prepared = await signer.prepare(file, rsaCertificate, at)
    expect(prepared.ok ? null : [prepared.error.code, prepared.error.detail]).toEqual(['layout-unsafe', faults[0]])
  })

  it('an image with a certificate table that is not a list of entries', async () => {
    const bytes = new Uint8Array(64).fill(0xff)
    expect(await codeOf(spool(bench, 'table.efi', buildPe({ certificateTable: { bytes } })))).toBe(
      'invalid/layout-unsafe',
    )
    expect(attachSignatures(buildPe({ certificateTable: { bytes } }), [])).toMatchObject({
      ok: false,
      error: { code: 'certificate-table-malformed' },
    })
  })

  it('an image with a certificate table of more than 1 MiB', async () => {
    expect(
      await codeOf(
        spool(bench, 'table.efi', buildPe({ certificateTable: { bytes: new Uint8Array(1024 * 1024 + 8) } })),
      ),
    ).toBe('invalid/layout-unsafe')
  })

  for (const [kind, image] of [
    ['small', small],
    ['large', large],
  ] as const) {
    it(`a ${kind} file in which one byte changed after it was shown, hashed or not`, async () => {
      const optional = new DataView(image.buffer).getUint32(0x3c, true) + 24
      for (const position of [optional + 64, image.length - 1, 600]) {
        const file = spool(bench, 'changed.efi', image)
        const changed = image.slice()
        changed[position] = (changed[position] ?? 0) ^ 1
        writeFileSync(file.path, changed)
        expect(await codeOf(file)).toBe('invalid/input-changed')
      }
    })

    it(`a ${kind} file that became longer or shorter`, async () => {
      const file = spool(bench, 'length.efi', image)
      appendFileSync(file.path, 'x')
      expect(await codeOf(file)).toBe('invalid/input-changed')
      truncateSync(file.path, image.length - 1)
      expect(await codeOf(file)).toBe('invalid/input-changed')
    })

    it(`a ${kind} file whose sheet showed another digest to be signed`, async () => {
      expect(await codeOf({ ...spool(bench, 'digest.efi', image), toBeSigned: sha256Hex.parse('ab'.repeat(32)) })).toBe(
        'invalid/input-changed',
      )
    })

    it(`a ${kind} file that is gone, or is a link now`, async () => {
      const file = spool(bench, 'gone.efi', image)
      rmSync(file.path)
      expect(await codeOf(file)).toBe('unavailable/file-unreadable')
      symlinkSync(bench.write('target.efi', image), file.path)
      expect(await codeOf(file)).toBe('unavailable/file-unreadable')
      rmSync(file.path)
    })
  }

  it('anything with a key of a type that firmware does not know', async () => {
    expect(await codeOf(spool(bench, 'ed.efi', small), { der: rsaCertificate.der, algorithm: 'ed25519' })).toBe(
      'refused/algorithm-unsupported',
    )
  })
})

describe('a finished signature', () => {
  for (const [kind, image] of [
    ['small', small],
    ['large', large],
  ] as const) {
    it(`of a ${kind} file does not verify for a file that changed meanwhile`, async () => {
      const file = spool(bench, 'later.efi', image)
      const output = await sign(file, rsa, rsaCertificate)
      const changed = image.slice()
      changed[700] = (changed[700] ?? 0) ^ 1
      writeFileSync(file.path, changed)
      expect(await signer.verify(file, output, rsaCertificate)).toMatchObject({
        ok: false,
        error: { code: 'output-wrong' },
      })
    })
  }

  it('does not verify with another certificate of the same key', async () => {
    const file = spool(bench, 'other.efi', small)
    const output = await sign(file, rsa, rsaCertificate)
    const other = localCertificate(rsa, 'Another name', 9)
    expect(await signer.verify(file, output, other)).toMatchObject({
      ok: false,
      error: { code: 'output-wrong', kind: 'defect' },
    })
  })
})
