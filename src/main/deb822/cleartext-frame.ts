import { err, ok, type Result } from '../../shared/result.ts'
import type { ControlFault } from './control-fault.ts'

/** A file apart from the cleartext signature that it may carry. */
export interface Unframed {
  /** What a signature is made over anew, with its line ends. */
  readonly body: Uint8Array
  readonly signed: boolean
  /** Lines of the file before the body. */
  readonly firstLine: number
}

const newline = 0x0a
const dash = 0x2d
const begin = '-----BEGIN PGP SIGNED MESSAGE-----'
const beginSignature = '-----BEGIN PGP SIGNATURE-----'
const endSignature = '-----END PGP SIGNATURE-----'
/** The frame around the text is short; what is longer is no header of it. */
const maxHeaders = 16
const maxSignatureLines = 2000

/**
 * Takes the frame of RFC 9580 7 off, where there is one: exactly one, from the first line to the last, with no header but `Hash`.
 * Text before, behind or between would not be covered by the signature and be shown by some tools as if it were: it is refused,
 * where debsign drops it unseen. So is a dash-escaped line: no control file needs one, and debsign would sign the escape as text.
 */
export function takeFrameOff(bytes: Uint8Array): Result<Unframed, ControlFault> {
  const lines = new Lines(bytes)
  const first = lines.next()
  if (first === null || !first.startsWith('-----BEGIN PGP ')) {
    return holdsLine(bytes, '\n-----BEGIN PGP ') || holdsLine(bytes, '\n-----END PGP ')
      ? outside('Text stands before a line of an OpenPGP frame. A signature would not say what it covers.')
      : ok({ body: bytes, signed: false, firstLine: 0 })
  }
  if (first !== begin)
    return malformed(`The file begins with “${first.slice(0, 60)}”, which is no beginning of a clear-signed text.`)
  let headers = 0
  for (;;) {
    const line = lines.next()
    if (line === null || headers > maxHeaders) return malformed('The head of the clear-signed text does not end.')
    if (line === '') break
    headers++
    // RFC 9580 7.1: no other header is allowed; anything else would be text that no signature covers.
    if (!/^Hash: [A-Za-z0-9, -]{1,80}$/.test(line))
      return outside('The head of the clear-signed text has a line that no signature covers.')
  }
  const start = lines.offset
  const firstLine = lines.count
  const end = findLine(bytes, start, beginSignature)
  if (end === null) return malformed('The clear-signed text has no signature after it.')
  const text = bytes.subarray(start, end)
  if (text[0] === dash || holdsLine(text, '\n-'))
    return malformed(
      'A line of the clear-signed text begins with a dash. Control files have none, and tools read it differently.',
    )
  const rest = new Lines(bytes.subarray(end))
  rest.next()
  for (let count = 0; ; count++) {
    const line = rest.next()
    if (line === null || count > maxSignatureLines) return malformed('The signature after the text does not end.')
    if (line === endSignature) break
    if (!/^(?:[A-Za-z0-9+/=]{0,100}|(?:Version|Comment|Hash|Charset|MessageID): .{0,200})$/.test(line))
      return malformed('The signature after the text is not in OpenPGP’s armor.')
  }
  if (bytes.subarray(end + rest.offset).some((byte) => byte !== newline))
    return outside('Text stands behind the signature. No signature covers it.')
  // debsign and gpg put one empty line between the text and its signature; it belongs to the frame.
  const body = text.length >= 2 && text.at(-1) === newline && text.at(-2) === newline ? text.subarray(0, -1) : text
  return ok({ body, signed: true, firstLine })
}

/** Lines one after another without splitting a large file. Not text yet: Latin-1, which keeps every byte apart. */
class Lines {
  readonly #bytes: Uint8Array
  offset = 0
  count = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  next(): string | null {
    if (this.offset >= this.#bytes.length) return null
    const end = this.#bytes.indexOf(newline, this.offset)
    const stop = end === -1 ? this.#bytes.length : end
    const line = latin1(this.#bytes.subarray(this.offset, Math.min(stop, this.offset + 1000)))
    this.offset = end === -1 ? stop : end + 1
    this.count++
    return line
  }
}

/** Offset of the first line that is exactly `wanted`. */
function findLine(bytes: Uint8Array, from: number, wanted: string): number | null {
  const found = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(
    `\n${wanted}\n`,
    Math.max(0, from - 1),
    'latin1',
  )
  return found === -1 ? null : found + 1
}

function holdsLine(bytes: Uint8Array, start: string): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(start, 0, 'latin1')
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

function malformed(message: string): Result<never, ControlFault> {
  return err({ code: 'frame-malformed', message })
}
function outside(message: string): Result<never, ControlFault> {
  return err({ code: 'text-outside-frame', message })
}
