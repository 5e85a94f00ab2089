import { createHash, type Hash } from 'node:crypto'
import { readSync } from 'node:fs'

/** Bytes `start` up to, not including, `end`, in the order in which they are hashed. */
export interface HashRange {
  readonly start: number
  readonly end: number
}

export type HashAlgorithm = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512'

const chunkSize = 256 * 1024

/**
 * Hashes ranges of an open file, then `zeros` zero bytes. Synchronous: for workers and for processes of their own. Null when the file ends
 * before a range does.
 */
export function hashFileRanges(
  fd: number,
  ranges: readonly HashRange[],
  zeros: number,
  algorithm: HashAlgorithm = 'sha256',
): string | null {
  const hash = createHash(algorithm)
  const longest = ranges.reduce((length, range) => Math.max(length, range.end - range.start), 0)
  const chunk = Buffer.allocUnsafe(Math.min(chunkSize, longest))
  for (const range of ranges) {
    let position = range.start
    while (position < range.end) {
      const read = readSync(fd, chunk, 0, Math.min(chunk.length, range.end - position), position)
      if (read === 0) return null
      hash.update(read === chunk.length ? chunk : chunk.subarray(0, read))
      position += read
    }
  }
  return finish(hash, zeros)
}

/** The same over bytes in memory; null when a range leaves them. */
export function hashByteRanges(
  bytes: Uint8Array,
  ranges: readonly HashRange[],
  zeros: number,
  algorithm: HashAlgorithm = 'sha256',
): string | null {
  const hash = createHash(algorithm)
  for (const range of ranges) {
    if (range.end > bytes.length) return null
    hash.update(bytes.subarray(range.start, range.end))
  }
  return finish(hash, zeros)
}

function finish(hash: Hash, zeros: number): string {
  if (zeros > 0) hash.update(new Uint8Array(zeros))
  return hash.digest('hex')
}
