import { err, ok, type Result } from '../../shared/result.ts'
import { takeFrameOff } from './cleartext-frame.ts'
import type { ControlFault, ControlFaultCode, ControlLimits } from './control-fault.ts'

export interface ControlField {
  /** As the file spells it. */
  readonly name: string
  /** The first line without blanks around it; then each continuation line as it stands, with the blank it begins with. */
  readonly lines: readonly [string, ...string[]]
  /** Line of the file, from 1. */
  readonly at: number
}

/** One paragraph of RFC 822-like fields (deb822(5)), and the bytes that it was read from. */
export interface ControlFile {
  /** The text without its signature: what is signed anew. */
  readonly body: Uint8Array
  readonly signed: boolean
  readonly fields: readonly ControlField[]
}

const fieldStart = /^([!-9;-~]+):(.*)$/s
/** All but tab; line feed and carriage return are looked for apart. */
const controlCharacter = /(?!\t)\p{Cc}/u

/**
 * Reads a `.changes`, `.dsc`, `.buildinfo` or `Release`: one paragraph, strictly. What dpkg, debsign's line-wise rewriting, apt and
 * python-debian would read differently from one another is refused, since a person approves one reading only.
 */
export function parseControl(bytes: Uint8Array, limits: ControlLimits): Result<ControlFile, ControlFault> {
  if (bytes.length > limits.bytes)
    return fault('too-large', `The file has ${bytes.length} bytes; no more than ${limits.bytes} are read of its kind.`)
  // Looked for in the whole file first: the frame's rules are about lines too.
  if (bytes.includes(0x0d))
    return fault(
      'carriage-return',
      'The file has carriage returns (CR LF line ends). Tools read such a file differently; it has to be made with LF alone.',
    )
  const unframed = takeFrameOff(bytes)
  if (!unframed.ok) return unframed
  const { body, signed, firstLine } = unframed.value
  const text = decode(body)
  if (!text.ok) return text
  const fields = readFields(text.value, firstLine, limits)
  return fields.ok ? ok({ body, signed, fields: fields.value }) : fields
}

function decode(body: Uint8Array): Result<string, ControlFault> {
  try {
    return ok(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body))
  } catch {
    return fault('not-utf8', 'The file is not valid UTF-8. What it says could not be shown as it is.')
  }
}

function readFields(
  text: string,
  firstLine: number,
  limits: ControlLimits,
): Result<readonly ControlField[], ControlFault> {
  if (text.length > 0 && !text.endsWith('\n'))
    return fault('no-final-newline', 'The last line has no end. Tools that add to the file would change it.')
  const fields: (Omit<ControlField, 'lines'> & { lines: [string, ...string[]] })[] = []
  const seen = new Set<string>()
  let line = firstLine
  let ended = false
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\n', start)
    const content = text.slice(start, end)
    start = end + 1
    line++
    if (line - firstLine > limits.lines)
      return fault('too-many-lines', `The file has more than ${limits.lines} lines; no more are read of its kind.`)
    if (content.length > limits.lineBytes)
      return fault('line-too-long', `Line ${line} is longer than ${limits.lineBytes} characters.`)
    const control = controlCharacter.exec(content)
    if (control !== null)
      return fault(
        'control-character',
        `Line ${line} has the control character U+${hex(control[0])}. It could hide or change what is shown.`,
      )
    if (content === '') {
      ended = true
      continue
    }
    if (ended)
      return fault(
        fields.length === 0 ? 'blank-line' : 'several-paragraphs',
        fields.length === 0
          ? 'The file begins with an empty line.'
          : `Line ${line} begins a second paragraph. Tools read only one of them, and not all the same one.`,
      )
    if (content.trim() === '')
      return fault('blank-line', `Line ${line} has nothing but blanks: some tools read it as the end, others go on.`)
    const last = fields.at(-1)
    if (content.startsWith(' ') || content.startsWith('\t')) {
      if (last === undefined) return fault('line-malformed', `Line ${line} continues a field, and none has begun.`)
      last.lines.push(content)
      continue
    }
    const [, name, value] = fieldStart.exec(content) ?? []
    // deb822(5): a name does not begin with `#` or `-`; a comment is allowed in debian/control alone.
    if (name === undefined || value === undefined || name.startsWith('#') || name.startsWith('-'))
      return fault('line-malformed', `Line ${line} is neither a field nor the continuation of one.`)
    if (seen.has(name.toLowerCase()))
      return fault('field-twice', `The field ${name} stands in the file twice (line ${line}).`)
    if (fields.length === limits.fields)
      return fault('too-many-fields', `The file has more than ${limits.fields} fields.`)
    seen.add(name.toLowerCase())
    fields.push({ name, lines: [withoutBlanks(value)], at: line })
  }
  return fields.length === 0 ? fault('no-fields', 'The file has no fields.') : ok(fields)
}

/** Without blanks and tabs around it. Unicode has more white space, which is text to every tool of Debian: it stays, so that it is seen. */
export function withoutBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text[start])) start++
  while (end > start && isBlank(text[end - 1])) end--
  return text.slice(start, end)
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t'
}

/**
 * Fields of one line that have more. dpkg and apt read on in the next line, where `lineOf` finds nothing: what is shown of a file must not
 * be among them.
 */
export function foldedOf(file: Pick<ControlFile, 'fields'>, names: readonly string[]): readonly string[] {
  return names.filter((name) => (fieldOf(file, name)?.lines.length ?? 1) > 1)
}

/** Names are compared without regard to case (deb822(5)). */
export function fieldOf(file: Pick<ControlFile, 'fields'>, name: string): ControlField | null {
  const wanted = name.toLowerCase()
  return file.fields.find((field) => field.name.toLowerCase() === wanted) ?? null
}

/** The value of a field of one line. Null: there is no such field, it is empty or has more lines. */
export function lineOf(file: Pick<ControlFile, 'fields'>, name: string): string | null {
  const field = fieldOf(file, name)
  return field === null || field.lines.length > 1 || field.lines[0] === '' ? null : field.lines[0]
}

/** A field as debusine's `changes_fields` have it: lines joined, continuation lines with the blank they begin with. */
export function valueOf(field: ControlField): string {
  return field.lines.join('\n')
}

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')
}

function fault(code: ControlFaultCode, message: string): Result<never, ControlFault> {
  return err({ code, message })
}
