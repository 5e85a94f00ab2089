import { createPublicKey, type KeyObject } from 'node:crypto'
import type { KeyAlgorithm } from '../../shared/token.ts'

/** Which of the station's algorithms a SubjectPublicKeyInfo (DER) is for; `unsupported` for every other, and for one that cannot be read. */
export function publicKeyAlgorithm(spki: Uint8Array): KeyAlgorithm {
  let key: KeyObject
  try {
    key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  } catch {
    return 'unsupported'
  }
  const { asymmetricKeyType, asymmetricKeyDetails } = key
  if (asymmetricKeyType === 'ed25519') return 'ed25519'
  if (asymmetricKeyType === 'rsa') return rsaAlgorithms.get(asymmetricKeyDetails?.modulusLength ?? 0) ?? 'unsupported'
  if (asymmetricKeyType === 'ec') return curveAlgorithms.get(asymmetricKeyDetails?.namedCurve ?? '') ?? 'unsupported'
  return 'unsupported'
}

const rsaAlgorithms: ReadonlyMap<number, KeyAlgorithm> = new Map([
  [2048, 'rsa-2048'],
  [3072, 'rsa-3072'],
  [4096, 'rsa-4096'],
])
const curveAlgorithms: ReadonlyMap<string, KeyAlgorithm> = new Map([
  ['prime256v1', 'ec-p256'],
  ['secp384r1', 'ec-p384'],
])
