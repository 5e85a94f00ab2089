import { err, ok, type Result } from '../../shared/result.ts'
import { concatBytes } from './packet.ts'

/** Why a text is not clear-signed: programs that verify would not all read the same text. */
export type ClearTextFault =
  | { readonly code: 'too-large' }
  | { readonly code: 'not-utf8' }
  | { readonly code: 'nul'; readonly line: number }
  | { readonly code: 'bare-cr'; readonly line: number }
  | { readonly code: 'long-line'; readonly line: number }

/** Bytes. A message is held in memory whole, by whoever makes it and whoever reads it. */
export const maxClearText = 16 * 1024 * 1024
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
  if (text.length > maxClearText) return err({ code: 'too-large' })
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

/** One sentence about a fault, for a file that is not signed because of it. */
export function clearTextSentence(fault: ClearTextFault): string {
  switch (fault.code) {
    case 'too-large':
      return `The file is larger than ${maxClearText / 1024 / 1024} MiB, which is more than is clear-signed here.`
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
