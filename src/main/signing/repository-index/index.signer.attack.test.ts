import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { sha256Hex } from '../../../shared/ids.ts'
import { concatBytes, packet } from '../../openpgp/packet.ts'
import { signatureType } from '../../openpgp/signature.ts'
import { localCertificate, localSigner } from '../../openpgp/testing/local-signer.ts'
import { type IndexForm, IndexSigner, type SignedPart } from './index.signer.ts'

// The packets of the further keys wait in the database, for days if a person is away: whoever writes to it chooses them.

const folder = mkdtempSync(join(tmpdir(), 'index-signer-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const index = new IndexSigner()
const release = Buffer.from('Origin: Example\nSuite: forky\nDate: Sat, 21 Nov 2026 00:00:00 UTC\n')
const keyOf = async (name: string) => {
  const signer = localSigner('ed25519')
  const certificate = { der: await localCertificate(signer, name), algorithm: 'ed25519' as const, openpgp: signer.key }
  return { signer, certificate }
}
type Key = Awaited<ReturnType<typeof keyOf>>
const [first, second, third] = await Promise.all(['first', 'second', 'third'].map(keyOf))
if (first === undefined || second === undefined || third === undefined) throw new Error('keys are missing')
const today = new Date('2026-11-21T00:10:00Z')

const spooled = (bytes: Buffer) => {
  const sha256 = sha256Hex.parse(createHash('sha256').update(bytes).digest('hex'))
  const path = join(folder, sha256)
  writeFileSync(path, bytes)
  return { path, size: bytes.length, sha256, toBeSigned: sha256 }
}

async function made(form: IndexForm, { signer, certificate }: Key, at: Date, bytes: Buffer): Promise<Uint8Array> {
  const prepared = await index.prepare(spooled(bytes), form, certificate, at)
  if (!prepared.ok) throw new Error(prepared.error.detail)
  const signature = await signer.sign(prepared.value.request, signatureType.text)
  if (!signature.ok) throw new Error(signature.error.message)
  return prepared.value.assemble(signature.value)
}
const modes = ['clear', 'detached'] as const
type Mode = (typeof modes)[number]
const partOf = async (mode: Mode, key: Key, bytes = release, at = today): Promise<SignedPart> => ({
  certificate: key.certificate,
  packet: await made({ kind: 'index', mode, several: { role: 'part' } }, key, at, bytes),
})
const whole = (mode: Mode, further: readonly SignedPart[]): IndexForm => ({
  kind: 'index',
  mode,
  several: { role: 'whole', further },
})
const prepared = async (mode: Mode, further: readonly SignedPart[], at = today) =>
  index.prepare(spooled(release), whole(mode, further), first.certificate, at)
const codeOf = async (outcome: ReturnType<typeof prepared>) => {
  const found = await outcome
  return found.ok ? 'ok' : found.error.code
}

describe.each(modes)('an index that several keys sign (%s)', (mode) => {
  test('holds what each has signed, in the order of the keys', async () => {
    const further = [await partOf(mode, second), await partOf(mode, third)]
    const output = await made(whole(mode, further), first, today, release)
    expect(await index.verify(spooled(release), whole(mode, further), output, first.certificate)).toEqual({
      ok: true,
      value: null,
    })
  })

  test('is not begun by the first key over a part that is no signature of its text by its key', async () => {
    const good = await partOf(mode, second)
    const other = await partOf(mode, second, Buffer.from('Suite: other\n'))
    expect(await codeOf(prepared(mode, [good]))).toBe('ok')
    expect(await codeOf(prepared(mode, [other]))).toBe('output-wrong')
    expect(await codeOf(prepared(mode, [{ ...good, certificate: third.certificate }]))).toBe('output-wrong')
    expect(await codeOf(prepared(mode, [{ ...good, packet: good.packet.subarray(0, -1) }]))).toBe('output-wrong')
    const crossed = [
      { ...good, certificate: third.certificate },
      { ...(await partOf(mode, third)), certificate: second.certificate },
    ]
    expect(await codeOf(prepared(mode, crossed))).toBe('output-wrong')
  })

  test.each<[string, (good: Uint8Array) => Uint8Array]>([
    ['the same once more', (good) => good],
    ['a packet that readers skip (marker)', () => packet(10, Buffer.from('PGP'))],
    ['a packet of padding', () => packet(21, Buffer.from('whatever somebody wants to publish'))],
    ['a private packet', () => packet(60, Buffer.from('whatever somebody wants to publish'))],
    ['a trust packet', () => packet(12, Buffer.from('whatever'))],
    ['a signature of a version that nobody knows', () => packet(2, Uint8Array.of(9, 1, 2, 3))],
  ])('is not begun over a part with something beside its signature: %s', async (_, more) => {
    const good = await partOf(mode, second)
    for (const smuggled of [concatBytes(good.packet, more(good.packet)), concatBytes(more(good.packet), good.packet)])
      expect(await codeOf(prepared(mode, [{ ...good, packet: smuggled }]))).toBe('output-wrong')
  })

  test('is completed though the clock was set back since a part was made', async () => {
    const further = [await partOf(mode, second, release, new Date(today.getTime() + 5000))]
    const output = await made(whole(mode, further), first, today, release)
    expect(await index.verify(spooled(release), whole(mode, further), output, first.certificate)).toEqual({
      ok: true,
      value: null,
    })
  })
})
