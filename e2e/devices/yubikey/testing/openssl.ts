import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Runs openssl over files with these contents; each `{name}` in the arguments is replaced by the path of the file. */
export async function openssl(
  args: readonly string[],
  files: Readonly<Record<string, Uint8Array | string>>,
): Promise<{ readonly ok: boolean; readonly said: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'station-openssl-'))
  try {
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
    const words = args.map((word) => word.replace(/^\{(\w+)\}$/, (_, name: string) => join(folder, name)))
    const { stdout, stderr } = await run('/usr/bin/openssl', words, { encoding: 'utf8' })
    return { ok: true, said: stdout + stderr }
  } catch (error) {
    return { ok: false, said: error instanceof Error ? error.message : String(error) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export type SignatureKind = 'pkcs1' | 'pss-sha256' | 'ecdsa' | 'ed25519'

/** Whether openssl takes the signature: over the SHA-256 digest `input`, or over the message itself for Ed25519. */
export async function opensslVerifies(
  kind: SignatureKind,
  spki: Uint8Array,
  input: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const options = {
    pkcs1: ['-pkeyopt', 'digest:sha256'],
    'pss-sha256': ['-pkeyopt', 'digest:sha256', '-pkeyopt', 'rsa_padding_mode:pss', '-pkeyopt', 'rsa_pss_saltlen:32'],
    ecdsa: [],
    ed25519: ['-rawin'],
  }[kind]
  const args = ['pkeyutl', '-verify', '-pubin', '-keyform', 'DER', '-inkey', '{spki}', '-in', '{input}']
  const done = await openssl([...args, '-sigfile', '{signature}', ...options], { spki, input, signature })
  return done.ok
}

/** Whether openssl builds the chain from the slot's certificate over F9's to the root (all DER). */
export async function opensslVerifiesChain(
  slot: Uint8Array,
  intermediate: Uint8Array,
  root: Uint8Array,
): Promise<{ readonly ok: boolean; readonly said: string }> {
  const args = ['verify', '-CAfile', '{root}', '-untrusted', '{intermediate}', '{slot}']
  return openssl(args, { slot: pem(slot), intermediate: pem(intermediate), root: pem(root) })
}

function pem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}
