import { readSync } from 'node:fs'

const chunk = 256 * 1024

/**
 * The lines of a file without their ends, each a view that is good until the next one is asked for. Null: a line is longer than
 * `maxLine`, and nothing follows. The last line needs an end too; what comes after it is given as `rest`.
 */
export function* linesOf(
  file: number,
  maxLine: number,
): Generator<{ readonly line: Buffer } | { readonly tooLong: true } | { readonly rest: Buffer }> {
  const buffer = Buffer.allocUnsafe(maxLine + chunk)
  let filled = 0
  for (;;) {
    let start = 0
    for (;;) {
      const end = buffer.subarray(0, filled).indexOf(0x0a, start)
      if (end === -1) break
      if (end - start > maxLine) {
        yield { tooLong: true }
        return
      }
      yield { line: buffer.subarray(start, end) }
      start = end + 1
    }
    buffer.copy(buffer, 0, start, filled)
    filled -= start
    if (filled > maxLine) {
      yield { tooLong: true }
      return
    }
    const read = readSync(file, buffer, filled, Math.min(chunk, buffer.length - filled), null)
    if (read === 0) {
      if (filled > 0) yield { rest: buffer.subarray(0, filled) }
      return
    }
    filled += read
  }
}
