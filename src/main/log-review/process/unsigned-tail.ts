import { leafHash } from '../../audit/format/encode.ts'

/** Entries whose hashes are kept: 32 MB. A log that is made to have more behind its last checkpoint is compared up to there. */
const mostKept = 1_000_000
const hashBytes = 32

/** What a log has behind its last checkpoint: entries that nothing signs, by the hashes of their bytes. */
export interface UnsignedTail {
  entry(seq: number, bytes: Uint8Array): void
  /** A checkpoint covers all that came so far. */
  signed(): void
  /** The first entry in it; null: it is empty. */
  first(): number | null
  /** Null: it is not in it, or not kept. */
  hashOf(seq: number): Uint8Array | null
}

export function createUnsignedTail(most: number = mostKept): UnsignedTail {
  let hashes = Buffer.alloc(64 * hashBytes)
  let first: number | null = null
  let count = 0
  return {
    entry: (seq, bytes) => {
      first ??= seq
      // Entries that are left out between two end it.
      if (seq !== first + count || count >= most) return
      if (hashes.length === count * hashBytes) hashes = Buffer.concat([hashes], hashes.length * 2)
      hashes.set(leafHash(bytes), count * hashBytes)
      count += 1
    },
    signed: () => {
      first = null
      count = 0
    },
    first: () => first,
    hashOf: (seq) => {
      const index = first === null ? -1 : seq - first
      return index < 0 || index >= count ? null : hashes.subarray(index * hashBytes, (index + 1) * hashBytes)
    },
  }
}

/** Where two logs part, as far as both have what nothing signs. */
export interface TailComparison {
  /** An entry of the other log. */
  entry(seq: number, bytes: Uint8Array): void
  /** The last entry up to which both have the same, from the first of the tail on; null: not even that one. */
  sameUpTo(): number | null
  /** The first that is not the same in both; null: none was found. */
  firstDifference(): number | null
}

export function compareTail(tail: UnsignedTail): TailComparison {
  let next = tail.first()
  let different: number | null = null
  return {
    entry: (seq, bytes) => {
      if (next !== seq || different !== null) return
      const hash = tail.hashOf(seq)
      if (hash === null) return
      if (Buffer.compare(hash, leafHash(bytes)) === 0) next = seq + 1
      else different = seq
    },
    sameUpTo: () => (next === null || next === tail.first() ? null : next - 1),
    firstDifference: () => different,
  }
}
