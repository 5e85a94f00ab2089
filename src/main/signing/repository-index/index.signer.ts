import { hash } from 'node:crypto'
import { err, ok } from '../../../shared/result.ts'
import { readClearText } from '../../openpgp/clear-text.ts'
import { clearTextFailure, prepareCleartext } from '../../openpgp/cleartext.ts'
import { prepareDetached } from '../../openpgp/detached.ts'
import { verifyOwnCleartext, verifyOwnDetached } from '../../openpgp/verify-own.ts'
import { inputChanged, noOpenPgpKey, type SigningOutcome, verified, wholeFile } from '../openpgp/whole-file.ts'
import type { Prepared, SigningCertificate, SpooledFile } from '../signer.ts'

/** `clear`: an InRelease. `detached`: a Release.gpg, one armor. */
export interface IndexForm {
  readonly kind: 'index'
  readonly mode: 'clear' | 'detached'
}

/** Signs a `Release` as it is, byte for byte. What the sheet showed as what would be signed is the digest of the file. */
export class IndexSigner {
  async prepare(
    file: SpooledFile,
    { mode }: IndexForm,
    { openpgp }: SigningCertificate,
    signingTime: Date,
  ): Promise<SigningOutcome<Prepared>> {
    if (openpgp === undefined) return noOpenPgpKey
    const bytes = wholeFile(file)
    if (!bytes.ok) return bytes
    if (hash('sha256', bytes.value) !== file.toBeSigned) return inputChanged
    const text = mode === 'clear' ? readClearText(bytes.value) : null
    if (text?.ok === false) return err(clearTextFailure(text.error))
    const unsigned =
      text === null
        ? await prepareDetached([bytes.value], [openpgp], { armor: true, text: false, created: signingTime })
        : prepareCleartext(text.value, [openpgp], Math.floor(signingTime.getTime() / 1000))
    const [request] = unsigned.requests
    if (request === undefined) throw new Error('a signature by one key has no request for it')
    return ok({ request, digest: file.toBeSigned, assemble: (signature) => unsigned.assemble([signature]) })
  }

  async verify(
    file: SpooledFile,
    { mode }: IndexForm,
    output: Uint8Array,
    { der, openpgp }: SigningCertificate,
  ): Promise<SigningOutcome<null>> {
    if (openpgp === undefined) return noOpenPgpKey
    const bytes = wholeFile(file)
    if (!bytes.ok) return bytes
    const expected = [{ certificate: der, signingFingerprint: openpgp.fingerprint }]
    const verify = mode === 'clear' ? verifyOwnCleartext : verifyOwnDetached
    return verified(await verify(output, bytes.value, expected, null))
  }
}
