import type { DeviceEntry } from './device-entry.ts'

/** One drain as it is stored (docs/formats/device-log.md §4). */
export interface Drain {
  readonly id: number
  readonly askedSeq: number
  readonly storedSeq: number
  readonly storedAt: string
  readonly unloggedBoots: number
  readonly unloggedAuthentications: number
  /** Entries that it stored. */
  readonly fresh: number
}

export interface StoredEntry {
  readonly place: number
  /** Id of the drain that brought it. */
  readonly drain: number
  readonly entry: DeviceEntry
}

/** All that is stored of one device, in order. */
export interface DeviceLog {
  readonly serial: string
  readonly drains: readonly Drain[]
  readonly entries: readonly StoredEntry[]
}

/** Audit log entries between which something happened: it had more than `after`, at most `upTo`. */
export interface Window {
  readonly after: number
  readonly upTo: number
}

/**
 * For each entry, in order: what a drain brought was written after the drain before was asked for, and before it was stored itself.
 * The windows grow from entry to entry, whatever the rows say.
 */
export function windowsOf(log: DeviceLog): readonly Window[] {
  const drains = new Map(
    log.drains.map((drain, index) => [
      drain.id,
      { after: log.drains[index - 1]?.askedSeq ?? 0, upTo: drain.storedSeq },
    ]),
  )
  let last: Window = { after: 0, upTo: 0 }
  return log.entries.map(({ drain }) => {
    const own = drains.get(drain) ?? last
    last = { after: Math.max(last.after, own.after), upTo: Math.max(last.upTo, own.upTo) }
    return last
  })
}
