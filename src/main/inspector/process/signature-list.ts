/** One entry of an EFI_SIGNATURE_LIST (UEFI 2.10 §32.4.1). */
export interface SignatureListEntry {
  readonly kind: 'x509' | 'other'
  readonly data: Uint8Array
  readonly offset: number
}

// EFI_CERT_X509_GUID, EFI_CERT_SHA256_GUID and EFI_CERT_X509_SHA256_GUID as they lie in memory.
const x509Guid = 'a159c0a5e494a74a87b5ab155c2bf072'
const knownGuids = new Set([x509Guid, '2616c4c14c509240aca941f936934328', '92a4d23bc0967940b420fcf98ef103ed'])

/** Whether bytes begin like a signature list; a bare certificate does not. */
export function isSignatureList(bytes: Uint8Array): boolean {
  return knownGuids.has(guid(bytes, 0))
}

/** Entries of the lists that fill `bytes`; null when they do not. */
export function readSignatureLists(bytes: Uint8Array): readonly SignatureListEntry[] | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const entries: SignatureListEntry[] = []
  let position = 0
  while (position < bytes.length) {
    if (position + 28 > bytes.length) return null
    const listSize = view.getUint32(position + 16, true)
    const headerSize = view.getUint32(position + 20, true)
    const entrySize = view.getUint32(position + 24, true)
    const end = position + listSize
    const first = position + 28 + headerSize
    if (listSize < 28 || end > bytes.length || first > end || entrySize <= 16 || (end - first) % entrySize !== 0)
      return null
    const kind = guid(bytes, position) === x509Guid ? 'x509' : 'other'
    for (let at = first; at < end; at += entrySize) {
      // Each entry begins with the GUID of its owner.
      entries.push({ kind, data: bytes.subarray(at + 16, at + entrySize), offset: at + 16 })
    }
    position = end
  }
  return entries
}

function guid(bytes: Uint8Array, offset: number): string {
  return Buffer.from(bytes.subarray(offset, offset + 16)).toString('hex')
}
