import { type DeviceLog, type StoredEntry, type Window, windowsOf } from './device-log.ts'
import type { KeyUse } from './key-use.ts'

/** A part of both logs that can be matched apart. */
export interface QuietPart {
  readonly entries: readonly { readonly stored: StoredEntry; readonly window: Window }[]
  readonly uses: readonly KeyUse[]
}

/** Entries of the device that a part has at least: enough work for one turn of the event loop. */
const enough = 250

/**
 * Cuts both logs where a drain found nothing under way, so that no use of one part could belong to an entry of another. `uses` ascend.
 */
export function* quietParts(
  log: DeviceLog,
  uses: readonly KeyUse[],
  atLeast: number = enough,
): Generator<QuietPart, void> {
  const windows = windowsOf(log)
  let firstEntry = 0
  let firstUse = 0
  let use = 0
  /** Where the last of the uses so far ends. */
  let end = 0
  const partUpTo = (entry: number, nextUse: number): QuietPart => {
    const part: QuietPart = {
      entries: log.entries.slice(firstEntry, entry).flatMap((stored, index) => {
        const window = windows[firstEntry + index]
        return window === undefined ? [] : [{ stored, window }]
      }),
      uses: uses.slice(firstUse, nextUse),
    }
    firstEntry = entry
    firstUse = nextUse
    return part
  }
  for (let entry = 1; entry < log.entries.length; entry++) {
    const [before, after] = [windows[entry - 1], windows[entry]]
    if (before === undefined || after === undefined) continue
    for (let next = uses[use]; next !== undefined && next.seq <= before.upTo; next = uses[use]) {
      end = Math.max(end, next.endSeq ?? Number.POSITIVE_INFINITY)
      use += 1
    }
    const quiet = before.upTo < after.upTo && end <= after.after
    if (quiet && entry - firstEntry >= atLeast) yield partUpTo(entry, use)
  }
  yield partUpTo(log.entries.length, uses.length)
}
