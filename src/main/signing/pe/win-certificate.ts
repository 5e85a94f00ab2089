import { err, ok, type Result } from '../../../shared/result.ts'
import { type LayoutFault, layoutFault } from './layout-fault.ts'

/** A table larger than this is not read: the largest seen holds two signatures in 20 KiB. */
export const maxCertificateTableBytes = 1024 * 1024

export interface WinCertificate {
  readonly revision: number
  readonly type: number
  /** Behind the 8-byte header, up to dwLength. Signers differ in whether dwLength counts padding. */
  readonly data: Uint8Array
}

/** WIN_CERT_REVISION_2_0 and WIN_CERT_TYPE_PKCS_SIGNED_DATA (UEFI 2.10 §32.2.4). */
export const winCertificateRevision = 0x0200
export const winCertificateTypePkcs = 0x0002

/**
 * The entries of a certificate table: each begins at a multiple of 8, and together they fill it. Whoever adds a signature appends to this list,
 * so a list that does not end where its table ends is not added to.
 */
export function readCertificateTable(table: Uint8Array): Result<readonly WinCertificate[], LayoutFault> {
  const malformed = err(layoutFault('certificate-table-malformed'))
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength)
  const entries: WinCertificate[] = []
  let position = 0
  while (position < table.length) {
    if (position + 8 > table.length) return malformed
    const length = view.getUint32(position, true)
    if (length < 8 || position + length > table.length) return malformed
    entries.push({
      revision: view.getUint16(position + 4, true),
      type: view.getUint16(position + 6, true),
      data: table.subarray(position + 8, position + length),
    })
    position += Math.ceil(length / 8) * 8
  }
  // The last entry's padding may be left out by a signer that counts it nowhere; then the table's size says so.
  return ok(entries)
}
