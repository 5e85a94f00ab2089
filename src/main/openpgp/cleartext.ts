import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { armor } from './armor.ts'
import { concatBytes } from './packet.ts'
import type { OpenPgpPublicKey } from './public-key.ts'
import { openSignature, signatureType } from './signature.ts'
import { type OpenPgpSigner, signAll, signaturePackets, type UnsignedOutput } from './signer.ts'

/** Why a text is not clear-signed: programs that verify would not all read the same text. */
export type ClearTextFault =
  | { readonly code: 'not-utf8' }
  | { readonly code: 'nul'; readonly line: number }
  | { readonly code: 'bare-cr'; readonly line: number }
  | { readonly code: 'long-line'; readonly line: number }

/** GnuPG cuts longer lines, and says of what is left that its signature is bad (MAX_LINELEN 19995, with room for its own line end). */
export const maxLine = 19_990

const lf = 0x0a
const cr = 0x0d
const dash = 0x2d
const from = Buffer.from('From ')

/** A text as a cleartext signature reads it (RFC 9580 §7). */
export interface ClearText {
  /** What is hashed: no blanks at line ends, CRLF between lines, and no line end after the last. */
  readonly canonical: Uint8Array
  /** What is written between the headers and the signature: the text, dash-escaped, with a line end after the last line. */
  readonly escaped: Uint8Array
}

/**
 * Reads a text for clear-signing, as GnuPG does: blanks at line ends stay in the text and are not signed, lines that begin with
 * `-` or `From ` are escaped.
 */
export function readClearText(text: Uint8Array): Result<ClearText, ClearTextFault> {
  if (!isUtf8(text)) return err({ code: 'not-utf8' })
  const canonical: Uint8Array[] = []
  const escaped: Uint8Array[] = []
  let number = 0
  for (let start = 0; start < text.length; ) {
    const found = text.indexOf(lf, start)
    const end = found === -1 ? text.length : found
    const line = text.subarray(start, end)
    number += 1
    const fault = faultOf(line, found !== -1)
    if (fault !== null) return err({ code: fault, line: number })
    if (number > 1) canonical.push(crlf)
    canonical.push(line.subarray(0, lengthWithoutBlanks(line)))
    if (line[0] === dash || startsWith(line, from)) escaped.push(dashEscape)
    escaped.push(line, oneLf)
    start = end + 1
  }
  // An empty text has one line end, without which its signature would begin in the text's place.
  if (number === 0) escaped.push(oneLf)
  return ok({ canonical: concatBytes(...canonical), escaped: concatBytes(...escaped) })
}

const crlf = Uint8Array.of(cr, lf)
const oneLf = Uint8Array.of(lf)
const dashEscape = Buffer.from('- ')

/** Prepares a clear-signed message by one or several keys over the same text. */
export function prepareCleartext(text: ClearText, keys: readonly OpenPgpPublicKey[], created: number): UnsignedOutput {
  const unsigned = keys.map((key) => {
    const signature = openSignature({ type: signatureType.text, key, created })
    signature.update(text.canonical)
    return signature.finish()
  })
  // Readers that know version 6 take the digest from the salted packets (§7.1); a header that no packet needs would confuse them.
  const withHeader = keys.some(({ version }) => version === 4)
  const head = `-----BEGIN PGP SIGNED MESSAGE-----\n${withHeader ? 'Hash: SHA512\n' : ''}\n`
  return {
    requests: unsigned.map(({ request }) => request),
    assemble: (signatures) => {
      const packets = signaturePackets(unsigned, signatures)
      return concatBytes(Buffer.from(head), text.escaped, Buffer.from(armor('PGP SIGNATURE', packets, withHeader)))
    },
  }
}

/** Clear-signs a text with every key: one message with as many signature packets. */
export async function signCleartext(
  text: Uint8Array,
  signers: readonly OpenPgpSigner[],
  created: Date,
): Promise<Result<Uint8Array, Failure>> {
  const read = readClearText(text)
  if (!read.ok) return err(clearTextFailure(read.error))
  const keys = signers.map(({ key }) => key)
  return signAll(prepareCleartext(read.value, keys, Math.floor(created.getTime() / 1000)), signers)
}

/** One sentence about a fault, for a file that is not signed because of it. */
export function clearTextSentence(fault: ClearTextFault): string {
  switch (fault.code) {
    case 'not-utf8':
      return 'The file is not UTF-8 text: a clear-signed copy of it would be read differently by different programs.'
    case 'nul':
      return `Line ${fault.line} holds a zero byte, at which some programs end the text.`
    case 'bare-cr':
      return `Line ${fault.line} holds a carriage return that ends no line: some programs read two lines there, others one.`
    case 'long-line':
      return `Line ${fault.line} is longer than ${maxLine} bytes; GnuPG would cut it and call the signature bad.`
  }
}

export function clearTextFailure(fault: ClearTextFault): Failure<'text-unsafe'> {
  return {
    kind: 'invalid',
    code: 'text-unsafe',
    message: `${clearTextSentence(fault)} Nothing was signed.`,
    detail: fault.code,
  }
}

function faultOf(line: Uint8Array, ended: boolean): 'nul' | 'bare-cr' | 'long-line' | null {
  if (line.length > maxLine) return 'long-line'
  if (line.includes(0)) return 'nul'
  const found = line.indexOf(cr)
  // CRLF is one line end; a CR at the end of a text without one is not.
  return found === -1 || (ended && found === line.length - 1) ? null : 'bare-cr'
}

function lengthWithoutBlanks(line: Uint8Array): number {
  let length = line.length
  for (; length > 0; length--) {
    const octet = line[length - 1]
    if (octet !== 0x20 && octet !== 0x09 && octet !== cr) break
  }
  return length
}

function startsWith(line: Uint8Array, prefix: Uint8Array): boolean {
  return prefix.every((octet, index) => line[index] === octet)
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return true
  } catch {
    return false
  }
}
