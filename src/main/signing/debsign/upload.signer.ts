import { hash } from 'node:crypto'
import { err, ok } from '../../../shared/result.ts'
import type { UploadDocumentFacts } from '../../../shared/upload-facts.ts'
import { isAsShown } from '../../debian/upload-document.ts'
import { readClearText } from '../../openpgp/clear-text.ts'
import { clearTextFailure, prepareCleartext } from '../../openpgp/cleartext.ts'
import { verifyOwnCleartext } from '../../openpgp/verify-own.ts'
import { inputChanged, noOpenPgpKey, type SigningOutcome, verified, wholeFile } from '../openpgp/whole-file.ts'
import type { Prepared, SigningCertificate, SpooledFile } from '../signer.ts'
import { type DebsignDocument, documentText, finalText, type UploadFileDigest } from './debsign-order.ts'
import type { DebusineFields } from './debusine-fields.ts'
import type { SignedChild } from './rewrite.ts'

/** A document of an upload: what it is, and what it has to say of those that were signed before it. */
export interface UploadForm {
  readonly kind: 'upload'
  readonly document: DebsignDocument
  readonly fields: DebusineFields | null
  readonly children: readonly SignedChild[]
  /** Every file of the upload as the sheet has it. */
  readonly files: readonly UploadFileDigest[]
  /** What the sheet shows of the document. */
  readonly shown: UploadDocumentFacts
}

/**
 * Clear-signs one document of an upload as debsign does. What the sheet showed is its text; what is signed is that text with the sizes
 * and digests of the documents that were signed before it, computed here from those outputs.
 */
export class UploadSigner {
  prepare(
    file: SpooledFile,
    form: UploadForm,
    { openpgp }: SigningCertificate,
    signingTime: Date,
  ): SigningOutcome<Prepared> {
    if (openpgp === undefined) return noOpenPgpKey
    const text = textToSign(file, form)
    if (!text.ok) return text
    const read = readClearText(text.value)
    if (!read.ok) return err(clearTextFailure(read.error))
    const unsigned = prepareCleartext(read.value, [openpgp], Math.floor(signingTime.getTime() / 1000))
    const [request] = unsigned.requests
    if (request === undefined) throw new Error('a message by one key has no request for it')
    return ok({ request, digest: file.toBeSigned, assemble: (signature) => unsigned.assemble([signature]) })
  }

  async verify(
    file: SpooledFile,
    form: UploadForm,
    output: Uint8Array,
    { der, openpgp }: SigningCertificate,
  ): Promise<SigningOutcome<null>> {
    if (openpgp === undefined) return noOpenPgpKey
    const text = textToSign(file, form)
    if (!text.ok) return text
    const expected = [{ certificate: der, signingFingerprint: openpgp.fingerprint }]
    return verified(await verifyOwnCleartext(output, text.value, expected, null))
  }
}

function textToSign(
  file: SpooledFile,
  { document, fields, children, files, shown }: UploadForm,
): SigningOutcome<Uint8Array> {
  const bytes = wholeFile(file)
  if (!bytes.ok) return bytes
  const text = documentText(bytes.value, document, fields, files)
  if (!text.ok) return err({ kind: 'invalid', code: 'text-unsafe', message: text.error.message })
  if (hash('sha256', text.value) !== file.toBeSigned) return inputChanged
  // The inspector met hostile bytes, and may have kept something of them to itself.
  if (!isAsShown(bytes.value, document, shown)) return otherThanShown
  const final = finalText(text.value, children)
  return final.ok ? final : err({ kind: 'invalid', code: 'text-unsafe', message: final.error.message })
}

const otherThanShown: SigningOutcome<never> = err({
  kind: 'invalid',
  code: 'text-unsafe',
  message:
    'The document says something else than the sheet showed of it. Nothing was signed. Stop the request; whatever looked into the file is broken, or another version of this program made the sheet.',
})
