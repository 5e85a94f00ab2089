import type { KeyAlgorithm } from '../../shared/token.ts'
import type { SignatureRequest } from '../token/token-service.ts'

/** How a key of an algorithm signs a SHA-256 digest. Null: not at all; nothing is guessed. */
export function signatureScheme(algorithm: KeyAlgorithm): SignatureRequest['scheme'] | null {
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
