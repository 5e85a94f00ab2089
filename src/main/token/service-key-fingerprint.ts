import { createHash } from 'node:crypto'
import { type Sha256Hex, sha256Hex } from '../../shared/ids.ts'

/** What is shown, compared aloud and logged of a service key: SHA-256 of its public half's 32 octets. */
export function serviceKeyFingerprint(publicKey: Uint8Array): Sha256Hex {
  return sha256Hex.parse(createHash('sha256').update(publicKey).digest('hex'))
}
