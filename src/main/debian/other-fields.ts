import { createHash } from 'node:crypto'
import { sha256Hex } from '../../shared/ids.ts'
import {
  type DocumentFault,
  type OtherField,
  otherFieldBounds,
  type UploadDocumentFacts,
} from '../../shared/upload-facts.ts'
import { type ControlField, type ControlFile, valueOf } from '../deb822/paragraph.ts'

type Document = UploadDocumentFacts['document']

const lists = ['Files', 'Checksums-Sha1', 'Checksums-Sha256'] as const
/** What the sheet shows under names of its own. `otherFields` has the rest, so that nothing of a document is signed unseen. */
const shownApart: Readonly<Record<Document, readonly string[]>> = {
  changes: [
    'Format',
    'Date',
    'Source',
    'Architecture',
    'Version',
    'Distribution',
    'Urgency',
    'Maintainer',
    'Changed-By',
    'Closes',
    'Changes',
    ...lists,
  ],
  dsc: ['Format', ...lists],
  buildinfo: ['Format', 'Checksums-Md5', 'Checksums-Sha1', 'Checksums-Sha256'],
}
/** What the station reads beyond that. */
const read = ['Source', 'Version', 'Architecture', 'Maintainer', 'Binary']

/** Every field that has no place of its own, as it is spelled and in the order of the file. */
export function otherFields(file: Pick<ControlFile, 'fields'>, document: Document): OtherField[] {
  const { first, total } = otherFieldBounds
  let spare: number = total
  return unshown(file, document)
    .slice(0, otherFieldBounds.fields)
    .map((field) => {
      const value = valueOf(field)
      // A long field that stands first leaves every other its beginning.
      const begins = Math.min(value.length, first)
      const more = Math.min(value.length - begins, spare)
      spare -= more
      const shown = wellCut(value, begins + more)
      const bytes = Buffer.byteLength(value)
      return {
        name: field.name.slice(0, otherFieldBounds.name),
        value: piecesOf(shown),
        lines: field.lines.length,
        bytes,
        sha256: sha256Hex.parse(createHash('sha256').update(value).digest('hex')),
        cutBytes: bytes - Buffer.byteLength(shown),
      }
    })
}

/**
 * Names are compared without regard to case by dpkg (deb822(5)), and with regard to it by scripts around it. A field that is not spelled as
 * dpkg spells it is found by some of them only.
 */
export function nameFaults(file: Pick<ControlFile, 'fields'>, document: Document): readonly DocumentFault[] {
  const spelled = new Map([...shownApart[document], ...read].map((name) => [name.toLowerCase(), name]))
  return file.fields.flatMap(({ name }): DocumentFault[] => {
    const known = spelled.get(name.toLowerCase())
    if (known !== undefined && known !== name)
      return [
        {
          code: 'field-misspelled',
          message: `The field ${known} is spelled “${name}”: some programs read it, and others do not find it.`,
        },
      ]
    return name.length > otherFieldBounds.name
      ? [{ code: 'field-too-long', message: 'The name of a field is too long to be shown whole.' }]
      : []
  })
}

function unshown(file: Pick<ControlFile, 'fields'>, document: Document): readonly ControlField[] {
  const known = new Set(shownApart[document].map((name) => name.toLowerCase()))
  return file.fields.filter(({ name }) => !known.has(name.toLowerCase()))
}

/** Texts of the inspector's answer are limited in length each. */
function piecesOf(text: string): string[] {
  const pieces: string[] = []
  for (let start = 0; start < text.length; ) {
    const piece = wellCut(text.slice(start), otherFieldBounds.piece)
    pieces.push(piece)
    start += piece.length
  }
  return pieces
}

/** Never between the two halves of a character. */
export function wellCut(text: string, length: number): string {
  const made = text.slice(0, length)
  return made.isWellFormed() ? made : made.slice(0, -1)
}
