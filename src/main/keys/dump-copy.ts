import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { type DumpRow, jsonOrNull, malformed, maxRowBytes, recordOf, tooMany, truncated } from './dump-row.ts'

type Rows = Result<readonly DumpRow[], Failure<'dump-truncated' | 'dump-malformed' | 'dump-too-many' | 'dump-format'>>

/** As `pg_dump` writes it: the table with or without its schema, and the names of the columns. */
const copyLine =
  /^COPY (?:(?:"?[a-z_][a-z0-9_]{0,62}"?)\.)?"?([a-z_][a-z0-9_]{0,62})"? \(([a-z0-9_", ]{1,2000})\) FROM stdin;$/
const table = 'signing_key'
const needed = ['purpose', 'fingerprint', 'private_key', 'public_key'] as const

/** Rows of `COPY … signing_key (…) FROM stdin;` blocks, in PostgreSQL's text format (COPY, “Text Format”). */
export async function copyRows(chunks: AsyncIterable<Buffer>, max: number): Promise<Rows> {
  const rows: DumpRow[] = []
  /** Columns of the block that is being read; `other`: a block of another table; null: between blocks. */
  let block: readonly string[] | 'other' | null = null
  let place = 0
  for await (const line of linesOf(chunks)) {
    place += 1
    const text = line.kind === 'long' ? null : line.bytes.toString('utf8')
    if (line.kind === 'cut' && block !== null) return err(truncated)
    if (block === null) {
      if (text === null) continue
      if (text.startsWith('INSERT INTO ') && /^INSERT INTO (?:"?\w+"?\.)?"?signing_key"? /.test(text.slice(0, 200)))
        return err(inserts)
      const copy = text.startsWith('COPY ') ? copyLine.exec(text) : null
      if (copy === null) continue
      if (copy[1] !== table) {
        block = 'other'
        continue
      }
      const columns: readonly string[] = (copy[2] ?? '').split(',').map((name) => name.trim().replaceAll('"', ''))
      const missing = needed.find((name) => !columns.includes(name))
      if (missing !== undefined) return err(malformed(`its table of keys has no column ${missing}`))
      if (new Set(columns).size !== columns.length) return err(malformed('its table of keys names a column twice'))
      block = columns
      continue
    }
    if (text === '\\.') {
      block = null
      continue
    }
    if (block === 'other') continue
    if (rows.length >= max) return err(tooMany)
    rows.push(text === null ? { place, problem: tooLong } : rowOf(place, block, text))
  }
  return block === null ? ok(rows) : err(truncated)
}

function rowOf(place: number, columns: readonly string[], line: string): DumpRow {
  const fields = line.split('\t')
  if (fields.length !== columns.length)
    return { place, problem: `It has ${fields.length} columns where ${columns.length} are named.` }
  const value = (name: string): string | null => {
    const field = fields[columns.indexOf(name)]
    return field === undefined || field === '\\N' ? null : unescaped(field)
  }
  const [purpose, fingerprint, privateKey, publicKey] = needed.map(value)
  if (purpose == null || fingerprint == null || privateKey == null || publicKey == null)
    return { place, problem: 'A column that every key has is empty.' }
  const hex = /^\\x((?:[0-9a-f]{2})*)$/.exec(publicKey)?.[1]
  if (hex === undefined) return { place, problem: 'Its public key is not written as bytes.' }
  return {
    place,
    purpose,
    fingerprint,
    record: recordOf(jsonOrNull(privateKey)),
    publicKey: Buffer.from(hex, 'hex'),
    createdAt: columns.includes('created_at') ? value('created_at') : null,
  }
}

const escapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

/** Backslash sequences of the text format; octal and hexadecimal ones are not written by `pg_dump`, and stay as they are. */
function unescaped(field: string): string {
  return field.replace(/\\(.)/gs, (_, mark: string) => escapes[mark] ?? mark)
}

type Line =
  | { readonly kind: 'whole' | 'cut'; readonly bytes: Buffer }
  /** Longer than any row: passed over, never held. */
  | { readonly kind: 'long' }

async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Line, void> {
  let held: Buffer[] = []
  let length = 0
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      const piece = chunk.subarray(start, end)
      length += piece.length
      yield length > maxRowBytes ? { kind: 'long' } : { kind: 'whole', bytes: Buffer.concat([...held, piece]) }
      held = []
      length = 0
      start = end + 1
    }
    length += chunk.length - start
    if (length > maxRowBytes) held = []
    else if (start < chunk.length) held.push(chunk.subarray(start))
  }
  if (length > 0) yield length > maxRowBytes ? { kind: 'long' } : { kind: 'cut', bytes: Buffer.concat(held) }
}

const tooLong = 'It is longer than any key.'
const inserts: Failure<'dump-format'> = {
  kind: 'invalid',
  code: 'dump-format',
  message:
    'This dump was made with --inserts. Nothing was taken. Make it without: pg_dump --table=signing_key debusine-signing',
}
