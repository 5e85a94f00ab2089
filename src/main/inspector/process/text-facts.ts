import { createHash } from 'node:crypto'
import { sha256Hex } from '../../../shared/ids.ts'
import { shownTextLength, type TextFacts, type TextOddity } from '../../../shared/input-facts.ts'
import { clearTextSentence, maxClearText, readClearText } from '../../openpgp/clear-text.ts'
import type { ByteSource } from './byte-source.ts'
import { inspectedText } from './inspected-text.ts'

const pieceLength = 4096
const maxOddities = 32
const maxFrames = 32
const frameLength = 100

/**
 * What a text says that is to be clear-signed, and what about it is not seen by who reads it. A file that is no text is a text with
 * a fault: it has its facts all the same.
 */
export function inspectText(source: ByteSource): TextFacts {
  const bytes = source.read(0, maxClearText + 1)
  const read = readClearText(bytes)
  const { text, cut } = inspectedText(bytes.subarray(0, 4 * shownTextLength), shownTextLength)
  const whole = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  const lines = linesOf(whole)
  return {
    kind: 'text',
    faults: read.ok ? [] : [{ code: read.error.code, message: clearTextSentence(read.error) }],
    signedTextSha256: read.ok ? sha256Hex.parse(createHash('sha256').update(read.value.canonical).digest('hex')) : null,
    lines: lines.length,
    lineEnds: lineEndsOf(lines, whole.endsWith('\n')),
    trailingBlanks: lines.filter((line) => /[ \t]\r?$/.test(line)).length,
    text: piecesOf(text),
    cut: cut || bytes.length > 4 * shownTextLength,
    oddities: odditiesOf(lines),
    ...framesOf(lines),
  }
}

function linesOf(text: string): readonly string[] {
  if (text === '') return []
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n')
}

function lineEndsOf(lines: readonly string[], endsWithLf: boolean): TextFacts['lineEnds'] {
  const ended = endsWithLf ? lines : lines.slice(0, -1)
  const crlf = ended.filter((line) => line.endsWith('\r')).length
  if (ended.length === 0) return 'none'
  return crlf === 0 ? 'lf' : crlf === ended.length ? 'crlf' : 'mixed'
}

/** Answers hold no text longer than a bound; nothing is split within a character. */
function piecesOf(text: string): string[] {
  const pieces: string[] = []
  for (let start = 0; start < text.length; ) {
    const end = text.slice(start, start + pieceLength).isWellFormed() ? start + pieceLength : start + pieceLength - 1
    pieces.push(text.slice(start, end))
    start = end
  }
  return pieces
}

const odd = /[\p{Cc}\p{Cf}\p{Cs}\p{Cn}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu
/** UAX #9: embeddings, overrides, isolates and marks. */
const bidirectional = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/

/** Everything that does not show, by its code point. Tabs and line ends are a text's own. */
function odditiesOf(lines: readonly string[]): TextOddity[] {
  const found = new Map<string, { kind: TextOddity['kind']; count: number; firstLine: number }>()
  for (const [index, line] of lines.entries()) {
    for (const [character] of line.replace(/\r$/, '').matchAll(odd)) {
      if (character === '\t') continue
      const known = found.get(character)
      if (known !== undefined) known.count += 1
      else if (found.size < maxOddities)
        found.set(character, { kind: kindOf(character), count: 1, firstLine: index + 1 })
    }
  }
  return [...found].map(([character, { kind, count, firstLine }]) => ({
    kind,
    codePoint: `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`,
    count,
    firstLine,
  }))
}

function kindOf(character: string): TextOddity['kind'] {
  if (bidirectional.test(character)) return 'bidirectional'
  if (/\p{Cc}/u.test(character)) return 'control'
  if (/[\p{Zl}\p{Zp}]/u.test(character)) return 'line-separator'
  return /[\p{Cf}\p{Default_Ignorable_Code_Point}]/u.test(character) ? 'invisible' : 'not-assigned'
}

/** Armor may stand after blanks or be dash-escaped: a person who looks at the text sees a frame in each case. */
const frame = /^[\s-]{0,8}-{4,5}(BEGIN|END) PGP /

function framesOf(lines: readonly string[]): Pick<TextFacts, 'frames' | 'linesOutside'> {
  const frames: { line: number; text: string }[] = []
  let inside = false
  let seen = false
  let outside = 0
  for (const [index, line] of lines.entries()) {
    const isFrame = frame.test(line)
    if (isFrame && frames.length < maxFrames)
      frames.push({ line: index + 1, text: line.slice(0, frameLength).toWellFormed() })
    if (line.trimEnd() === '-----BEGIN PGP SIGNED MESSAGE-----') inside = seen = true
    else if (line.trimEnd() === '-----END PGP SIGNATURE-----') inside = false
    else if (!inside && line.trim() !== '') outside += 1
  }
  return { frames, linesOutside: seen ? outside : null }
}
