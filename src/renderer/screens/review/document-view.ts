import { replacedField } from '../../../shared/replaced-field.ts'
import type { SheetArtifact, SheetFile } from '../../../shared/review-sheet.ts'
import type { OtherField, UploadDocumentFacts } from '../../../shared/upload-facts.ts'
import { byteSize, count, plainNumber } from '../../parts/format.ts'

/** A field of a document that has no place of its own on the sheet. Its name is the file's as much as its value. */
export type FieldView = {
  readonly name: string
  /** As far as the sheet has it. */
  readonly value: string
  /** Long ones are folded: their size in words. Null: the value is shown at once. */
  readonly folded: string | null
  readonly sha256: string
  /** What is signed of it and not shown. Null: it is shown whole. */
  readonly cut: string | null
  /** What becomes of it before the document is signed. */
  readonly note: string | null
}

export type ListedView = {
  readonly name: string
  readonly size: string
  /** Section and priority, where the document gives them. */
  readonly section: string
  readonly sha256: string | null
  /** Whether the file came along with the upload. */
  readonly here: boolean
}

/** A document of an upload that is signed: everything in it that the sheet does not say under a name of its own. */
export type DocumentView = {
  readonly path: string
  readonly what: string
  /** Null: the sheet is of a station that did not show them. */
  readonly fields: readonly FieldView[] | null
  readonly listed: readonly ListedView[]
  /** `5 files, 1 of them not in this upload`. */
  readonly listedWords: string
}

export const documentWords = {
  changes: 'Changes of an upload',
  dsc: 'Source package',
  buildinfo: 'Record of a build',
} as const

/** Longer ones are folded, whatever they are called: a name is the file's own. */
const longestOpen = { lines: 8, length: 400 } as const

/** In the order in which they are signed. */
export function documentsOf(
  { files }: Pick<SheetArtifact, 'files'>,
  upload: NonNullable<SheetArtifact['upload']>,
): readonly DocumentView[] {
  return [upload.dsc, upload.buildinfo, upload.changes].flatMap((path): DocumentView[] => {
    const facts = files.find((file) => file.path === path)?.facts
    if (path === null || facts?.kind !== 'upload-document') return []
    const replaced = upload.debusineFields !== null && facts.document === 'changes'
    const listed = facts.files.map((file) => listedView(file, files))
    const absent = listed.filter(({ here }) => !here).length
    return [
      {
        path,
        what: documentWords[facts.document],
        fields: facts.others?.map((field) => fieldView(field, replaced)) ?? null,
        listed,
        listedWords: `${count(listed.length, 'file')}${
          absent === 0 ? ', all of them in this upload' : `, ${plainNumber(absent)} of them not in this upload`
        }`,
      },
    ]
  })
}

function fieldView(field: OtherField, replaced: boolean): FieldView {
  const value = field.value.join('')
  const { name, lines, bytes, sha256, cutBytes } = field
  const isLong = lines > longestOpen.lines || value.length > longestOpen.length || cutBytes > 0
  return {
    name,
    value: shownLines(value),
    folded: isLong ? `${count(lines, 'line')}, ${byteSize(bytes)}` : null,
    sha256,
    cut:
      cutBytes === 0
        ? null
        : `${plainNumber(cutBytes)} of its ${plainNumber(bytes)} bytes are not shown, and are signed all the same. The digest is that of the whole value.`,
    note: replaced && replacedField.test(name) ? 'The station takes it out before it signs, and writes its own.' : null,
  }
}

/** Without the blank that each further line begins with, and without the first line where it is empty, as it is as a rule. */
function shownLines(value: string): string {
  const text = value.replaceAll('\n ', '\n')
  return text.startsWith('\n') ? text.slice(1) : text
}

function listedView(
  { name, size, section, priority, sha256 }: UploadDocumentFacts['files'][number],
  files: readonly SheetFile[],
): ListedView {
  return {
    name,
    size: byteSize(size),
    section: [section, priority].filter(Boolean).join(' '),
    sha256,
    here: files.some(({ path }) => path === name),
  }
}
