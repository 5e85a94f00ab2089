import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readSignedData } from '../asn1/cms-signed-data.ts'
import { readElementAt } from '../asn1/der.ts'
import { readSpcIndirectData } from '../asn1/spc.ts'
import { authenticodeSha256 } from '../signing/pe/authenticode.ts'
import { maxHeaderBytes, readPeHeaders } from '../signing/pe/pe-headers.ts'
import { layOut } from '../signing/pe/pe-layout.ts'
import { readCertificateTable, winCertificateTypePkcs } from '../signing/pe/win-certificate.ts'
import { signaturePackets } from './signature-packets.ts'

/** One signature, as the log names it. */
export interface FileSignature {
  /** SHA-256 of the signature's bytes: `outputSha256` of its entry. */
  readonly sha256: string
  /** The digest inside the signature; null where it has none that we can read. */
  readonly digest: string | null
}

/** What can be said of a file without the log. All hashes are lower-case hex. */
export interface SignedFile {
  readonly name: string
  readonly sha256: string
  readonly signatures: readonly FileSignature[]
  /** Authenticode digest computed from the file; null where it is no image: a detached signature. */
  readonly imageDigest: string | null
  /** SHA-256 of each OpenPGP signature packet in it. */
  readonly packets: readonly string[]
  /** Why no signature was found; null when one was. */
  readonly problem: string | null
}

/** Reads an EFI image with its signatures, a detached signature, or a text that was signed with OpenPGP. Every byte of it comes from outside. */
export function readSignedFile(path: string): SignedFile {
  const bytes = readFileSync(path)
  const whole = { name: path, sha256: sha256(bytes), packets: [] }
  if (bytes[0] !== 0x4d || bytes[1] !== 0x5a) {
    // Anything else can only be the signature itself, which for OpenPGP may hold the signed text.
    return {
      ...whole,
      packets: signaturePackets(bytes).map(sha256),
      signatures: [{ sha256: whole.sha256, digest: digestInside(bytes) }],
      imageDigest: null,
      problem: null,
    }
  }
  const headers = readPeHeaders(bytes.subarray(0, maxHeaderBytes), bytes.length)
  if (!headers.ok)
    return { ...whole, signatures: [], imageDigest: null, problem: `it is no EFI image: ${headers.error.message}` }
  const layout = layOut(headers.value)
  const [fault] = layout.faults
  if (fault !== undefined) return { ...whole, signatures: [], imageDigest: null, problem: fault.message }
  const imageDigest = authenticodeSha256(bytes, layout)
  const { offset, size } = headers.value.certificateTable
  const table = readCertificateTable(bytes.subarray(offset, offset + size))
  if (!table.ok) return { ...whole, signatures: [], imageDigest, problem: table.error.message }
  const signatures: FileSignature[] = []
  for (const { type, data } of table.value) {
    // Some signers count the padding to 8 bytes as part of the entry; the signature ends where its DER ends. No digest covers what is
    // behind it, so anything could be hidden in a file that is signed already (CVE-2013-3900).
    const element = type === winCertificateTypePkcs ? readElementAt(data, 0) : null
    if (element?.ok !== true || !isPadding(data.subarray(element.value.bytes.length)))
      return {
        ...whole,
        signatures: [],
        imageDigest,
        problem: 'its certificate table holds something beside signatures',
      }
    signatures.push({ sha256: sha256(element.value.bytes), digest: digestInside(element.value.bytes) })
  }
  return { ...whole, signatures, imageDigest, problem: signatures.length === 0 ? 'it has no signature' : null }
}

function isPadding(bytes: Uint8Array): boolean {
  return bytes.length < 8 && bytes.every((byte) => byte === 0)
}

function digestInside(der: Uint8Array): string | null {
  const signed = readSignedData(der)
  if (!signed.ok || signed.value.content === null) return null
  const content = readSpcIndirectData(signed.value.content)
  return content.ok ? Buffer.from(content.value.digest).toString('hex') : null
}

function sha256(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex')
}
