import type { ExistingSignature } from '../../../shared/input-facts.ts'
import { readCertificateFields } from '../../asn1/certificate-fields.ts'
import { readSignedData, type SignerInfo } from '../../asn1/cms-signed-data.ts'
import { equalBytes, readElementAt } from '../../asn1/der.ts'
import { oid } from '../../asn1/oid.ts'
import { readSpcIndirectData } from '../../asn1/spc.ts'
import type { HashAlgorithm } from '../../digest/hash-ranges.ts'
import { nameText, readCertificate } from '../../pki/x509.ts'
import { type LayoutFault, layoutFault } from '../../signing/pe/layout-fault.ts'
import {
  maxCertificateTableBytes,
  readCertificateTable,
  winCertificateTypePkcs,
} from '../../signing/pe/win-certificate.ts'
import { authenticodeDigest, type Image } from './image.ts'

const maxSignatures = 32
const algorithms: Readonly<Record<string, HashAlgorithm>> = {
  [oid.sha1]: 'sha1',
  [oid.sha256]: 'sha256',
  [oid.sha384]: 'sha384',
  [oid.sha512]: 'sha512',
}

export interface ExistingSignatures {
  readonly signatures: readonly ExistingSignature[]
  readonly faults: readonly LayoutFault[]
  readonly incomplete: readonly string[]
}

/** The signatures in the certificate table: who says to have made them, and whether they are about this file. They are not verified. */
export function readExistingSignatures(image: Image): ExistingSignatures {
  const { offset, size } = image.headers.certificateTable
  const none = { signatures: [], faults: [], incomplete: [] }
  // A table that is not where it says to be is a fault of the layout, and named there.
  if (size === 0 || offset + size > image.source.size) return none
  if (size > maxCertificateTableBytes)
    return { ...none, incomplete: ['The certificate table is larger than 1 MiB and was not read.'] }
  const entries = readCertificateTable(image.source.read(offset, size))
  if (!entries.ok) return { ...none, faults: [layoutFault('certificate-table-malformed')] }
  const digests = new Map<HashAlgorithm, string | null>()
  const signatures: ExistingSignature[] = []
  const incomplete: string[] = []
  for (const [index, entry] of entries.value.entries()) {
    if (index === maxSignatures) {
      incomplete.push(
        `The certificate table has ${entries.value.length} entries; only the first ${maxSignatures} are listed.`,
      )
      break
    }
    const read = entry.type === winCertificateTypePkcs ? readEntry(image, digests, entry.data) : null
    if (read === null)
      incomplete.push(`Entry ${index + 1} of the certificate table is not a signature that can be read.`)
    else signatures.push(...read)
    if (incomplete.length > 4) break
  }
  return { signatures: signatures.slice(0, maxSignatures), faults: [], incomplete: incomplete.slice(0, 5) }
}

function readEntry(
  image: Image,
  digests: Map<HashAlgorithm, string | null>,
  data: Uint8Array,
): readonly ExistingSignature[] | null {
  // Signers differ in whether dwLength counts the padding: the DER's own length counts.
  const element = readElementAt(data, 0)
  const signed = element.ok ? readSignedData(element.value.bytes) : element
  if (!signed.ok || signed.value.content === null) return null
  const spc = readSpcIndirectData(signed.value.content)
  if (!spc.ok || signed.value.signers.length === 0) return null
  const digest = Buffer.from(spc.value.digest.subarray(0, 64)).toString('hex')
  const algorithm = algorithms[spc.value.digestAlgorithm]
  return signed.value.signers.slice(0, maxSignatures).map((signer) => ({
    signer: signerFacts(signer, signed.value.certificates),
    issuerName: nameText(signer.issuer),
    digest,
    digestAlgorithm: algorithm ?? spc.value.digestAlgorithm.slice(0, 128),
    matchesFile:
      algorithm !== undefined && spc.value.digest.length <= 64 && fileDigest(image, digests, algorithm) === digest,
  }))
}

function fileDigest(image: Image, digests: Map<HashAlgorithm, string | null>, algorithm: HashAlgorithm): string | null {
  const known = digests.get(algorithm)
  if (known !== undefined) return known
  const digest = authenticodeDigest(image, algorithm)
  digests.set(algorithm, digest)
  return digest
}

function signerFacts(signer: SignerInfo, certificates: readonly Uint8Array[]): ExistingSignature['signer'] {
  const own = certificates.find((der) => {
    const fields = readCertificateFields(der)
    return (
      fields.ok &&
      equalBytes(fields.value.issuer, signer.issuer) &&
      equalBytes(fields.value.serialNumber.contents, signer.serialNumber)
    )
  })
  const read = own === undefined ? null : readCertificate(own)
  return read?.ok === true ? read.value.facts : null
}
