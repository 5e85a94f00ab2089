import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { KeyAlgorithm, TokenId } from '../../../shared/token.ts'

export type SoftKeySpec = {
  readonly algorithm: Exclude<KeyAlgorithm, 'unsupported'>
  /** CKA_ID in hex; 01, 02, … if left out. */
  readonly ckaId?: string
  /** Common name of a self-signed certificate, signed by this very key in the token. Left out: no certificate. */
  readonly commonName?: string
  /** Imports a key with CKA_ALWAYS_AUTHENTICATE: the PIN is wanted for each signature. RSA only. */
  readonly alwaysAuthenticate?: boolean
  /** Imports the key twice under the same id. RSA only. */
  readonly twice?: boolean
}
export type SoftTokenSpec = { readonly label: string; readonly pin: string; readonly keys: readonly SoftKeySpec[] }

export type SoftKey = {
  readonly ckaId: string
  readonly algorithm: KeyAlgorithm
  readonly spkiBase64: string
  readonly spkiSha256: string
  readonly certificatePath: string | null
  readonly certificatePem: string | null
  /** As debusine names a UEFI key. */
  readonly fingerprint: string | null
}
export type SoftToken = {
  readonly label: string
  readonly pin: string
  readonly id: TokenId
  readonly keys: readonly SoftKey[]
}
export type SoftTokens = {
  readonly module: string
  /** Value of SOFTHSM2_CONF. */
  readonly configuration: string
  readonly tokenFolder: string
  readonly tokens: readonly SoftToken[]
}

/** Where Debian (amd64, arm64) and Fedora install SoftHSM's module; null where there is none. */
export function softHsmModule(): string | null {
  const places = [
    '/usr/lib/softhsm/libsofthsm2.so',
    '/usr/lib64/pkcs11/libsofthsm2.so',
    '/usr/lib/pkcs11/libsofthsm2.so',
  ]
  return places.find((path) => existsSync(path)) ?? null
}

/**
 * Makes SoftHSM tokens in a folder of their own, with keys that are generated in them and certificates that these keys sign.
 * SoftHSM is loaded in a process of its own: one Cryptoki state per process, and the configuration comes from the environment.
 */
export async function makeSoftToken(options: {
  readonly directory: string
  readonly tokens: readonly SoftTokenSpec[]
}): Promise<SoftTokens> {
  const module = softHsmModule()
  if (module === null) throw new Error('SoftHSM is not installed (apt-get install softhsm2)')
  const tokenFolder = join(options.directory, 'tokens')
  const configuration = join(options.directory, 'softhsm2.conf')
  await mkdir(tokenFolder, { recursive: true, mode: 0o700 })
  await writeFile(
    configuration,
    [
      `directories.tokendir = ${tokenFolder}`,
      'objectstore.backend = file',
      'log.level = ERROR',
      'slots.removable = false',
      '',
    ].join('\n'),
    { mode: 0o600 },
  )
  const script = fileURLToPath(new URL('./make-soft-token.ts', import.meta.url))
  const input = JSON.stringify({ module, directory: options.directory, tokens: options.tokens })
  const tokens = await run(process.execPath, [script], { SOFTHSM2_CONF: configuration }, input)
  // Written by our own script, on the other side of this file.
  return { module, configuration, tokenFolder, tokens: JSON.parse(tokens) as SoftToken[] }
}

function run(command: string, args: readonly string[], env: Record<string, string>, input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'pipe'] })
    const out: Buffer[] = []
    const errors: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(out).toString('utf8'))
      else reject(new Error(`making a soft token failed: ${Buffer.concat(errors).toString('utf8')}`))
    })
    child.stdin.end(input)
  })
}
