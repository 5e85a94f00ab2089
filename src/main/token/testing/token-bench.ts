import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sha256Hex } from '../../../shared/ids.ts'
import { Secret } from '../../../shared/secret.ts'
import { stderrLog } from '../../log/logger.ts'
import { createTokenService } from '../service.ts'
import type { TokenServiceOptions } from '../service-options.ts'
import type { KeyReference, SignatureRequest, TokenService } from '../token-service.ts'
import { makeSoftToken, type SoftToken, type SoftTokenSpec, type SoftTokens } from './soft-token.ts'

export const hostEntry = fileURLToPath(new URL('../host/index.ts', import.meta.url))

export function referenceTo(token: SoftToken, index: number): KeyReference {
  const key = token.keys[index]
  if (key === undefined) throw new Error(`the token has no key ${index}`)
  return {
    home: { kind: 'token', token: token.id, ckaId: key.ckaId, pkcs11Uri: '' },
    algorithm: key.algorithm,
    spkiSha256: sha256Hex.parse(key.spkiSha256),
    sealed: null,
  }
}

export function requestsFor(key: KeyReference, count: number): SignatureRequest[] {
  const scheme = key.algorithm.startsWith('rsa-') ? 'rsa-pkcs1-sha256' : 'ecdsa-sha256'
  return Array.from({ length: count }, () => ({ scheme, digest: randomBytes(32) }))
}

/** A folder with soft tokens of its own and services over them; `dispose` ends every process and removes the folder. */
export class TokenBench {
  readonly directory: string
  readonly soft: SoftTokens
  /** Everything that was logged, as the lines of the log. */
  readonly log: string[] = []
  readonly #services: TokenService[] = []

  private constructor(directory: string, soft: SoftTokens) {
    this.directory = directory
    this.soft = soft
  }

  static async make(tokens: readonly SoftTokenSpec[]): Promise<TokenBench> {
    const directory = mkdtempSync(join(tmpdir(), 'token-bench-'))
    return new TokenBench(directory, await makeSoftToken({ directory, tokens }))
  }

  service(options: Partial<TokenServiceOptions> = {}) {
    const { environment, ...rest } = options
    const service = createTokenService({
      node: process.execPath,
      hostEntry,
      modules: [this.soft.module],
      serviceKeysFolder: join(this.directory, 'service-keys'),
      log: stderrLog((line) => this.log.push(line)),
      ...rest,
      environment: { SOFTHSM2_CONF: this.soft.configuration, ...environment },
    })
    this.#services.push(service)
    return service
  }

  token(index = 0): SoftToken {
    const token = this.soft.tokens[index]
    if (token === undefined) throw new Error(`there is no token ${index}`)
    return token
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#services.map((service) => service.reset()))
    rmSync(this.directory, { recursive: true, force: true })
  }
}

/** Opens a session as an approval does. */
export function open(
  service: TokenService,
  key: KeyReference,
  pin: string | null,
  options: Partial<Parameters<TokenService['openSession']>[2]> = {},
) {
  const defaults = { useLastTry: false, signal: new AbortController().signal, onSignal: () => {} }
  return service.openSession(key, pin === null ? null : Secret.fromText(pin), { ...defaults, ...options })
}

/** Opens several keys as one approval does, each token with what was typed for it. */
export function openAll(
  service: TokenService,
  keys: readonly KeyReference[],
  typed: readonly (readonly [token: SoftToken, pin: string, useLastTry?: 'use-last-try'])[],
  options: Partial<Parameters<TokenService['openSessions']>[2]> = {},
) {
  const pins = typed.map(([{ id }, pin, last]) => ({
    token: id,
    pin: Secret.fromText(pin),
    useLastTry: last !== undefined,
  }))
  const defaults = { signal: new AbortController().signal, onSignal: () => {} }
  const opened = service.openSessions(keys, pins, { ...defaults, ...options })
  return { opened, pins }
}

/** `ok`, or the code of what went wrong. */
export function codeOf(result: { ok: true } | { ok: false; error: { code: string } } | undefined): string {
  return result === undefined ? 'nothing' : result.ok ? 'ok' : result.error.code
}

/** One signature to ask for. */
export function requestFor(key: KeyReference): SignatureRequest {
  const [request] = requestsFor(key, 1)
  if (request === undefined) throw new Error('no request')
  return request
}
