import { z } from 'zod'
import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { type DumpRow, jsonOrNull, malformed, maxRowBytes, recordOf, tooMany, truncated } from './dump-row.ts'

type Rows = Result<readonly DumpRow[], Failure<'dump-truncated' | 'dump-malformed' | 'dump-too-many'>>

const model = 'signing.key'
const maxHead = 200

const named = z.object({ model: z.string() })
/** Members that we do not know are those of a later version. */
const key = z.object({
  model: z.literal(model),
  fields: z.object({
    purpose: z.string(),
    fingerprint: z.string(),
    private_key: z.unknown(),
    /** Django's serialiser writes binary fields in base64. */
    public_key: z
      .string()
      .max(maxRowBytes)
      .regex(/^[A-Za-z0-9+/]*={0,2}$/),
    created_at: z.string().nullish(),
  }),
})

/** The `signing.key` objects of what `debusine-signing dumpdata` wrote: one array, read object by object however large it is. */
export async function jsonRows(chunks: AsyncIterable<Buffer>, max: number): Promise<Rows> {
  const rows: DumpRow[] = []
  let place = 0
  for await (const item of objectsOf(chunks)) {
    if (item.kind === 'malformed') return err(malformed(item.what))
    if (item.kind === 'truncated') return err(truncated)
    place += 1
    const row = item.kind === 'long' ? longRow(place, item.head) : rowOf(place, item.text)
    if (row === null) continue
    if (rows.length >= max) return err(tooMany)
    rows.push(row)
  }
  return ok(rows)
}

/** Null: as far as its beginning tells, an object of another table; `dumpdata` writes the model first. */
function longRow(place: number, head: string): DumpRow | null {
  return /^\{\s*"model":\s*"signing\.key"/.test(head) ? { place, problem: tooLong } : null
}

/** Null: an object of another table. */
function rowOf(place: number, text: string): DumpRow | null {
  const value = jsonOrNull(text)
  const about = named.safeParse(value)
  if (!about.success) return { place, problem: 'It is no object with a model, as dumpdata writes them.' }
  if (about.data.model !== model) return null
  const parsed = key.safeParse(value)
  if (!parsed.success)
    return {
      place,
      problem: `Its ${parsed.error.issues[0]?.path.slice(0, 2).join('.') ?? 'form'} is not that of a key.`,
    }
  const {
    purpose,
    fingerprint,
    private_key: privateKey,
    public_key: publicKey,
    created_at: createdAt,
  } = parsed.data.fields
  return {
    place,
    purpose,
    fingerprint,
    record: recordOf(privateKey),
    publicKey: Buffer.from(publicKey, 'base64'),
    createdAt: createdAt ?? null,
  }
}

type Item =
  | { readonly kind: 'object'; readonly text: string }
  /** More bytes than any key has: passed over, and only its beginning held. */
  | { readonly kind: 'long'; readonly head: string }
  | { readonly kind: 'malformed'; readonly what: string }
  | { readonly kind: 'truncated' }

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c]
const [arrayStart, arrayEnd, objectStart, objectEnd] = [0x5b, 0x5d, 0x7b, 0x7d]
const blank = new Set([0x20, 0x09, 0x0a, 0x0d])

/**
 * The objects of one array. It looks at brackets and strings only (RFC 8259 §2); what is between the brackets of one object is parsed by
 * whoever takes it.
 */
async function* objectsOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Item, void> {
  let state: 'before' | 'between' | 'object' | 'after' = 'before'
  let depth = 0
  let inString = false
  let escaped = false
  let held: Buffer[] = []
  let length = 0
  let head = ''
  for await (const chunk of chunks) {
    let start = 0
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0
      if (state === 'object') {
        if (inString) {
          if (escaped) escaped = false
          else if (byte === backslash) escaped = true
          else if (byte === quote) inString = false
        } else if (byte === quote) inString = true
        else if (byte === objectStart || byte === arrayStart) depth += 1
        else if (byte === objectEnd || byte === arrayEnd) depth -= 1
        if (depth > 0) continue
        head = headOf(head, chunk.subarray(start, at + 1))
        length += at + 1 - start
        yield length > maxRowBytes
          ? { kind: 'long', head }
          : { kind: 'object', text: Buffer.concat([...held, chunk.subarray(start, at + 1)]).toString('utf8') }
        held = []
        length = 0
        state = 'between'
      } else if (blank.has(byte)) continue
      else if (state === 'before' && byte === arrayStart) state = 'between'
      else if (state === 'between' && byte === objectStart) {
        state = 'object'
        depth = 1
        start = at
        head = ''
      } else if (state === 'between' && byte === arrayEnd) state = 'after'
      else if (state !== 'between' || byte !== comma) {
        yield { kind: 'malformed', what: 'it is not one array of objects' }
        return
      }
    }
    if (state !== 'object') continue
    head = headOf(head, chunk.subarray(start))
    length += chunk.length - start
    if (length > maxRowBytes) held = []
    else held.push(chunk.subarray(start))
  }
  if (state !== 'after') yield { kind: 'truncated' }
}

/** The first bytes of an object, also where a piece of the file ends in them. */
function headOf(head: string, piece: Buffer): string {
  return head.length >= maxHead ? head : `${head}${piece.toString('latin1', 0, maxHead)}`.slice(0, maxHead)
}

const tooLong = 'It is longer than any key.'
