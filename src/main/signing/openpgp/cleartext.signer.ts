import { hash } from 'node:crypto'
import type { Failure } from '../../../shared/failure.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { readClearText } from '../../openpgp/clear-text.ts'
import { clearTextFailure, prepareCleartext } from '../../openpgp/cleartext.ts'
import { verifyOwnCleartext } from '../../openpgp/verify-own.ts'
import type { Prepared, Signer, SigningCertificate, SigningFailureCode, SpooledFile } from '../signer.ts'
import { readSpooled } from '../spooled-bytes.ts'

type Outcome<T> = Result<T, Failure<SigningFailureCode>>

/**
 * A Sign task's OpenPGP: a clear-signed copy of the file, named `.sig` as debusine names it. What is verified before release is the
 * finished message, by openpgp.js, against the file read anew.
 */
export class CleartextSigner implements Signer {
  readonly outputSuffix = '.sig'

  // A promise, as the interface wants: reading a text of this size waits for nothing.
  prepare(file: SpooledFile, certificate: SigningCertificate, signingTime: Date): Promise<Outcome<Prepared>> {
    return Promise.resolve(this.#prepare(file, certificate, signingTime))
  }

  async verify(file: SpooledFile, output: Uint8Array, { der, openpgp }: SigningCertificate): Promise<Outcome<null>> {
    if (openpgp === undefined) return noOpenPgpKey
    const text = wholeFile(file)
    if (!text.ok) return text
    const expected = [{ certificate: der, signingFingerprint: openpgp.fingerprint }]
    const problem = await verifyOwnCleartext(output, text.value, expected, null)
    return problem === null
      ? ok(null)
      : err({
          kind: 'defect',
          code: 'output-wrong',
          message: 'The finished message was checked and is not right. It was not handed out.',
          detail: problem,
        })
  }

  #prepare(file: SpooledFile, { openpgp }: SigningCertificate, signingTime: Date): Outcome<Prepared> {
    if (openpgp === undefined) return noOpenPgpKey
    const bytes = wholeFile(file)
    if (!bytes.ok) return bytes
    const text = readClearText(bytes.value)
    if (!text.ok) return err(clearTextFailure(text.error))
    // What the sheet showed as what would be signed, not only the file that it is made from.
    if (hash('sha256', text.value.canonical) !== file.toBeSigned) return inputChanged
    const unsigned = prepareCleartext(text.value, [openpgp], Math.floor(signingTime.getTime() / 1000))
    const [request] = unsigned.requests
    if (request === undefined) throw new Error('a message by one key has no request for it')
    return ok({ request, digest: file.toBeSigned, assemble: (signature) => unsigned.assemble([signature]) })
  }
}

function wholeFile(file: SpooledFile): Outcome<Buffer> {
  const bytes = readSpooled(file, 0, file.size)
  return bytes.ok && hash('sha256', bytes.value) !== file.sha256 ? inputChanged : bytes
}

const inputChanged: Outcome<never> = err({
  kind: 'invalid',
  code: 'input-changed',
  message:
    'The file is not the one that was shown for approval any more; it was not signed. Prepare the request again.',
})
const noOpenPgpKey: Outcome<never> = err({
  kind: 'refused',
  code: 'algorithm-unsupported',
  message: 'The key has no OpenPGP certificate at this station; nothing was signed.',
})
