import type { Failure } from '../../shared/failure.ts'
import type { Result } from '../../shared/result.ts'
import { armor } from './armor.ts'
import type { OpenPgpPublicKey } from './public-key.ts'
import { openSignature, signatureType } from './signature.ts'
import { type OpenPgpSigner, signAll, signaturePackets, type UnsignedOutput } from './signer.ts'

export interface DetachedForm {
  readonly armor: boolean
  /** A signature of a text (type 0x01): its line ends are hashed as CRLF, blanks at line ends are signed. */
  readonly text: boolean
  readonly created: Date
}

type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/** Reads the data once and prepares one signature for each key. */
export async function prepareDetached(
  data: Chunks,
  keys: readonly OpenPgpPublicKey[],
  form: DetachedForm,
): Promise<UnsignedOutput> {
  const type = form.text ? signatureType.text : signatureType.binary
  const created = Math.floor(form.created.getTime() / 1000)
  const open = keys.map((key) => openSignature({ type, key, created }))
  const update = (chunk: Uint8Array) => {
    for (const signature of open) signature.update(chunk)
  }
  const canonical = form.text ? crlfWriter(update) : null
  for await (const chunk of data) {
    if (canonical === null) update(chunk)
    else canonical(chunk)
  }
  const unsigned = open.map((signature) => signature.finish())
  const packets = (signatures: readonly Uint8Array[]) => signaturePackets(unsigned, signatures)
  return {
    type,
    requests: unsigned.map(({ request }) => request),
    packets,
    assemble: (signatures) => (form.armor ? armoredSignature(keys, packets(signatures)) : packets(signatures)),
  }
}

/** A signature file of finished packets, one of each key, in their order. */
export function armoredSignature(keys: readonly OpenPgpPublicKey[], packets: Uint8Array): Uint8Array {
  const crc = keys.some(({ version }) => version === 4)
  return Buffer.from(armor('PGP SIGNATURE', packets, crc))
}

/** Signs data with every key: one signature file with as many packets. */
export async function signDetached(
  data: Chunks,
  signers: readonly OpenPgpSigner[],
  form: DetachedForm,
): Promise<Result<Uint8Array, Failure>> {
  const keys = signers.map(({ key }) => key)
  return signAll(await prepareDetached(data, keys, form), signers)
}

/** Passes text on with CRLF for each LF that has no CR before it, across pieces (RFC 9580 §5.2.1.2). */
function crlfWriter(write: (bytes: Uint8Array) => void): (chunk: Uint8Array) => void {
  let afterCr = false
  return (chunk) => {
    let start = 0
    for (let at = chunk.indexOf(0x0a); at !== -1; at = chunk.indexOf(0x0a, at + 1)) {
      if (at === 0 ? afterCr : chunk[at - 1] === 0x0d) continue
      write(chunk.subarray(start, at))
      write(lineEnd)
      start = at + 1
    }
    write(chunk.subarray(start))
    if (chunk.length > 0) afterCr = chunk[chunk.length - 1] === 0x0d
  }
}

const lineEnd = Uint8Array.of(0x0d, 0x0a)
