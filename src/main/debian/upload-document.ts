import { createHash } from 'node:crypto'
import { sha256Hex } from '../../shared/ids.ts'
import {
  type DocumentFault,
  type ListedDigests,
  type UploadDocumentFacts,
  uploadBounds,
} from '../../shared/upload-facts.ts'
import { canonicalText } from '../canonical/canonical-json.ts'
import { controlLimits } from '../deb822/control-fault.ts'
import { type ControlFile, fieldOf, foldedOf, lineOf, parseControl, withoutBlanks } from '../deb822/paragraph.ts'
import { readFileLists } from './file-list.ts'
import { nameFaults, otherFields, wellCut } from './other-fields.ts'
import { parseVersion } from './version.ts'

export type UploadDocumentKind = UploadDocumentFacts['document']

/** The documents of an upload that are signed, by the end of their names. Null: a file that they list. */
export function documentKindOf(name: string): UploadDocumentKind | null {
  const end = /\.(changes|dsc|buildinfo)$/.exec(name)?.[1]
  return end === 'changes' || end === 'dsc' || end === 'buildinfo' ? end : null
}

/** What a `.changes`, `.dsc` or `.buildinfo` says, and why it must not be signed where that is so. */
export function uploadDocumentFacts(
  bytes: Uint8Array,
  document: UploadDocumentKind,
  digests: ListedDigests,
): UploadDocumentFacts {
  const parsed = parseControl(bytes, controlLimits)
  if (!parsed.ok)
    return { ...nothing(document, digests), faults: [{ ...parsed.error, message: cut(parsed.error.message) }] }
  const file = parsed.value
  const lists = readFileLists(file, document, uploadBounds.files)
  const changes = document === 'changes' ? changesOf(file) : { lines: [], fault: null }
  const faults = [
    ...formatFaults(file, document),
    ...identityFaults(file, document),
    ...(lists.ok ? [] : [lists.error]),
    ...(changes.fault === null ? [] : [changes.fault]),
    ...longFields(file, document),
    ...longLines(file),
    ...foldedFields(file, document),
    ...nameFaults(file, document),
  ]
  const text = (name: string) => bounded(lineOf(file, name))
  return {
    kind: 'upload-document',
    document,
    digests,
    faults: faults.slice(0, 16).map(({ code, message }) => ({ code, message: cut(message) })),
    signedAlready: file.signed,
    bodySha256: sha256Hex.parse(createHash('sha256').update(file.body).digest('hex')),
    format: text('Format'),
    source: text('Source'),
    version: text('Version'),
    architecture: text('Architecture'),
    binary: bounded(folded(file, 'Binary')),
    distribution: text('Distribution'),
    urgency: text('Urgency'),
    maintainer: text('Maintainer'),
    changedBy: text('Changed-By'),
    date: text('Date'),
    closes: closesOf(file)
      .slice(0, maxCloses)
      .map((each) => wellCut(each, longestBug)),
    changes: changes.lines,
    files: lists.ok ? [...lists.value] : [],
    debusineFields: file.fields
      .map(({ name }) => name)
      .filter((name) => /^debusine-/i.test(name))
      .slice(0, 16)
      .map((name) => name.slice(0, 100)),
    others: otherFields(file, document),
  }
}

/** Whether a document says what a sheet shows of it, all of that and nothing else. */
export function isAsShown(bytes: Uint8Array, document: UploadDocumentKind, shown: UploadDocumentFacts): boolean {
  return canonicalText(uploadDocumentFacts(bytes, document, shown.digests)) === canonicalText(shown)
}

/** What is said of a document that is too large to be read. */
export function unreadDocument(
  document: UploadDocumentKind,
  digests: ListedDigests,
  size: number,
): UploadDocumentFacts {
  const message = `The file has ${size} bytes; no more than ${controlLimits.bytes} are read of its kind.`
  return { ...nothing(document, digests), faults: [{ code: 'too-large', message }] }
}

function nothing(document: UploadDocumentKind, digests: ListedDigests): UploadDocumentFacts {
  return {
    kind: 'upload-document',
    document,
    digests,
    faults: [],
    signedAlready: false,
    bodySha256: null,
    format: null,
    source: null,
    version: null,
    architecture: null,
    binary: null,
    distribution: null,
    urgency: null,
    maintainer: null,
    changedBy: null,
    date: null,
    closes: [],
    changes: [],
    files: [],
    debusineFields: [],
    others: [],
  }
}

/** As debsign has them: 1.7 and 1.8; 0.0 to 0.2 and 1.0. It looks only after the .dsc is signed. A .dsc's format is dpkg's business. */
function formatFaults(file: ControlFile, document: UploadDocumentKind): readonly DocumentFault[] {
  const format = lineOf(file, 'Format')
  if (document === 'dsc') {
    return format !== null && /^\d+\.\d+(?: \([a-z0-9]+\))?$/.test(format)
      ? []
      : [{ code: 'format-unsupported', message: 'The .dsc has no source format that could be read.' }]
  }
  const [, major, minor] = /^(\d{1,3})\.(\d{1,3})$/.exec(format ?? '') ?? []
  const isRight =
    document === 'changes'
      ? Number(major) === 1 && (Number(minor) === 7 || Number(minor) === 8)
      : (Number(major) === 0 && Number(minor) <= 2) || (Number(major) === 1 && Number(minor) === 0)
  return isRight
    ? []
    : [
        {
          code: 'format-unsupported',
          message: `The .${document} has the format ${format === null ? 'that it does not name' : `“${format}”`}; ${
            document === 'changes' ? '1.7 and 1.8 are' : '0.0 to 0.2 and 1.0 are'
          } signed.`,
        },
      ]
}

function identityFaults(file: ControlFile, document: UploadDocumentKind): readonly DocumentFault[] {
  const wanted = [
    'Source',
    'Version',
    ...(document === 'changes' ? ['Distribution', 'Maintainer', 'Architecture'] : []),
  ]
  const absent = wanted
    .filter((name) => lineOf(file, name) === null)
    .map((name) => ({ code: 'field-absent', message: `The .${document} has no field ${name} of one line.` }))
  const version = lineOf(file, 'Version')
  return version === null || parseVersion(version) !== null
    ? absent
    : [...absent, { code: 'version-malformed', message: `“${version}” is no version that dpkg accepts.` }]
}

/** Lines of the text, without the blank before each; a dot alone stands for an empty line (deb-changes(5)). */
function changesOf(file: ControlFile): { readonly lines: string[]; readonly fault: DocumentFault | null } {
  const field = fieldOf(file, 'Changes')
  if (field === null)
    return { lines: [], fault: { code: 'field-absent', message: 'The .changes has no field Changes.' } }
  const [first, ...rest] = field.lines
  const lines = [...(first === '' ? [] : [first]), ...rest.map((line) => line.slice(1))]
  const tooLong =
    lines.length > uploadBounds.changesLines || lines.some((line) => line.length > uploadBounds.lineLength)
  return {
    lines: lines.slice(0, uploadBounds.changesLines).map((line) => wellCut(line, uploadBounds.lineLength)),
    fault: tooLong
      ? { code: 'changes-too-long', message: 'The text of Changes is too long to be reviewed whole.' }
      : null,
  }
}

/** What is shown is shown whole or not signed: a cut value would hide its end. `Binary`, which is long in large uploads, is among the other fields. */
function longFields(file: ControlFile, document: UploadDocumentKind): readonly DocumentFault[] {
  const shown =
    document === 'changes'
      ? ['Source', 'Version', 'Architecture', 'Distribution', 'Urgency', 'Maintainer', 'Changed-By', 'Date']
      : ['Format', 'Source', 'Version', 'Architecture', 'Maintainer']
  const closes = document === 'changes' ? closesOf(file) : []
  const tooLong = shown.filter((name) => (folded(file, name)?.length ?? 0) > longest)
  if (closes.length > maxCloses || closes.some((bug) => bug.length > longestBug)) tooLong.push('Closes')
  return tooLong.map((name) => ({
    code: 'field-too-long',
    message: `The field ${name} is too long to be reviewed whole.`,
  }))
}
/** Found when it is its turn, such a line would stop an upload of which the first documents are signed already. */
function longLines({ body }: ControlFile): readonly DocumentFault[] {
  for (let start = 0; start < body.length; ) {
    const end = body.indexOf(0x0a, start)
    if (end - start > longestLine)
      return [
        {
          code: 'line-too-long',
          message: `A line has ${end - start} bytes; GnuPG cuts what is longer than ${longestLine}, and calls its signature bad.`,
        },
      ]
    if (end === -1) break
    start = end + 1
  }
  return []
}
/** Bytes; as `maxLine` of clear-signed texts. */
const longestLine = 19_990
const longest = 4000
const maxCloses = 200
const longestBug = 40

function closesOf(file: ControlFile): readonly string[] {
  return (folded(file, 'Closes') ?? '').split(/[ \t]+/).filter(Boolean)
}

/** The others that are shown are wanted of one line anyway. */
function foldedFields(file: ControlFile, document: UploadDocumentKind): readonly DocumentFault[] {
  return foldedOf(file, document === 'changes' ? ['Urgency', 'Changed-By', 'Date'] : []).map((name) => ({
    code: 'field-folded',
    message: `The field ${name} goes on in a second line: programs read it whole, and a sheet has one line for it.`,
  }))
}

/** A field that may be folded over lines, with single blanks between them. */
function folded(file: ControlFile, name: string): string | null {
  const field = fieldOf(file, name)
  return field === null
    ? null
    : field.lines
        .map((line) => withoutBlanks(line))
        .filter((line) => line !== '')
        .join(' ')
}

function bounded(text: string | null): string | null {
  return text === null ? null : wellCut(text, longest)
}
function cut(text: string): string {
  return wellCut(text, 600)
}
