import { DatabaseSync } from 'node:sqlite'
import { fillIndex } from '../../../../db/audit-index.ts'
import { reviewIndexes, reviewTables } from '../../../../db/review-tables.ts'
import { decodeEntry, leafHash, noLeafHash } from '../../audit/format/encode.ts'
import { completeSubtrees, growTree, storedLevelStep } from '../../audit/format/merkle.ts'

export interface IndexBuilder {
  /** One entry under its number, whatever its bytes are. Numbers rise. False: more than the log can hold; nothing more may be added. */
  add(seq: number, bytes: Uint8Array): boolean
  /** Entries behind number `at` that are left out; `hashes` of the complete subtrees they are. */
  skip(at: number, count: number, hashes: readonly Uint8Array[]): void
  /** The checkpoint that proofs lead to, and the key that it was checked with. */
  sign(vkey: string, size: number, note: string): void
  /** Root of the tree over the entries 1 to `rootAt`, lower-case hex; null where some are neither there nor left out. */
  root(): string | null
  /** Sorts and closes it. */
  end(): { readonly entries: number; readonly gaps: boolean; readonly openIntents: readonly number[] }
}

export interface IndexLimits {
  /** Bytes of the log, with its write-ahead log. */
  readonly logBytes: number
  /** The size for which the root of the tree is wanted; null: none. */
  readonly rootAt: number | null
}

/** What a row takes beside the bytes of its entry, about. */
const rowBytes = 256
/** An index is a few times as large as the entries in it: their bytes, the columns and the indexes over those. */
const timesLog = 4
/** So that a short log is never too large. */
const leastBytes = 16 * 1024 * 1024

/**
 * Makes the index of a foreign log in a file of our own. What is searched for is taken from the bytes that are hashed, never
 * from columns that came with them: those could hide an entry from a filter. One that this version cannot read is `unreadable`
 * whatever event it says it is, as a screen shows it, so that the filter finds what the list shows. A page of a database can be made to count as many, so what is taken is held against the
 * size of the file: an honest one cannot hold more.
 */
export function buildIndex(path: string, { logBytes, rootAt }: IndexLimits): IndexBuilder {
  const file = new DatabaseSync(path)
  // If we crash the file is thrown away.
  file.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536; PRAGMA temp_store = FILE')
  file.exec(reviewTables)
  file.exec('BEGIN')
  const insert = file.prepare(`INSERT INTO audit_entry VALUES (?${', ?'.repeat(14)})`)
  const insertNode = file.prepare('INSERT INTO audit_node VALUES (?, ?, ?)')
  const tree = growTree(({ level, index }, hash) => {
    if (level % storedLevelStep === 0 && level <= 32) insertNode.run(level, index, hash)
  })
  const openIntents = new Set<number>()
  let room = leastBytes + timesLog * logBytes
  let root = rootAt === 0 ? hex(tree.root()) : null
  let entries = 0
  let last = 0
  let leafBefore: Uint8Array = noLeafHash
  let atBefore = '1970-01-01T00:00:00.000Z'

  return {
    add: (seq, bytes) => {
      room -= bytes.length + rowBytes
      if (room < 0) return false
      const value = fieldsOf(bytes)
      const text = (name: string, longest: number) => {
        const found = value[name]
        return typeof found === 'string' && found.length > 0 && found.length <= longest && found.isWellFormed()
          ? found
          : null
      }
      const number = (name: string) => {
        const found = value[name]
        return typeof found === 'number' && Number.isSafeInteger(found) && found > 0 ? found : null
      }
      const event = text('event', 40) ?? ''
      const leaf = leafHash(bytes)
      const prev = hashOf(text('prev', 64))
      const intent = number('intentSeq')
      if (event === 'intent') openIntents.add(seq)
      else if (intent !== null) openIntents.delete(intent)
      atBefore = timeOf(text('at', 24)) ?? atBefore
      insert.run(
        seq,
        bytes,
        leaf,
        // Of one whose own words cannot be read: what stands before it.
        prev ?? leafBefore,
        atBefore,
        decodeEntry(bytes).ok ? event : 'unreadable',
        text('requestId', 36),
        number('workRequestId'),
        text('fingerprint', 64),
        text('purpose', 64),
        text('operator', 200),
        text('inputSha256', 64),
        text('outputSha256', 64),
        text('digest', 128),
        text('sheetDigest', 64),
      )
      entries += 1
      last = seq
      if (tree.size() === seq - 1) {
        tree.add(0, leaf)
        if (seq === rootAt) root = hex(tree.root())
      }
      leafBefore = leaf
      return true
    },
    skip: (at, count, hashes) => {
      const subtrees = tree.size() === at ? completeSubtrees(at, at + count) : []
      if (subtrees.length !== hashes.length) return
      for (const [place, { level }] of subtrees.entries()) {
        const hash = hashes[place]
        if (hash !== undefined) tree.add(level, hash)
      }
      if (tree.size() === rootAt) root = hex(tree.root())
    },
    sign: (vkey, size, note) => {
      const at = new Date(0).toISOString()
      file.prepare('INSERT INTO audit_log_key VALUES (1, ?, ?)').run(vkey, at)
      file.prepare('INSERT INTO audit_checkpoint VALUES (?, ?, ?)').run(size, note, at)
    },
    root: () => root,
    end: () => {
      const gaps = last !== entries
      if (gaps)
        file.exec(
          'INSERT INTO review_place SELECT row_number() OVER (ORDER BY seq) - 1, seq FROM audit_entry ORDER BY seq',
        )
      for (const fill of fillIndex) file.prepare(fill).run(0, last)
      file.prepare('INSERT INTO audit_index_reach VALUES (1, ?)').run(last)
      file.exec('COMMIT')
      for (const index of reviewIndexes) file.exec(index)
      file.close()
      return { entries, gaps, openIntents: [...openIntents] }
    },
  }
}

/** The members of an entry. Of one that is no JSON any more, those that can still be made out, so that it is shown where it stood. */
function fieldsOf(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {}
  } catch {
    return Object.fromEntries(
      [...text.slice(0, 20_000).matchAll(/"(at|event|requestId|prev)":"([^"\\]{1,64})"/g)].map(([, name, found]) => [
        name,
        found,
      ]),
    )
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function hashOf(hex: string | null): Uint8Array | null {
  return hex !== null && /^[0-9a-f]{64}$/.test(hex) ? Buffer.from(hex, 'hex') : null
}

function timeOf(text: string | null): string | null {
  return text !== null && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text) ? text : null
}
