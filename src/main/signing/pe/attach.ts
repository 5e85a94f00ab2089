import { err, ok, type Result } from '../../../shared/result.ts'
import { type LayoutFault, layoutFault } from './layout-fault.ts'
import { maxHeaderBytes, readPeHeaders } from './pe-headers.ts'
import { layOut } from './pe-layout.ts'
import { readCertificateTable, winCertificateRevision, winCertificateTypePkcs } from './win-certificate.ts'

/**
 * Puts detached signatures into an image as `sbattach --attach` does: image padded to 8 bytes, one WIN_CERTIFICATE each, behind those that are
 * already there; directory entry 4 and CheckSum written. The image in memory is copied, not changed.
 */
export function attachSignatures(
  image: Uint8Array,
  signatures: readonly Uint8Array[],
): Result<Uint8Array, LayoutFault> {
  const headers = readPeHeaders(image.subarray(0, maxHeaderBytes), image.length)
  if (!headers.ok) return headers
  const layout = layOut(headers.value)
  const [fault] = layout.faults
  if (fault !== undefined) return err(fault)
  const { offset, size } = headers.value.certificateTable
  const existing = readCertificateTable(image.subarray(offset, offset + size))
  if (!existing.ok) return existing
  const start = size > 0 ? offset : roundUp(image.length)
  const entries = signatures.map(winCertificate)
  const tableSize = roundUp(size) + entries.reduce((sum, entry) => sum + entry.length, 0)
  if (start + tableSize >= 2 ** 32) return err(layoutFault('file-too-large'))
  const attached = new Uint8Array(start + tableSize)
  attached.set(image)
  let position = start + roundUp(size)
  for (const entry of entries) {
    attached.set(entry, position)
    position += entry.length
  }
  const view = new DataView(attached.buffer)
  view.setUint32(headers.value.certificateEntryOffset, start, true)
  view.setUint32(headers.value.certificateEntryOffset + 4, tableSize, true)
  view.setUint32(headers.value.checksumOffset, peChecksum(attached, headers.value.checksumOffset), true)
  return ok(attached)
}

/** WIN_CERTIFICATE (UEFI 2.10 §32.2.4), padded. dwLength leaves the padding out, as sbsign writes it. */
function winCertificate(signature: Uint8Array): Uint8Array {
  const entry = new Uint8Array(roundUp(8 + signature.length))
  const view = new DataView(entry.buffer)
  view.setUint32(0, 8 + signature.length, true)
  view.setUint16(4, winCertificateRevision, true)
  view.setUint16(6, winCertificateTypePkcs, true)
  entry.set(signature, 8)
  return entry
}

/** CheckSum of the optional header: 16-bit one's-complement sum with the field as zero, plus the length. Firmware ignores it. */
export function peChecksum(image: Uint8Array, checksumOffset: number): number {
  let sum = 0
  for (let index = 0; index < image.length; index += 2) {
    const inField = index >= checksumOffset && index < checksumOffset + 4
    if (!inField) sum += (image[index] ?? 0) | ((image[index + 1] ?? 0) << 8)
    sum = (sum & 0xffff) + (sum >>> 16)
  }
  return (sum + image.length) >>> 0
}

function roundUp(length: number): number {
  return Math.ceil(length / 8) * 8
}
