import type { EmbeddedCertificate } from '../../../shared/input-facts.ts'
import { readCertificateFields } from '../../asn1/certificate-fields.ts'
import { readCertificate } from '../../pki/x509.ts'
import type { Image } from './image.ts'

const window = 1024 * 1024
/** Enough to judge a candidate by: two headers and the version or the serial number. */
const prefix = 16
const maxCertificates = 64
/** Candidates that look right and are not: a bound on work, not on size. A real image has none or a few. */
const maxAttempts = 4096

const sequenceWithLength = Uint8Array.of(0x30, 0x82)

export interface CertificateScan {
  readonly certificates: readonly EmbeddedCertificate[]
  readonly incomplete: readonly string[]
}

/**
 * Looks for X.509 certificates anywhere in the image but in its certificate table: a certificate inside a boot loader is somebody it will trust,
 * whatever section it lies in. Compressed parts cannot be seen into. The bounds count work, not time, so that the same file always
 * gives the same facts.
 */
export function scanForCertificates(image: Image): CertificateScan {
  const certificates: EmbeddedCertificate[] = []
  const end = image.layout.contentEnd
  let attempts = 0
  let skipTo = 0
  for (let start = 0; start < end; start += window) {
    const bytes = Buffer.from(image.source.read(start, Math.min(window + prefix, end - start)))
    for (
      let at = bytes.indexOf(sequenceWithLength);
      at !== -1 && at < window;
      at = bytes.indexOf(sequenceWithLength, at + 1)
    ) {
      const offset = start + at
      const length = offset < skipTo ? null : candidateLength(bytes, at)
      if (length === null || offset + length > end) continue
      attempts++
      if (attempts > maxAttempts)
        return {
          certificates,
          incomplete: ['The search for embedded certificates was stopped: too many places look like one.'],
        }
      const candidate = image.source.read(offset, length)
      if (!readCertificateFields(candidate).ok) continue
      const read = readCertificate(candidate)
      if (!read.ok) continue
      if (certificates.length === maxCertificates)
        return {
          certificates,
          incomplete: [`More than ${maxCertificates} certificates are embedded; the others are not listed.`],
        }
      certificates.push({ where: placeOf(image, offset), offset, certificate: read.value.facts })
      skipTo = offset + length
    }
  }
  return { certificates, incomplete: [] }
}

/** Whole length of what may be a Certificate: SEQUENCE { TBSCertificate SEQUENCE { [0] version or INTEGER serialNumber, … }, … }. */
function candidateLength(bytes: Uint8Array, at: number): number | null {
  const octet = (index: number): number => bytes[at + index] ?? 0
  const length = 4 + octet(2) * 256 + octet(3)
  if (octet(4) !== 0x30) return null
  const inner = octet(5) === 0x82 ? 8 : octet(5) === 0x81 ? 7 : null
  if (inner === null) return null
  const first = octet(inner)
  return first === 0x02 || (first === 0xa0 && octet(inner + 1) === 3 && octet(inner + 2) === 2) ? length : null
}

function placeOf(image: Image, offset: number): string {
  const section = image.sections.find(
    (section) => offset >= section.offset && offset < section.offset + section.rawSize,
  )
  return section?.name ?? (offset < image.headers.sizeOfHeaders ? 'headers' : 'behind the sections')
}
