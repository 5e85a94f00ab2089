import { execFileSync } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { makeSoftToken, type SoftKeySpec, type SoftTokens } from '../../src/main/token/testing/soft-token.ts'
import type { StationFolders } from '../harness/station-process.ts'

export interface BenchKey {
  readonly ckaId: string
  /** SHA-256 of the certificate, upper-case hex. */
  readonly fingerprint: string
  readonly certificatePem: string
}

/** A soft token of the test's own, with keys that carry certificates. */
export interface TokenBench {
  readonly tokens: SoftTokens
  readonly pin: string
  readonly keys: readonly BenchKey[]
  /** Environment for the station: where SoftHSM's configuration is. */
  readonly env: Readonly<Record<string, string>>
}

export const benchPin = '648219'

export async function makeToken(options: {
  readonly folders: StationFolders
  readonly keys: readonly SoftKeySpec[]
  readonly pin?: string
}): Promise<TokenBench> {
  const { pin = benchPin } = options
  const directory = join(options.folders.base, 'token')
  const tokens = await makeSoftToken({ directory, tokens: [{ label: 'Workbench', pin, keys: options.keys }] })
  // The station runs as another user than root.
  if (process.getuid?.() === 0) execFileSync('/usr/bin/chown', ['-R', '20001:20001', directory])
  const keys = (tokens.tokens[0]?.keys ?? []).flatMap((key): BenchKey[] =>
    key.certificatePem === null
      ? []
      : [{ ckaId: key.ckaId, certificatePem: key.certificatePem, fingerprint: fingerprintOf(key.certificatePem) }],
  )
  return { tokens, pin, keys, env: { SOFTHSM2_CONF: tokens.configuration } }
}

export function fingerprintOf(certificatePem: string): string {
  return createHash('sha256').update(new X509Certificate(certificatePem).raw).digest('hex').toUpperCase()
}
