import type { EmbeddedCertificate } from '../../../shared/input-facts.ts'
import { readCertificate } from '../../pki/x509.ts'
import { type Image, sectionPart, sectionsNamed } from './image.ts'
import { isSignatureList, readSignatureLists, type SignatureListEntry } from './signature-list.ts'

const maxTable = 4 * 1024 * 1024
const maxCertificates = 64

export interface VendorCertificates {
  readonly certificates: readonly EmbeddedCertificate[]
  /** Size of the list of images and certificates that shim refuses. Null: no `.vendor_cert`. */
  readonly dbxBytes: number | null
  readonly incomplete: readonly string[]
}

/**
 * `.vendor_cert` of shim (cert.S): sizes of the authorized and the deauthorized part, then their offsets, u32 each and relative to the section. The
 * authorized part is one DER certificate or a list (VENDOR_DB).
 */
export function readVendorCertificates(image: Image): VendorCertificates {
  const [section, ...more] = sectionsNamed(image, '.vendor_cert')
  const none = (dbxBytes: number | null, sentence: string): VendorCertificates => ({
    certificates: [],
    dbxBytes,
    incomplete: [sentence],
  })
  if (section === undefined) return { certificates: [], dbxBytes: null, incomplete: [] }
  if (more.length > 0) return none(null, 'The image has more than one .vendor_cert section; none was read.')
  const part = sectionPart(image, section)
  if (part === null || part.size < 16 || part.size > maxTable)
    return none(null, 'The .vendor_cert section cannot be read.')
  const table = part.read(0, part.size)
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength)
  const [authorized, deauthorized, start, dbxStart] = [0, 4, 8, 12].map((at) => view.getUint32(at, true))
  if (authorized === undefined || deauthorized === undefined || start === undefined || dbxStart === undefined)
    return none(null, 'The .vendor_cert section cannot be read.')
  if (start + authorized > table.length || dbxStart + deauthorized > table.length) {
    return none(null, 'The .vendor_cert section names parts outside itself.')
  }
  if (authorized === 0) return { certificates: [], dbxBytes: deauthorized, incomplete: [] }
  const entries = authorizedEntries(table.subarray(start, start + authorized))
  if (entries === null)
    return none(deauthorized, 'The authorized part of .vendor_cert is neither a certificate nor a signature list.')
  return { ...describe(entries, section.offset + start), dbxBytes: deauthorized }
}

function authorizedEntries(bytes: Uint8Array): readonly SignatureListEntry[] | null {
  return isSignatureList(bytes) ? readSignatureLists(bytes) : [{ kind: 'x509', data: bytes, offset: 0 }]
}

function describe(entries: readonly SignatureListEntry[], base: number): Omit<VendorCertificates, 'dbxBytes'> {
  const certificates: EmbeddedCertificate[] = []
  let unreadable = 0
  let left = 0
  for (const entry of entries.filter(({ kind }) => kind === 'x509')) {
    if (certificates.length === maxCertificates) {
      left++
      continue
    }
    const read = readCertificate(entry.data)
    if (read.ok)
      certificates.push({ where: '.vendor_cert', offset: base + entry.offset, certificate: read.value.facts })
    else unreadable++
  }
  const others = entries.filter(({ kind }) => kind === 'other').length
  const incomplete: string[] = []
  if (unreadable > 0) incomplete.push(`${unreadable} certificates in .vendor_cert cannot be read.`)
  if (left > 0) incomplete.push(`${left} more certificates in .vendor_cert are not listed.`)
  if (others > 0) incomplete.push(`.vendor_cert authorizes ${others} images by their digest; they are not listed.`)
  return { certificates, incomplete }
}
