import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { sha256Hex } from '../../../shared/ids.ts'
import { sampleUpload } from '../../debian/testing/sample-upload.ts'
import { uploadDocumentFacts } from '../../debian/upload-document.ts'
import { signatureType } from '../../openpgp/signature.ts'
import { localCertificate, localSigner } from '../../openpgp/testing/local-signer.ts'
import { documentText } from './debsign-order.ts'
import { type UploadForm, UploadSigner } from './upload.signer.ts'

const folder = mkdtempSync(join(tmpdir(), 'upload-signer-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const signer = localSigner('ed25519')
const certificate = {
  der: await localCertificate(signer, 'Station <station@example.org>'),
  algorithm: 'ed25519' as const,
  openpgp: signer.key,
}
const files = sampleUpload()
const bytes = files.get('hello_1.0_amd64.changes') ?? Buffer.alloc(0)
const sha256 = (data: Uint8Array) => sha256Hex.parse(createHash('sha256').update(data).digest('hex'))
const form: UploadForm = {
  kind: 'upload',
  document: 'changes',
  fields: null,
  children: [],
  files: [...files].map(([name, content]) => ({ name, size: content.length, sha256: sha256(content) })),
  shown: uploadDocumentFacts(bytes, 'changes', { md5: '0'.repeat(32), sha1: '0'.repeat(40), sha256: sha256(bytes) }),
}

function prepare(change: Partial<UploadForm> = {}, shown: Uint8Array = bytes, there: Uint8Array = bytes) {
  const path = join(folder, 'x.changes')
  writeFileSync(path, there)
  const text = documentText(shown, 'changes', null)
  if (!text.ok) throw new Error(text.error.message)
  const file = { path, size: shown.length, sha256: sha256(shown), toBeSigned: sha256(text.value) }
  return { file, prepared: new UploadSigner().prepare(file, { ...form, ...change }, certificate, new Date()) }
}
const codeOf = (made: ReturnType<typeof prepare>) => (made.prepared.ok ? 'ok' : made.prepared.error.code)

describe('a document of an upload', () => {
  test('is prepared as it was shown, and its output is checked against it', async () => {
    const { file, prepared } = prepare()
    if (!prepared.ok) throw new Error(prepared.error.message)
    const signature = await signer.sign(prepared.value.request, signatureType.text)
    if (!signature.ok) throw new Error(signature.error.message)
    const output = prepared.value.assemble(signature.value)
    const uploads = new UploadSigner()
    expect(await uploads.verify(file, form, output, certificate)).toEqual({ ok: true, value: null })
    const changed = Buffer.from(Buffer.from(output).toString('latin1').replace('unstable', 'unstabel'), 'latin1')
    expect(await uploads.verify(file, form, changed, certificate)).toMatchObject({ error: { code: 'output-wrong' } })
    const otherChild = { ...form, children: [{ name: 'hello_1.0.dsc', size: 1, md5: 'a', sha1: 'b', sha256: 'c' }] }
    expect(await uploads.verify(file, otherChild, output, certificate)).toMatchObject({
      error: { code: 'output-wrong' },
    })
  })

  test('is refused where its lists name other files than were fetched, whatever the inspector said of it', () => {
    const lied = form.files.map((file) =>
      file.name.endsWith('_amd64.deb') ? { ...file, sha256: sha256(bytes) } : file,
    )
    const made = prepare({ files: lied })
    expect(made.prepared).toMatchObject({
      error: {
        code: 'text-unsafe',
        message: 'hello_1.0_amd64.deb is not the file that the .changes lists. Nothing was signed.',
      },
    })
    expect(codeOf(prepare({ files: form.files.filter(({ name }) => !name.endsWith('.tar.xz')) }))).toBe('text-unsafe')
  })

  test('is refused where the sheet shows other fields of it, fewer, or a value less', () => {
    const { shown } = form
    const others = shown.others ?? []
    const [first] = others
    if (first === undefined) throw new Error('no other fields')
    const { others: _, ...older } = shown
    for (const lied of [
      { ...shown, others: others.slice(1) },
      { ...shown, others: [{ ...first, value: ['another'] }, ...others.slice(1)] },
      { ...shown, others: [{ ...first, cutBytes: 1 }, ...others.slice(1)] },
      { ...shown, distribution: 'experimental' },
      { ...shown, closes: [] },
      older,
    ])
      expect(codeOf(prepare({ shown: lied }))).toBe('text-unsafe')
    // As it comes out of the database.
    expect(codeOf(prepare({ shown: JSON.parse(JSON.stringify(shown)) as typeof shown }))).toBe('ok')
  })

  test('is refused where it changed since it was shown', () => {
    expect(codeOf(prepare({}, bytes, Buffer.from(bytes.toString().replace('unstable', 'unstabel'))))).toBe(
      'input-changed',
    )
    expect(codeOf(prepare({}, bytes, bytes.subarray(1)))).toBe('input-changed')
    expect(codeOf(prepare({ fields: { user: 'u', workflow: null, workRequest: 'w' } }))).toBe('input-changed')
  })
})
