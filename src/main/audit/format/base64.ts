/** RFC 4648 §4, with padding. */
export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

/** Null for anything but the one text that `encodeBase64` would write: Buffer takes other alphabets, blanks and stray bits too. */
export function decodeBase64(text: string): Uint8Array | null {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : null
}

/** A Merkle tree's hash on a line of its own. */
export function decodeHash(text: string): Uint8Array | null {
  const bytes = decodeBase64(text)
  return bytes?.length === 32 ? bytes : null
}
