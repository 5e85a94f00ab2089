import type { KeyAlgorithm } from '../../shared/token.ts'
import type { X509Scheme } from '../token/token-service.ts'

/** How a key of an algorithm signs a SHA-256 digest for formats of X.509 and CMS. Null: not at all; nothing is guessed. */
export function signatureScheme(algorithm: KeyAlgorithm): X509Scheme | null {
  switch (algorithm) {
    case 'rsa-2048':
    case 'rsa-3072':
    case 'rsa-4096':
      return 'rsa-pkcs1-sha256'
    case 'ec-p256':
    case 'ec-p384':
      return 'ecdsa-sha256'
    case 'ed25519':
    case 'unsupported':
      return null
  }
}
