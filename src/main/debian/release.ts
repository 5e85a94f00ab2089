import { createHash } from 'node:crypto'
import { sha256Hex } from '../../shared/ids.ts'
import type { ReleaseFacts } from '../../shared/release-facts.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { DocumentFault } from '../../shared/upload-facts.ts'
import { releaseLimits } from '../deb822/control-fault.ts'
import {
  type ControlField,
  type ControlFile,
  fieldOf,
  foldedOf,
  lineOf,
  parseControl,
  valueOf,
} from '../deb822/paragraph.ts'

/** A file that a `Release` lists. */
export interface ReleaseIndex {
  readonly name: string
  readonly size: number
  readonly sha256: string
}

export interface ReleaseReading {
  readonly facts: ReleaseFacts
  /** By name. Empty where it has faults. */
  readonly indexes: ReadonlyMap<string, ReleaseIndex>
}

const lists: Readonly<Record<string, number>> = { MD5Sum: 32, SHA1: 40, SHA256: 64, SHA512: 128 }
const maxWords = 200
const longest = 1000
const maxOthers = 32
/** Fields that the sheet shows by names of its own. `others` holds what is left, so that nothing is signed unseen. */
const shownLines = [
  'Origin',
  'Label',
  'Suite',
  'Codename',
  'Version',
  'Description',
  'Components',
  'Architectures',
  'Acquire-By-Hash',
  'NotAutomatic',
]
const shownApart = new Set(
  [...shownLines, 'Date', 'Valid-Until', ...Object.keys(lists)].map((name) => name.toLowerCase()),
)

/** Reads a `Release`: what it says of itself, and the indexes that a signature vouches for (repository format, "Release files"). */
export function readRelease(bytes: Uint8Array): ReleaseReading {
  const parsed = parseControl(bytes, releaseLimits)
  if (!parsed.ok) return { facts: { ...nothing, faults: [{ ...parsed.error }] }, indexes: new Map() }
  const file = parsed.value
  const indexes = readLists(file)
  const date = timeOf(file, 'Date')
  const validUntil = timeOf(file, 'Valid-Until')
  const faults: DocumentFault[] = [
    ...(file.signed
      ? [
          {
            code: 'signed-already',
            message: 'The Release carries a signature; an index is signed from its unsigned text.',
          },
        ]
      : []),
    ...(indexes.ok ? [] : [indexes.error]),
    ...(date.ok ? [] : [date.error]),
    ...(date.ok && date.value === null
      ? [{ code: 'field-absent', message: 'The Release has no Date: apt could not tell an old one from a new one.' }]
      : []),
    ...(validUntil.ok ? [] : [validUntil.error]),
    ...(lineOf(file, 'Suite') === null && lineOf(file, 'Codename') === null
      ? [{ code: 'field-absent', message: 'The Release names neither a Suite nor a Codename.' }]
      : []),
    ...wordFaults(file),
    ...shapeFaults(file),
  ]
  const text = (name: string) => lineOf(file, name)?.slice(0, longest) ?? null
  return {
    facts: {
      kind: 'release',
      faults: faults.slice(0, 16),
      signedAlready: file.signed,
      bodySha256: sha256Hex.parse(createHash('sha256').update(file.body).digest('hex')),
      origin: text('Origin'),
      label: text('Label'),
      suite: text('Suite'),
      codename: text('Codename'),
      version: text('Version'),
      description: text('Description'),
      date: date.ok ? date.value : null,
      validUntil: validUntil.ok ? validUntil.value : null,
      components: words(file, 'Components'),
      architectures: words(file, 'Architectures'),
      acquireByHash: flag(file, 'Acquire-By-Hash'),
      notAutomatic: flag(file, 'NotAutomatic'),
      digestLists: Object.keys(lists).filter((name) => fieldOf(file, name) !== null),
      indexes: indexes.ok ? indexes.value.size : 0,
      others: others(file)
        .slice(0, maxOthers)
        .map((field) => ({ name: field.name.slice(0, 100), value: valueOf(field).slice(0, longest).toWellFormed() })),
      change: null,
    },
    indexes: indexes.ok && faults.length === 0 ? indexes.value : new Map(),
  }
}

const nothing: ReleaseFacts = {
  kind: 'release',
  faults: [],
  signedAlready: false,
  bodySha256: null,
  origin: null,
  label: null,
  suite: null,
  codename: null,
  version: null,
  description: null,
  date: null,
  validUntil: null,
  components: [],
  architectures: [],
  acquireByHash: null,
  notAutomatic: null,
  digestLists: [],
  indexes: 0,
  others: [],
  change: null,
}

/** Every list names the same files with the same sizes: a verifier reads the one it likes. */
function readLists(file: ControlFile): Result<ReadonlyMap<string, ReleaseIndex>, DocumentFault> {
  const sha256 = fieldOf(file, 'SHA256')
  if (sha256 === null) return fault('no-sha256', 'The Release has no SHA256 list: apt would accept nothing of it.')
  const indexes = readList(sha256, 64)
  if (!indexes.ok) return indexes
  for (const [name, digits] of Object.entries(lists)) {
    const field = name === 'SHA256' ? null : fieldOf(file, name)
    if (field === null) continue
    const other = readList(field, digits)
    if (!other.ok) return other
    if (other.value.size !== indexes.value.size)
      return fault('lists-differ', `${name} lists ${other.value.size} files, and SHA256 ${indexes.value.size}.`)
    for (const entry of other.value.values())
      if (indexes.value.get(entry.name)?.size !== entry.size)
        return fault('lists-differ', `${name} and SHA256 do not say the same of ${entry.name.slice(0, 200)}.`)
  }
  return indexes
}

function readList(field: ControlField, digits: number): Result<ReadonlyMap<string, ReleaseIndex>, DocumentFault> {
  const [first, ...lines] = field.lines
  if (first !== '') return fault('list-malformed', `Text stands on the first line of ${field.name}.`)
  const entries = new Map<string, ReleaseIndex>()
  // apt-ftparchive fills the sizes up with blanks.
  const shape = new RegExp(`^ ([0-9a-f]{${digits}}) +(0|[1-9]\\d{0,15}) (\\S+)$`)
  for (const [index, line] of lines.entries()) {
    const [, digest, size, name] = shape.exec(line) ?? []
    if (digest === undefined || size === undefined || name === undefined)
      return fault(
        'list-malformed',
        `${field.name} has a line that is not as it should be (line ${field.at + index + 1}).`,
      )
    if (
      name.startsWith('/') ||
      name.length > 500 ||
      name.split('/').some((part) => part === '' || part === '.' || part === '..')
    )
      return fault(
        'name-unsafe',
        `${field.name} has a name that leaves the folder of the suite (line ${field.at + index + 1}).`,
      )
    if (entries.has(name)) return fault('file-twice', `${field.name} lists ${name.slice(0, 200)} twice.`)
    entries.set(name, { name, size: Number(size), sha256: digest })
  }
  return ok(entries)
}

/** RFC 5322 times, always of UTC (repository format, "Date, Valid-Until"); ISO 8601 with milliseconds. */
function timeOf(file: ControlFile, name: string): Result<string | null, DocumentFault> {
  const text = lineOf(file, name)
  const malformed = fault('time-malformed', `${name} of the Release is not a time of UTC as apt reads it.`)
  if (text === null) return fieldOf(file, name) === null ? ok(null) : malformed
  const [, day, month, year, time] =
    /^[A-Z][a-z]{2}, {1,2}(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d{1,2}:\d{2}:\d{2}) (?:UTC|GMT|Z|\+0000|-0000)$/.exec(
      text,
    ) ?? []
  const at = Date.parse(`${day} ${month} ${year} ${time?.padStart(8, '0')} GMT`)
  // The 31st of February is taken for one of March otherwise.
  return Number.isNaN(at) || new Date(at).getUTCDate() !== Number(day) ? malformed : ok(new Date(at).toISOString())
}

function words(file: ControlFile, name: string): string[] {
  return (lineOf(file, name) ?? '')
    .split(/[ \t]+/)
    .filter(Boolean)
    .slice(0, maxWords)
}

/** What is shown is shown whole. */
function wordFaults(file: ControlFile): readonly DocumentFault[] {
  const tooMany = ['Components', 'Architectures'].filter(
    (name) => (lineOf(file, name) ?? '').split(/[ \t]+/).length > maxWords || (lineOf(file, name)?.length ?? 0) > 4000,
  )
  const tooLong = ['Origin', 'Label', 'Suite', 'Codename', 'Version', 'Description'].filter(
    (name) => (lineOf(file, name)?.length ?? 0) > longest,
  )
  const unshown = others(file)
  const tooLongOthers = unshown
    .filter((field) => field.name.length > 100 || valueOf(field).length > longest)
    .map(({ name }) => name.slice(0, 100))
  return [
    ...[...tooMany, ...tooLong, ...tooLongOthers].map((name) => ({
      code: 'field-too-long',
      message: `The field ${name} of the Release is too long to be reviewed whole.`,
    })),
    ...(unshown.length > maxOthers
      ? [{ code: 'field-too-long', message: 'The Release has more fields than can be reviewed.' }]
      : []),
  ]
}

/** Whatever else the signature vouches for: `Signed-By` says by which key apt takes the next Release. */
function others(file: ControlFile): readonly ControlField[] {
  return file.fields.filter(({ name }) => !shownApart.has(name.toLowerCase()))
}

/** apt takes a folded value whole, and other words than `yes` and `no` as well: the sheet would show another thing than apt reads. */
function shapeFaults(file: ControlFile): readonly DocumentFault[] {
  const odd = ['Acquire-By-Hash', 'NotAutomatic'].filter(
    (name) => lineOf(file, name) !== null && !/^(?:yes|no)$/i.test(lineOf(file, name) ?? ''),
  )
  return [
    ...foldedOf(file, shownLines).map((name) => ({
      code: 'field-folded',
      message: `The field ${name} of the Release goes on in a second line: apt reads it whole, and a sheet has one line for it.`,
    })),
    ...odd.map((name) => ({
      code: 'flag-malformed',
      message: `The field ${name} of the Release is neither yes nor no.`,
    })),
  ]
}

function flag(file: ControlFile, name: string): boolean | null {
  const text = lineOf(file, name)
  return text === null ? null : text.toLowerCase() === 'yes'
}

function fault(code: string, message: string): Result<never, DocumentFault> {
  return err({ code, message })
}
