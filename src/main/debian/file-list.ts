import { err, ok, type Result } from '../../shared/result.ts'
import type { DocumentFault, ListedFile } from '../../shared/upload-facts.ts'
import { type ControlField, type ControlFile, fieldOf } from '../deb822/paragraph.ts'

type DigestName = 'md5' | 'sha1' | 'sha256'
interface ListField {
  readonly name: string
  readonly digest: DigestName
  /** Columns between size and name: section and priority. */
  readonly withSection: boolean
}

const digits: Readonly<Record<DigestName, number>> = { md5: 32, sha1: 40, sha256: 64 }
const sha1List: ListField = { name: 'Checksums-Sha1', digest: 'sha1', withSection: false }
const sha256List: ListField = { name: 'Checksums-Sha256', digest: 'sha256', withSection: false }

/** The lists of a document, the one that decides about order first (deb-changes(5), dsc(5), deb-buildinfo(5)). */
const listsOf: Readonly<Record<'changes' | 'dsc' | 'buildinfo', readonly [ListField, ...ListField[]]>> = {
  changes: [{ name: 'Files', digest: 'md5', withSection: true }, sha1List, sha256List],
  dsc: [{ name: 'Files', digest: 'md5', withSection: false }, sha1List, sha256List],
  buildinfo: [{ name: 'Checksums-Md5', digest: 'md5', withSection: false }, sha1List, sha256List],
}

/** What dpkg makes, and nothing that is a path, hidden, or read differently by a shell. */
const fileName = /^[A-Za-z0-9][A-Za-z0-9.+:~_%=@,-]{0,250}$/
const maxSize = Number.MAX_SAFE_INTEGER
const longestSection = 100
/**
 * What stands between size and name. Others part a line at every white space, python-debian at Unicode's as well: with a tab or U+00A0 in
 * its section they would take another column for the name of the file.
 */
const sectionOrPriority = /^[!-~]+$/

/**
 * Reads the lists of files and puts them together. Every list has to name the same files with the same sizes, each once; SHA-256 is
 * wanted of all. A list of another kind is refused: nobody here could check it, and debsign gives up at it.
 */
export function readFileLists(
  file: ControlFile,
  document: keyof typeof listsOf,
  maxFiles: number,
): Result<readonly ListedFile[], DocumentFault> {
  const lists = listsOf[document]
  for (const { name } of file.fields) {
    if (/^checksums-/i.test(name) && !lists.some((list) => list.name.toLowerCase() === name.toLowerCase()))
      return fault('checksum-unknown', `The field ${name} is a list of checksums of a kind that is not known.`)
    if (document === 'buildinfo' && name.toLowerCase() === 'files')
      return fault('list-unexpected', 'A .buildinfo has no field Files; debsign would change lines of it.')
  }
  if (fieldOf(file, 'Checksums-Sha256') === null)
    return fault('no-sha256', 'There is no Checksums-Sha256: the signature would rest on broken digests alone.')
  if (document !== 'buildinfo' && fieldOf(file, 'Files') === null) return fault('no-files', 'There is no field Files.')
  const files = new Map<string, ListedFile>()
  let complete: ListField | null = null
  for (const { list, field } of inOrder(file, lists)) {
    const read = readList(field, list, maxFiles)
    if (!read.ok) return read
    for (const entry of read.value) {
      const known = files.get(entry.name)
      if (known === undefined && complete !== null)
        return fault('lists-differ', `${list.name} lists ${entry.name}, and ${complete.name} does not.`)
      if (known !== undefined && known.size !== entry.size)
        return fault('lists-differ', `${list.name} gives ${entry.name} another size than ${complete?.name ?? ''} does.`)
      files.set(entry.name, {
        name: entry.name,
        size: entry.size,
        md5: known?.md5 ?? null,
        sha1: known?.sha1 ?? null,
        sha256: known?.sha256 ?? null,
        section: known?.section ?? entry.section,
        ...priorityOf(known, entry),
        [list.digest]: entry.digest,
      })
    }
    if (read.value.length !== files.size)
      return fault('lists-differ', `${list.name} does not list every file that ${complete?.name ?? ''} lists.`)
    complete ??= list
  }
  return ok([...files.values()])
}

/** The lists that the file has, in its order: debsign takes the first `.dsc` and `.buildinfo` that it meets. */
function inOrder(
  file: ControlFile,
  lists: readonly ListField[],
): readonly { readonly list: ListField; readonly field: ControlField }[] {
  return lists
    .flatMap((list) => {
      const field = fieldOf(file, list.name)
      return field === null ? [] : [{ list, field }]
    })
    .sort((a, b) => a.field.at - b.field.at)
}

interface Entry {
  readonly name: string
  readonly size: number
  readonly digest: string
  readonly section: string | null
  readonly priority: string | null
}

function priorityOf(known: ListedFile | undefined, entry: Entry): Pick<ListedFile, 'priority'> {
  const priority = known?.priority ?? entry.priority
  return priority === null ? {} : { priority }
}

function readList(field: ControlField, list: ListField, maxFiles: number): Result<readonly Entry[], DocumentFault> {
  const [first, ...lines] = field.lines
  if (first !== '') return fault('list-malformed', `Text stands on the first line of ${field.name}.`)
  if (lines.length > maxFiles)
    return fault('too-many-files', `${field.name} lists more than ${maxFiles} files; no more can be reviewed.`)
  const entries: Entry[] = []
  const seen = new Set<string>()
  for (const [index, line] of lines.entries()) {
    const where = `line ${field.at + index + 1}`
    const [blank, digest = '', size = '', ...rest] = line.split(' ')
    const [section, priority, name] = list.withSection ? rest : [null, null, rest[0]]
    if (blank !== '' || name === undefined || rest.length !== (list.withSection ? 3 : 1) || rest.includes(''))
      return fault('list-malformed', `${field.name} has a line that is not as it should be (${where}).`)
    if (!new RegExp(`^[0-9a-f]{${digits[list.digest]}}$`).test(digest))
      return fault('list-malformed', `${field.name} has a digest that is none (${where}).`)
    // A leading zero would be changed by whoever writes the size anew.
    if (!/^(?:0|[1-9]\d{0,15})$/.test(size) || Number(size) > maxSize)
      return fault('list-malformed', `${field.name} has a size that is none (${where}).`)
    if (!fileName.test(name))
      return fault('name-unsafe', `${field.name} has a name that is not one of a file beside it: “${name}” (${where}).`)
    const between = [section, priority].filter((column) => column != null)
    if (between.some((column) => column.length > longestSection || !sectionOrPriority.test(column)))
      return fault('list-malformed', `${field.name} has a section or a priority that is none (${where}).`)
    if (seen.has(name)) return fault('file-twice', `${field.name} lists ${name} twice.`)
    seen.add(name)
    entries.push({ name, size: Number(size), digest, section: section ?? null, priority: priority ?? null })
  }
  return ok(entries)
}

function fault(code: string, message: string): Result<never, DocumentFault> {
  return err({ code, message })
}
