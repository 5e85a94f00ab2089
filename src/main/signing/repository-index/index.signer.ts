import { hash } from 'node:crypto'
import { err, ok } from '../../../shared/result.ts'
import { type ClearText, readClearText } from '../../openpgp/clear-text.ts'
import { clearTextFailure, cleartextMessage, prepareCleartext } from '../../openpgp/cleartext.ts'
import { armoredSignature, prepareDetached } from '../../openpgp/detached.ts'
import { concatBytes, framedPackets, packetTag } from '../../openpgp/packet.ts'
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
    // The first key's signature cannot be taken back: over parts that would not be released with it, it is not made.
    for (const part of form.several?.role === 'whole' ? form.several.further : []) {
      const problem = await problemOfPart(bytes.value, text?.value ?? null, part)
      if (problem !== null) return partWrong(problem)
    }
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
    if (several?.role === 'part')
      return verified(await problemOfPart(bytes.value, text?.value ?? null, { certificate, packet: made }))
    const signers = [certificate, ...(several?.role === 'whole' ? several.further.map((part) => part.certificate) : [])]
    const expected = signers.flatMap((each) =>
      each.openpgp === undefined ? [] : [{ certificate: each.der, signingFingerprint: each.openpgp.fingerprint }],
    )
    if (expected.length !== signers.length) return noOpenPgpKey
    const verify = mode === 'clear' ? verifyOwnCleartext : verifyOwnDetached
    return verified(await verify(made, bytes.value, expected, null))
  }
}

/**
 * What is wrong with a part: it is checked as the signature that it would be alone. Null: nothing. Readers skip packets that they do not
 * know, and so does openpgp.js: beside its signature there may be none, or somebody's bytes would be published under ours.
 */
async function problemOfPart(
  bytes: Uint8Array,
  text: ClearText | null,
  { certificate: { der, openpgp }, packet }: SignedPart,
): Promise<string | null> {
  if (openpgp === undefined) return 'A key that has signed has no OpenPGP certificate.'
  const [own, ...more] = framedPackets(packet) ?? []
  if (own?.tag !== packetTag.signature || more.length > 0) return 'A part is not one signature and nothing else.'
  const alone = output(text, [openpgp], packet)
  const verify = text === null ? verifyOwnDetached : verifyOwnCleartext
  return verify(alone, bytes, [{ certificate: der, signingFingerprint: openpgp.fingerprint }], null)
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

function partWrong(problem: string): SigningOutcome<never> {
  return err({
    kind: 'defect',
    code: 'output-wrong',
    message:
      'What one of the further keys has signed of this index is not right as it lies here. The first key was not asked, and nothing was released. Stop the request and have it made again.',
    detail: problem,
  })
}
