import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sha256Hex } from '../../../shared/ids.ts'
import { type SampleFiles, sampleUpload } from '../../debian/testing/sample-upload.ts'
import { readUpload } from '../../debian/upload.ts'
import { documentKindOf, uploadDocumentFacts } from '../../debian/upload-document.ts'
import { signCleartext } from '../../openpgp/cleartext.ts'
import { localCertificate, localSigner } from '../../openpgp/testing/local-signer.ts'
import { childrenOf, type DebsignDocument, debsignOrder, documentText, finalText } from './debsign-order.ts'
import { type SignedChild, signedChild } from './rewrite.ts'

const folder = mkdtempSync(join(tmpdir(), 'debsign-'))
const environment = { PATH: '/usr/bin:/bin', HOME: folder, GNUPGHOME: join(folder, 'gpg'), LC_ALL: 'C.UTF-8' }
const there = existsSync('/usr/bin/debsign')
let key = ''

beforeAll(() => {
  if (!there) return
  execFileSync('mkdir', ['-m', '700', environment.GNUPGHOME])
  const gpg = (...args: string[]) =>
    execFileSync('gpg', ['--batch', '--quiet', ...args], { env: environment, encoding: 'utf8' })
  gpg('--passphrase', '', '--quick-generate-key', 'Test <test@example.org>', 'ed25519', 'sign', '0')
  key = /^fpr:+([0-9A-F]{40}):/m.exec(gpg('--with-colons', '--list-secret-keys'))?.[1] ?? ''
})
afterAll(() => {
  if (there) spawnSync('gpgconf', ['--kill', 'all'], { env: environment })
  rmSync(folder, { recursive: true, force: true })
})

function lay(files: SampleFiles): string {
  const place = mkdtempSync(join(folder, 'upload-'))
  for (const [name, bytes] of files) writeFileSync(join(place, name), bytes)
  return place
}
function nameOf(files: SampleFiles, kind: DebsignDocument): string {
  const name = [...files.keys()].find((each) => documentKindOf(each) === kind)
  if (name === undefined) throw new Error(`no .${kind}`)
  return name
}
function run(command: string, ...args: string[]) {
  return spawnSync(command, args, { env: environment, encoding: 'utf8', cwd: folder })
}
function textOf(bytes: Uint8Array, kind: DebsignDocument): Uint8Array {
  const text = documentText(bytes, kind, null)
  if (!text.ok) throw new Error(text.error.message)
  return text.value
}

/** Our text of each document, with the children as debsign's own run has signed them. */
function ourTexts(files: SampleFiles, place: string): Readonly<Record<string, string>> {
  const made: Record<string, string> = {}
  for (const kind of debsignOrder) {
    const children = childrenOf[kind].map((child) => {
      const name = nameOf(files, child)
      return signedChild(name, readFileSync(join(place, name)))
    })
    const text = finalText(textOf(files.get(nameOf(files, kind)) ?? Buffer.alloc(0), kind), children)
    made[kind] = text.ok ? Buffer.from(text.value).toString() : text.error.message
  }
  return made
}

/** What stands between debsign's head and its signature. */
function signedText(file: string): string {
  const [, text] =
    /^-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA\d+\n\n(.*?)-----BEGIN PGP SIGNATURE-----\n/s.exec(file) ?? []
  return text ?? 'no clear-signed text'
}

describe.skipIf(!there)('an upload is signed as debsign (devscripts) signs it', () => {
  test.each([
    ['a source and binary upload', sampleUpload()],
    ['a version with an epoch and a name with a plus', sampleUpload('2.0+dfsg~rc1', 'libhello++')],
    ['a text that names its own files', sampleUpload('1.0', 'hello', '   * hello_1.0.dsc\n  hello_1.0.dsc')],
  ])('%s: every document is the same text', (_, files) => {
    const place = lay(files)
    const ran = run('debsign', `-k${key}`, '--re-sign', join(place, nameOf(files, 'changes')))
    expect(ran.stderr + ran.stdout).toContain('Successfully signed dsc, buildinfo, changes files')
    const ours = ourTexts(files, place)
    for (const kind of debsignOrder)
      expect(ours[kind]).toBe(signedText(readFileSync(join(place, nameOf(files, kind)), 'utf8')))
    // What is signed already is signed anew, from the same text.
    const again: SampleFiles = new Map([...files.keys()].map((name) => [name, readFileSync(join(place, name))]))
    const resigned = run('debsign', `-k${key}`, '--re-sign', join(place, nameOf(files, 'changes')))
    expect(resigned.status).toBe(0)
    expect(ourTexts(again, place)).toEqual(
      Object.fromEntries(
        debsignOrder.map((kind) => [kind, signedText(readFileSync(join(place, nameOf(files, kind)), 'utf8'))]),
      ),
    )
  })

  test('dscverify accepts what our signatures make of it, and every list matches', async () => {
    const files = sampleUpload()
    const signer = localSigner('rsa-2048')
    const keyring = join(folder, 'ours.pgp')
    writeFileSync(keyring, await localCertificate(signer, 'Station <station@example.org>'))
    const signed = new Map<DebsignDocument, SignedChild>()
    for (const kind of debsignOrder) {
      const name = nameOf(files, kind)
      const children = childrenOf[kind].flatMap((child) => signed.get(child) ?? [])
      const text = finalText(textOf(files.get(name) ?? Buffer.alloc(0), kind), children)
      if (!text.ok) throw new Error(text.error.message)
      const output = await signCleartext(text.value, [signer], new Date())
      if (!output.ok) throw new Error(output.error.message)
      signed.set(kind, signedChild(name, output.value))
      files.set(name, Buffer.from(output.value))
    }
    const ran = run(
      'dscverify',
      '--no-default-keyrings',
      '--keyring',
      keyring,
      join(lay(files), nameOf(files, 'changes')),
    )
    expect(ran.stdout + ran.stderr).toContain('All files validated successfully.')
    expect(ran.status).toBe(0)
    const digests = (bytes: Uint8Array) => ({
      ...signedChild('', bytes),
      sha256: sha256Hex.parse(signedChild('', bytes).sha256),
    })
    const reading = readUpload(
      [...files].map(([path, bytes]) => {
        const { md5, sha1, sha256, size } = digests(bytes)
        const kind = documentKindOf(path)
        const facts =
          kind === null
            ? ({ kind: 'payload', what: 'data', digests: { md5, sha1, sha256 } } as const)
            : uploadDocumentFacts(bytes, kind, { md5, sha1, sha256 })
        return { path, size, sha256, facts }
      }),
    )
    expect(reading.findings).toEqual([])
  })
})
