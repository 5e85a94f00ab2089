import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { signCleartext } from './cleartext.ts'
import { localCertificate, localSigner } from './testing/local-signer.ts'
import { verifyOwnCleartext } from './verify-own.ts'

const at = new Date('2026-03-04T05:06:07Z')
const folder = mkdtempSync(join(tmpdir(), 'pgp-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const texts: readonly (readonly [name: string, text: string])[] = [
  ['an ordinary text', 'Hello\nWorld\n'],
  ['no line end', 'Hello'],
  ['nothing', ''],
  ['one empty line', '\n'],
  ['blanks', 'a  \t\n\t \n  b\n'],
  ['CRLF', 'a\r\nb \r\n'],
  ['dashes and From', '-----BEGIN PGP SIGNED MESSAGE-----\n- - a\nFrom here\nfrom\n--\n'],
  ['empty lines at the end', 'a\n\n\n'],
  ['a byte order mark', '\ufeffa\nü\n'],
]

describe('a clear-signed text', () => {
  const signer = localSigner('ed25519')
  let certificate: Uint8Array
  const home = join(folder, 'gpg')
  const gpg = (...args: string[]) =>
    execFileSync('gpg', ['--homedir', home, '--batch', '--no-autostart', '--trust-model', 'always', ...args], {
      stdio: 'pipe',
    })
  beforeAll(async () => {
    certificate = await localCertificate(signer, 'Test <test@example.org>')
    execFileSync('mkdir', ['-m', '700', '-p', home])
    writeFileSync(join(folder, 'cert.pgp'), certificate)
    gpg('--import', join(folder, 'cert.pgp'))
  })

  it.each(texts)('is verified with %s', async (_name, text) => {
    const bytes = Buffer.from(text)
    const signed = await signCleartext(bytes, [signer], at)
    if (!signed.ok) throw new Error(signed.error.message)
    const expected = [{ certificate, signingFingerprint: signer.key.fingerprint }]
    expect(await verifyOwnCleartext(signed.value, bytes, expected, at)).toBeNull()
    writeFileSync(join(folder, 'out.asc'), signed.value)
    gpg('--verify', join(folder, 'out.asc'))
  })
})
