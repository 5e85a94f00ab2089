import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Runs openssl over files that are gone afterwards; `{name}` in an argument is the path of the file of that name. */
export function openssl(args: readonly string[], files: Readonly<Record<string, Uint8Array | string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'openssl-'))
  try {
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes)
    const resolved = args.map((argument) => argument.replaceAll(/\{(\w+)\}/g, (_, name: string) => join(folder, name)))
    const done = spawnSync('openssl', resolved, { encoding: 'buffer' })
    if (done.error !== undefined) throw done.error
    return {
      status: done.status,
      stdout: done.stdout,
      text: `${done.stdout.toString()}${done.stderr.toString()}`.replaceAll(folder, ''),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export type Scheme =
  | { readonly kind: 'pkcs1' | 'ecdsa'; readonly hash: string }
  | { readonly kind: 'pss'; readonly hash: string; readonly mgf1: string; readonly saltBytes: number }
  | { readonly kind: 'raw' }

/** Whether openssl takes the signature for one of that key over the message; ECDSA as ECDSA-Sig-Value. */
export function opensslVerifies(
  publicKeyPem: string,
  scheme: Scheme,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const files = { key: publicKeyPem, message, signature }
  if (scheme.kind === 'raw') {
    const args = 'pkeyutl -verify -pubin -inkey {key} -rawin -in {message} -sigfile {signature}'
    return openssl(args.split(' '), files).status === 0
  }
  const pss =
    scheme.kind === 'pss'
      ? ['rsa_padding_mode:pss', `rsa_pss_saltlen:${scheme.saltBytes}`, `rsa_mgf1_md:${scheme.mgf1}`].flatMap(
          (option) => ['-sigopt', option],
        )
      : []
  const args = `dgst -${scheme.hash} -verify {key} -signature {signature}`.split(' ')
  return openssl([...args, ...pss, '{message}'], files).status === 0
}
