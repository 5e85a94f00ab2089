import { hash, type KeyObject } from 'node:crypto'
import type { Failure } from '../../../shared/failure.ts'
import type { Sha256Hex } from '../../../shared/ids.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { readCertificateFields } from '../../asn1/certificate-fields.ts'
import { encodeSignedData, signedAttributes } from '../../asn1/cms-signed-data.ts'
import { equalBytes } from '../../asn1/der.ts'
import { oid } from '../../asn1/oid.ts'
import { ecdsaSigValue } from '../../asn1/signature-value.ts'
import { spcIndirectData } from '../../asn1/spc.ts'
import type { Digester } from '../../digest/digester.ts'
import type { HashPart } from '../../digest/hash-job.ts'
import { signatureScheme } from '../signature-scheme.ts'
import type { Prepared, Signer, SigningCertificate, SigningFailureCode, SpooledFile } from '../signer.ts'
import { readSpooled } from '../spooled-bytes.ts'
import { authenticodePadding } from './authenticode.ts'
import type { LayoutFault } from './layout-fault.ts'
import { maxHeaderBytes, readPeHeaders } from './pe-headers.ts'
import { layOut, type PeLayout } from './pe-layout.ts'
import { flatRanges, importPublicKey, verifyOutput } from './verify-output.ts'
import { maxCertificateTableBytes, readCertificateTable } from './win-certificate.ts'

type Outcome<T> = Result<T, Failure<SigningFailureCode>>

/** Files up to this size are read and hashed where they stand: the round trip to a worker would cost more. */
const inlineLimit = 1024 * 1024
/** Verification digests that were not asked for yet: three batches of a run, and some. Older ones are made anew when asked for. */
const maxPending = 128

/**
 * UEFI Authenticode, detached: a DER SignedData as `sbsign --detached` writes it (README.md). The digest that is signed follows the section
 * walk, the one that verifies the output the whole-file form, each from its own parser. Where both parsers name the same bytes in the same
 * order, those are hashed once for both.
 */
export class PeSigner implements Signer {
  readonly outputSuffix = '.sig'
  readonly #digester: Digester
  readonly #pending = new Map<string, Outcome<string> | Promise<Outcome<string>>>()
  /** For files that are read whole; never used across an await. */
  #scratch: Buffer | null = null
  /** A request signs many files with one key, and importing a key costs more than a verification. */
  #lastKey: { readonly spki: Uint8Array; readonly key: KeyObject | null } | null = null

  constructor(digester: Digester) {
    this.#digester = digester
  }

  async prepare(file: SpooledFile, certificate: SigningCertificate, signingTime: Date): Promise<Outcome<Prepared>> {
    const scheme = signatureScheme(certificate.algorithm)
    if (scheme === null) {
      return fail(
        'refused',
        'algorithm-unsupported',
        `A UEFI signature with a key of type ${certificate.algorithm} is not made; use RSA or ECDSA.`,
      )
    }
    const fields = readCertificateFields(certificate.der)
    if (!fields.ok)
      return fail(
        'invalid',
        'algorithm-unsupported',
        'The certificate of the key cannot be read; register the key again.',
      )
    const digest = file.size <= inlineLimit ? this.#digestInline(file) : await this.#digestInWorkers(file)
    if (!digest.ok) return digest
    if (digest.value !== file.toBeSigned) return inputChanged()
    const content = spcIndirectData(Buffer.from(digest.value, 'hex'))
    // messageDigest covers the contents of the SEQUENCE; its header is two bytes, as its length stays below 128.
    const attributes = signedAttributes({
      contentType: oid.spcIndirectData,
      signingTime,
      messageDigest: hash('sha256', content.subarray(2), 'buffer'),
    })
    return ok({
      request: { scheme, digest: hash('sha256', attributes, 'buffer') },
      digest: file.toBeSigned,
      assemble: (signature) =>
        encodeSignedData({
          contentType: oid.spcIndirectData,
          content,
          certificate: certificate.der,
          certificateFields: fields.value,
          attributes,
          signatureAlgorithm: scheme,
          signature: scheme === 'ecdsa-sha256' ? ecdsaSigValue(signature) : signature,
        }),
    })
  }

  async verify(file: SpooledFile, output: Uint8Array, certificate: SigningCertificate): Promise<Outcome<null>> {
    const key = pendingKey(file)
    const begun = this.#pending.get(key)
    this.#pending.delete(key)
    const digest = await (begun ?? this.#flatDigest(file))
    if (!digest.ok) return digest
    const problem = verifyOutput(output, certificate.der, digest.value as Sha256Hex, file.toBeSigned, (spki) =>
      this.#publicKey(spki),
    )
    return problem === null
      ? ok(null)
      : fail(
          'defect',
          'output-wrong',
          `The finished signature was checked and is not right: ${problem} It was not handed out.`,
        )
  }

  #publicKey(spki: Uint8Array): KeyObject | null {
    if (this.#lastKey === null || !equalBytes(this.#lastKey.spki, spki))
      this.#lastKey = { spki: spki.slice(), key: importPublicKey(spki) }
    return this.#lastKey.key
  }

  #readWhole(file: SpooledFile): Outcome<Buffer> {
    this.#scratch ??= Buffer.allocUnsafeSlow(inlineLimit)
    return readSpooled(file, 0, file.size, this.#scratch)
  }

  #digestInline(file: SpooledFile): Outcome<string> {
    const bytes = this.#readWhole(file)
    if (!bytes.ok) return bytes
    if (hash('sha256', bytes.value) !== file.sha256) return inputChanged()
    const head = bytes.value.subarray(0, maxHeaderBytes)
    const layout = layoutOf(head, file.size, (offset, size) => ok(bytes.value.subarray(offset, offset + size)))
    if (!layout.ok) return layout
    const walk = walkOf(layout.value)
    const sameBytes = sameParts(walk, flatRanges(head, file.size))
    const digest = ok(closeHolesAndHash(bytes.value, walk))
    if (sameBytes) this.#remember(file, digest)
    return digest
  }

  /** Reads the file at once in a thread for each form: whole, section walk, and the whole-file form that `verify` will ask for. */
  async #digestInWorkers(file: SpooledFile): Promise<Outcome<string>> {
    const head = readSpooled(file, 0, maxHeaderBytes)
    if (!head.ok) return head
    const layout = layoutOf(head.value, file.size, (offset, size) => readSpooled(file, offset, size))
    if (!layout.ok) return layout
    const whole = this.#sha256(file, { ranges: [{ start: 0, end: file.size }], zeros: 0 })
    const walk = walkOf(layout.value)
    const walked = this.#sha256(file, walk)
    this.#remember(file, sameParts(walk, flatRanges(head.value, file.size)) ? walked : this.#flatDigest(file))
    const [fileDigest, walkDigest] = await Promise.all([whole, walked])
    if (!fileDigest.ok) return fileDigest
    if (fileDigest.value !== file.sha256) return inputChanged()
    return walkDigest
  }

  #remember(file: SpooledFile, flatDigest: Outcome<string> | Promise<Outcome<string>>): void {
    const oldest = this.#pending.size >= maxPending ? this.#pending.keys().next() : null
    if (oldest !== null && oldest.done !== true) this.#pending.delete(oldest.value)
    this.#pending.set(pendingKey(file), flatDigest)
  }

  async #flatDigest(file: SpooledFile): Promise<Outcome<string>> {
    const head = readSpooled(file, 0, maxHeaderBytes)
    if (!head.ok) return head
    const flat = flatRanges(head.value, file.size)
    return flat === null ? notCheckable() : this.#sha256(file, flat)
  }

  async #sha256(file: SpooledFile, part: HashPart): Promise<Outcome<string>> {
    const answer = await this.#digester.sha256({ path: file.path, size: file.size, ...part })
    switch (answer.kind) {
      case 'digest':
        return ok(answer.sha256)
      case 'changed':
        return inputChanged()
      case 'unreadable':
        return fail(
          'unavailable',
          'file-unreadable',
          'The file could not be read while it was being hashed; nothing was signed.',
          answer.detail,
        )
    }
  }
}

function walkOf(layout: PeLayout): HashPart {
  return { ranges: layout.walk, zeros: authenticodePadding(layout.contentEnd) }
}

/** Whether two parsers name the same bytes in the same order, with the same padding. */
function sameParts(left: HashPart, right: HashPart | null): boolean {
  return (
    right !== null &&
    left.zeros === right.zeros &&
    left.ranges.length === right.ranges.length &&
    left.ranges.every(({ start, end }, at) => {
      const other = right.ranges[at]
      return other !== undefined && start === other.start && end === other.end
    })
  )
}

/** Moves the ranges together within the buffer and hashes them in one call: the holes are few, and this runs for every small file. */
function closeHolesAndHash(bytes: Buffer, part: HashPart): string {
  let length = 0
  for (const { start, end } of part.ranges) {
    // Ranges ascend, as the layout has no fault: nothing is overwritten before it is moved.
    bytes.copyWithin(length, start, end)
    length += end - start
  }
  // At most 7 zeros, and 12 bytes were taken out.
  bytes.fill(0, length, length + part.zeros)
  return hash('sha256', bytes.subarray(0, length + part.zeros))
}

function notCheckable(): Outcome<never> {
  return fail('invalid', 'layout-unsafe', 'The file is not a PE image that can be checked.')
}

function layoutOf(
  head: Uint8Array,
  size: number,
  readPart: (offset: number, size: number) => Outcome<Uint8Array>,
): Outcome<PeLayout> {
  const headers = readPeHeaders(head, size)
  if (!headers.ok) return unsafe(headers.error)
  const layout = layOut(headers.value)
  const [fault] = layout.faults
  if (fault !== undefined) return unsafe(fault)
  const { offset, size: tableSize } = headers.value.certificateTable
  if (tableSize > 0) {
    if (tableSize > maxCertificateTableBytes)
      return fail('invalid', 'layout-unsafe', 'The certificate table is larger than 1 MiB.')
    const table = readPart(offset, tableSize)
    if (!table.ok) return table
    const entries = readCertificateTable(table.value)
    if (!entries.ok) return unsafe(entries.error)
  }
  return ok(layout)
}

function unsafe(fault: LayoutFault): Outcome<never> {
  return fail('invalid', 'layout-unsafe', `${fault.message} It was not signed.`, fault.code)
}

function inputChanged(): Outcome<never> {
  return fail(
    'invalid',
    'input-changed',
    'The file is not the one that was shown for approval any more; it was not signed. Prepare the request again.',
  )
}

function fail(kind: Failure['kind'], code: SigningFailureCode, message: string, detail?: string): Outcome<never> {
  return err(detail === undefined ? { kind, code, message } : { kind, code, message, detail })
}

function pendingKey(file: SpooledFile): string {
  return `${file.sha256} ${file.size} ${file.path}`
}
