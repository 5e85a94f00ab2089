import { X509Certificate } from 'node:crypto'
import { getCACertificates } from 'node:tls'
import { err, ok, type Result } from '../../shared/result.ts'
import { serverFailure } from './problem.ts'
import type { ServerFailure } from './server.ts'

/** Certificates that may vouch for the server. */
export interface Trust {
  readonly ca: readonly string[]
}

/**
 * Reads a PEM bundle of a private CA; with null the system's own list is taken. A bundle replaces the system's list unless
 * `alsoSystem`: whoever runs a private CA does not want every public one to be able to stand in for the server.
 */
export function readTrust(caPem: string | null, alsoSystem = false): Result<Trust, ServerFailure> {
  if (caPem === null) return ok({ ca: systemCertificates() })
  const blocks = caPem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  const unusable = (detail: string) =>
    err(
      serverFailure(
        'server-untrusted',
        "The CA file of the server cannot be read as PEM certificates. Choose the server's CA certificate again.",
        detail,
      ),
    )
  if (blocks.length === 0) return unusable('no certificate in the bundle')
  for (const block of blocks) {
    try {
      // oxlint-disable-next-line no-new -- the constructor is the check
      new X509Certificate(block)
    } catch (cause) {
      return unusable(cause instanceof Error ? cause.message : String(cause))
    }
  }
  return ok({ ca: alsoSystem ? [...blocks, ...systemCertificates()] : blocks })
}

/** The operating system's list; Node's own where the system has none. */
function systemCertificates(): readonly string[] {
  const system = getCACertificates('system')
  return system.length > 0 ? system : getCACertificates('bundled')
}

/** Errors of the handshake: OpenSSL's verification codes and Node's own for names and protocol. */
const handshake =
  /^(?:CERT_|ERR_TLS_|ERR_SSL_|EPROTO$|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH|PATH_LENGTH_|ERROR_IN_CERT|CRL_)/

/** What a broken connection was, told from Node's error once. */
export function connectionFailure(error: unknown, what: string): ServerFailure {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
  const detail = error instanceof Error ? `${code} ${error.message}`.trim() : String(error)
  if (handshake.test(code)) {
    const why =
      code === 'CERT_HAS_EXPIRED'
        ? 'its certificate has expired'
        : code === 'ERR_TLS_CERT_ALTNAME_INVALID'
          ? 'its certificate is for another name'
          : code === 'CERT_NOT_YET_VALID'
            ? 'its certificate is not valid yet'
            : 'its certificate is not vouched for by a CA that this station trusts'
    return serverFailure(
      'server-untrusted',
      `The server could not be trusted: ${why}. Nothing was sent to it; check its address, its CA and this machine's clock.`,
      detail,
    )
  }
  if (code.startsWith('HPE_')) {
    return serverFailure(
      'server-answer-invalid',
      `What answers at the server's address does not speak HTTP properly (to ${what}).`,
      detail,
    )
  }
  return serverFailure(
    'server-unreachable',
    `The server could not be reached to ${what}, or the connection broke. It can be tried again.`,
    detail,
  )
}
