import { readSync } from 'node:fs'
import { type HashAlgorithm, type HashRange, hashByteRanges, hashFileRanges } from '../../digest/hash-ranges.ts'

/** What is inspected: a file, a part of one, or bytes in a test. */
export interface ByteSource {
  readonly size: number
  /** Bytes from `offset`; fewer than `length` where the source ends, none behind its end. */
  read(offset: number, length: number): Uint8Array
  /** Hex digest over ranges and then zero bytes; null when a range leaves the source. */
  hash(ranges: readonly HashRange[], zeros: number, algorithm: HashAlgorithm): string | null
}

export function fileSource(fd: number, size: number): ByteSource {
  return {
    size,
    read: (offset, length) => {
      const wanted = Math.max(0, Math.min(length, size - offset))
      const bytes = Buffer.allocUnsafe(wanted)
      let position = 0
      while (position < wanted) {
        const read = readSync(fd, bytes, position, wanted - position, offset + position)
        if (read === 0) break
        position += read
      }
      return bytes.subarray(0, position)
    },
    hash: (ranges, zeros, algorithm) => hashFileRanges(fd, ranges, zeros, algorithm),
  }
}

export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: (offset, length) => bytes.subarray(offset, offset + length),
    hash: (ranges, zeros, algorithm) => hashByteRanges(bytes, ranges, zeros, algorithm),
  }
}

/** A part of a source as one of its own; the part has to lie inside. */
export function partOf(source: ByteSource, offset: number, size: number): ByteSource {
  return {
    size,
    read: (at, length) => source.read(offset + at, Math.max(0, Math.min(length, size - at))),
    hash: (ranges, zeros, algorithm) =>
      ranges.some((range) => range.end > size)
        ? null
        : source.hash(
            ranges.map((range) => ({ start: offset + range.start, end: offset + range.end })),
            zeros,
            algorithm,
          ),
  }
}
