import { type ControlField, type ControlFile, valueOf } from '../deb822/paragraph.ts'

const columns: Readonly<Record<string, readonly string[]>> = {
  files: ['md5sum', 'size', 'section', 'priority', 'name'],
  'checksums-sha1': ['sha1', 'size', 'name'],
  'checksums-sha256': ['sha256', 'size', 'name'],
}

type FieldValue = string | readonly Readonly<Record<string, string>>[]

/** The fields of a `.changes` as debusine's `changes_fields` have them: texts, and the lists of files row by row. */
export function changesFields(file: Pick<ControlFile, 'fields'>): Readonly<Record<string, FieldValue>> {
  return Object.fromEntries(file.fields.map((field) => [field.name, fieldValue(field)]))
}

function fieldValue(field: ControlField): FieldValue {
  const names = columns[field.name.toLowerCase()]
  if (names === undefined) return valueOf(field)
  return field.lines.slice(1).map((line) => {
    const words = line.trim().split(/ +/)
    return Object.fromEntries(names.map((name, index) => [name, words[index] ?? '']))
  })
}
