import { createPublicKey, timingSafeEqual } from 'node:crypto'
import { type SealedKey, sealPrivateKey, unsealPrivateKey } from '../../keys/software/sealed-record.ts'
import type { SealedContent } from '../protocol.ts'
import { logKeyOf } from './log-key.ts'
import { HostError } from './pkcs11-error.ts'
import { publicKeyOfSpki } from './public-key.ts'
import { privateKeyOf, withServiceKeys } from './software-session.ts'

/**
 * Seals what a record holds to another service key. Before the new record is handed out it was opened again, with the service keys
 * read from disk anew, and found to hold the same bytes and the same key: the old record is about to be replaced by it.
 */
export function reseal(
  folder: string,
  { sealed, holds, to }: { readonly sealed: SealedKey; readonly holds: SealedContent; readonly to: string },
): SealedKey {
  return opened(folder, sealed, (content) => {
    assertHolds(content, holds)
    const recipient = Buffer.from(to, 'base64')
    const known = withServiceKeys(folder, (keys) => keys.some((key) => recipient.equals(key.publicKey)))
    if (!known) throw new HostError('service-key-absent', 'the service key to seal to is not there')
    const anew = sealPrivateKey(content, recipient)
    opened(folder, anew, (again) => {
      if (again.length !== content.length || !timingSafeEqual(again, content))
        throw new HostError('key-mismatch', 'the record that was sealed anew does not hold what the old one holds')
      assertHolds(again, holds)
    })
    return anew
  })
}

/** Whether a record opens here and holds that key; throws what is wrong. */
export function checkSealed(folder: string, sealed: SealedKey, holds: SealedContent): null {
  opened(folder, sealed, (content) => assertHolds(content, holds))
  return null
}

function assertHolds(content: Uint8Array, holds: SealedContent): void {
  if (holds.kind === 'log-key') {
    logKeyOf(content, holds.publicKey)
    return
  }
  const spki = createPublicKey(privateKeyOf(content)).export({ type: 'spki', format: 'der' })
  if (publicKeyOfSpki(spki)?.spkiSha256 !== holds.spkiSha256)
    throw new HostError('key-mismatch', 'the sealed key is not the registered key')
}

/** The content of a record, zeroed when `use` returns. */
function opened<T>(folder: string, sealed: SealedKey, use: (content: Uint8Array) => T): T {
  const content = withServiceKeys(folder, (keys) => {
    if (!keys.some((key) => Buffer.from(sealed.publicKey, 'base64').equals(key.publicKey)))
      throw new HostError('service-key-absent', 'no service key of this station opens the sealed key')
    const plain = unsealPrivateKey(sealed, keys)
    if (plain === null) throw new HostError('sealed-damaged', 'its service key is here, and the record does not open')
    return plain
  })
  try {
    return use(content)
  } finally {
    content.fill(0)
  }
}
