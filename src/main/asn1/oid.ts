import { derElement, derTag } from './der.ts'

/** Object identifiers that the station writes or recognises, with where each is defined. */
export const oid = {
  /** RFC 5652 §5.1 */
  signedData: '1.2.840.113549.1.7.2',
  /** RFC 5652 §11 */
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  /** Windows Authenticode Portable Executable Signature Format, 2008 */
  spcIndirectData: '1.3.6.1.4.1.311.2.1.4',
  spcPeImageData: '1.3.6.1.4.1.311.2.1.15',
  /** RFC 8017 appendix A.2.4 */
  rsaEncryption: '1.2.840.113549.1.1.1',
  sha256WithRsa: '1.2.840.113549.1.1.11',
  /** RFC 5758 §3.2 */
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  /** RFC 3370, RFC 5754 */
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
  /** RFC 5280 §4.2.1 */
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  /** RFC 5280 appendix A.1 */
  commonName: '2.5.4.3',
  countryName: '2.5.4.6',
  organizationName: '2.5.4.10',
  organizationalUnitName: '2.5.4.11',
  /** RFC 2985 §5.4.2 */
  extensionRequest: '1.2.840.113549.1.9.14',
  /** RFC 5280 §4.2.1.12 */
  codeSigning: '1.3.6.1.5.5.7.3.3',
} as const

/** DER of an OBJECT IDENTIFIER (X.690 §8.19). The argument is one of ours, never text from outside. */
export function derOid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const octets: number[] = []
  for (const arc of [first * 40 + second, ...rest]) {
    const septets = [arc % 128]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) septets.unshift(0x80 | (left % 128))
    octets.push(...septets)
  }
  return derElement(derTag.oid, Uint8Array.from(octets))
}

/** Dotted text of the contents of an OBJECT IDENTIFIER; null where they are not a valid encoding. */
export function dottedOid(contents: Uint8Array): string | null {
  if (contents.length === 0 || contents.length > 64) return null
  const arcs: number[] = []
  let arc = 0
  let started = false
  for (const octet of contents) {
    // X.690 §8.19.2: an arc has no leading 0x80.
    if (!started && octet === 0x80) return null
    arc = arc * 128 + (octet & 0x7f)
    if (arc > Number.MAX_SAFE_INTEGER) return null
    started = octet > 0x7f
    if (started) continue
    if (arcs.length === 0) arcs.push(Math.min(2, Math.floor(arc / 40)), arc - 40 * Math.min(2, Math.floor(arc / 40)))
    else arcs.push(arc)
    arc = 0
  }
  return started ? null : arcs.join('.')
}
