import { hash } from 'node:crypto'
import { err, ok } from '../../../shared/result.ts'
import { type ClearText, readClearText } from '../../openpgp/clear-text.ts'
import { clearTextFailure, cleartextMessage, prepareCleartext } from '../../openpgp/cleartext.ts'
import { armoredSignature, prepareDetached } from '../../openpgp/detached.ts'
import { concatBytes } from '../../openpgp/packet.ts'
import type { OpenPgpPublicKey } from '../../openpgp/public-key.ts'
import { verifyOwnCleartext, verifyOwnDetached } from '../../openpgp/verify-own.ts'
import { inputChanged, noOpenPgpKey, type SigningOutcome, verified, wholeFile } from '../openpgp/whole-file.ts'
import type { Prepared, SigningCertificate, SpooledFile } from '../signer.ts'

/** `clear`: an InRelease. `detached`: a Release.gpg, one armor. */
export interface IndexForm {
  readonly kind: 'index'
  readonly mode: 'clear' | 'detached'
  /** Absent: one key signs. */
  readonly several?: KeysOfIndex
}

/**
 * An index that several keys sign has one signature packet of each (RFC 9580 §5.2, §7). The packets do not know each other, so those of the
 * further keys are made first and kept, each a `part`; the first key's completes the `whole`, in the order of the keys.
 */
export type KeysOfIndex =
  | { readonly role: 'part' }
  | { readonly role: 'whole'; readonly further: readonly SignedPart[] }

/** What one further key has signed. */
export interface SignedPart {
  readonly certificate: SigningCertificate
  readonly packet: Uint8Array
}

/** Signs a `Release` as it is, byte for byte. What the sheet showed as what would be signed is the digest of the file. */
export class IndexSigner {
  async prepare(
    file: SpooledFile,
    form: IndexForm,
    { openpgp }: SigningCertificate,
    signingTime: Date,
  ): Promise<SigningOutcome<Prepared>> {
    const keys = keysOf(openpgp, form)
    if (openpgp === undefined || keys === null) return noOpenPgpKey
    const bytes = wholeFile(file)
    if (!bytes.ok) return bytes
    if (hash('sha256', bytes.value) !== file.toBeSigned) return inputChanged
    const text = form.mode === 'clear' ? readClearText(bytes.value) : null
    if (text?.ok === false) return err(clearTextFailure(text.error))
    const unsigned =
      text === null
        ? await prepareDetached([bytes.value], [openpgp], { armor: true, text: false, created: signingTime })
        : prepareCleartext(text.value, [openpgp], Math.floor(signingTime.getTime() / 1000))
    const [request] = unsigned.requests
    if (request === undefined) throw new Error('a signature by one key has no request for it')
    const { several } = form
    return ok({
      request,
      digest: file.toBeSigned,
      assemble: (signature) => {
        const own = unsigned.packets([signature])
        if (several?.role === 'part') return own
        const packets = concatBytes(own, ...(several?.further ?? []).map(({ packet }) => packet))
        return output(text?.value ?? null, keys, packets)
      },
    })
  }

  async verify(
    file: SpooledFile,
    form: IndexForm,
    made: Uint8Array,
    certificate: SigningCertificate,
  ): Promise<SigningOutcome<null>> {
    const { openpgp } = certificate
    if (openpgp === undefined) return noOpenPgpKey
    const bytes = wholeFile(file)
    if (!bytes.ok) return bytes
    const { mode, several } = form
    const text = mode === 'clear' ? readClearText(bytes.value) : null
    if (text?.ok === false) return err(clearTextFailure(text.error))
    // A part is checked as the signature that it would be alone.
    const whole = several?.role === 'part' ? output(text?.value ?? null, [openpgp], made) : made
    const signers = [certificate, ...(several?.role === 'whole' ? several.further.map((part) => part.certificate) : [])]
    const expected = signers.flatMap((each) =>
      each.openpgp === undefined ? [] : [{ certificate: each.der, signingFingerprint: each.openpgp.fingerprint }],
    )
    if (expected.length !== signers.length) return noOpenPgpKey
    const verify = mode === 'clear' ? verifyOwnCleartext : verifyOwnDetached
    return verified(await verify(whole, bytes.value, expected, null))
  }
}

/** Every key whose packet will be in the output. Null: one has no OpenPGP certificate. */
function keysOf(first: OpenPgpPublicKey | undefined, { several }: IndexForm): readonly OpenPgpPublicKey[] | null {
  const further = several?.role === 'whole' ? several.further.map(({ certificate }) => certificate.openpgp) : []
  const keys = [first, ...further].filter((key) => key !== undefined)
  return keys.length === further.length + 1 ? keys : null
}

function output(text: ClearText | null, keys: readonly OpenPgpPublicKey[], packets: Uint8Array): Uint8Array {
  return text === null ? armoredSignature(keys, packets) : cleartextMessage(text, keys, packets)
}
