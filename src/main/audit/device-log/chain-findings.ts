import { setOption } from './device-commands.ts'
import { isReset, type Link, linkOf } from './device-entry.ts'
import { type DeviceLog, type Drain, type StoredEntry, type Window, windowsOf } from './device-log.ts'
import { type DeviceFinding, deviceFinding } from './finding.ts'

export interface ChainReview {
  readonly findings: readonly DeviceFinding[]
  /** Where entries of the device are missing, or may be: what happened then cannot be confirmed by it. */
  readonly lost: readonly Window[]
}

/** Entries between two pauses. */
const slice = 250

/** Checks what is stored of a device from the bytes: chain, numbers, counters, and that no stored row is gone. Yields where it may pause. */
export function* reviewChain(log: DeviceLog): Generator<void, ChainReview> {
  const findings: DeviceFinding[] = []
  const lost: Window[] = []
  const windows = windowsOf(log)
  const loseWindowOf = (index: number) => {
    const window = windows[index]
    if (window !== undefined) lost.push(window)
  }
  for (const [index, stored] of log.entries.entries()) {
    if (index % slice === slice - 1) yield
    const before = log.entries[index - 1]
    const link = before === undefined ? null : linkOf(before.entry, stored.entry)
    if (before === undefined || link === null) {
      if (isReset(stored.entry)) continue
      findings.push(beginsLate(log.serial, stored))
      loseWindowOf(index)
    } else if (link.kind !== 'chained') {
      findings.push(linkFinding(log.serial, before, stored, link))
      loseWindowOf(index)
    }
    if (stored.entry.command === setOption) findings.push(optionsChanged(log.serial, stored))
  }
  const byDrain = Map.groupBy(log.entries, ({ drain }) => drain)
  const wrong = log.drains.flatMap((drain, index) =>
    drain.fresh === (byDrain.get(drain.id)?.length ?? 0)
      ? []
      : [{ drain, window: { after: log.drains[index - 1]?.askedSeq ?? 0, upTo: drain.storedSeq } }],
  )
  lost.push(...wrong.map(({ window }) => window))
  const missing = missingRows(
    log,
    wrong.map(({ drain }) => drain),
  )
  return { findings: [...findings, ...missing, ...counters(log)], lost }
}

function linkFinding(
  serial: string,
  before: StoredEntry,
  stored: StoredEntry,
  link: Exclude<Link, { kind: 'chained' }>,
): DeviceFinding {
  const places = [before.place, stored.place]
  const about = { places, key: stored.place, count: 1 }
  const [was, is] = [before.entry.number, stored.entry.number]
  switch (link.kind) {
    case 'gap':
      return deviceFinding(
        serial,
        'entries-missing',
        about,
        `At least ${link.missing} ${link.missing === 1 ? 'entry' : 'entries'} of the device’s log ${link.missing === 1 ? 'is' : 'are'} missing, between its numbers ${was} and ${is}: the device overwrote them before they were taken out, or somebody took them out. What the device did then is not known. Set force-audit, so that the device stops instead.`,
      )
    case 'broken':
      return deviceFinding(
        serial,
        'chain-broken',
        about,
        `Entry ${is} of the device’s log does not follow entry ${was} as it is stored: one of the two was changed, or exactly 65,536 entries are missing. Keep a copy of the database and of the device’s log.`,
      )
    case 'misnumbered':
      return deviceFinding(
        serial,
        'number-wrong',
        about,
        `Entry ${is} of the device’s log follows entry ${was} by its digest, but not by its number. No device writes that: the entries were made by something else. Keep a copy of the database and of the device’s log.`,
      )
    case 'went-back':
      return deviceFinding(
        serial,
        'log-went-back',
        about,
        `Entry ${is} of the device’s log came after entry ${was} and does not follow it: it is an older log, or the log of another device under this serial number. Find out which device was read.`,
      )
    case 'reset':
      return deviceFinding(
        serial,
        'device-reset',
        about,
        `The device was reset to its factory state after entry ${was} of its log. Every key in it is gone, and what it did between that entry and the reset is not known. Find out who reset it.`,
      )
  }
}

function beginsLate(serial: string, first: StoredEntry): DeviceFinding {
  return deviceFinding(
    serial,
    'log-begins-late',
    { places: [first.place], key: first.place },
    `The device’s log is known from its number ${first.entry.number} on. What the device did before was not taken out of it, and nothing here speaks of it.`,
  )
}

function optionsChanged(serial: string, stored: StoredEntry): DeviceFinding {
  return deviceFinding(
    serial,
    'options-changed',
    { places: [stored.place], key: stored.place },
    `Options of the device were changed (entry ${stored.entry.number} of its log). They decide what it logs: ask for their values, and who changed them.`,
  )
}

/** Rows cannot be deleted while the triggers are there. Each drain says how many it stored, and places have no gaps. */
function missingRows(log: DeviceLog, wrong: readonly Drain[]): readonly DeviceFinding[] {
  const drains = new Set(log.drains.map(({ id }) => id))
  const strays = log.entries.filter(({ place, drain }, index) => place !== index + 1 || !drains.has(drain))
  if (wrong.length === 0 && strays.length === 0) return []
  const expected = log.drains.reduce((sum, { fresh }) => sum + fresh, 0)
  return [
    deviceFinding(
      log.serial,
      'stored-rows-missing',
      { places: strays.map(({ place }) => place), key: wrong[0]?.id ?? strays[0]?.place ?? 0, count: 1 },
      `The drains stored ${expected} entries of the device’s log, and ${log.entries.length} are there${wrong.length === 0 ? '' : `; the first drain that is not whole is that of ${wrong[0]?.storedAt}`}: rows were taken out of the database, put into it or moved. Keep a copy of it.`,
    ),
  ]
}

/** What the device counted while its store was full. It is not said when it begins to count anew: the same count again is the same. */
function counters(log: DeviceLog): readonly DeviceFinding[] {
  return log.drains.flatMap((drain, index) => {
    const before = log.drains[index - 1]
    const found: DeviceFinding[] = []
    if (drain.unloggedBoots > 0 && drain.unloggedBoots !== before?.unloggedBoots)
      found.push(
        deviceFinding(
          log.serial,
          'boots-not-logged',
          { key: drain.id, count: drain.unloggedBoots },
          `The device got power ${times(drain.unloggedBoots)} without room in its log for it (drained ${drain.storedAt}). Nothing was signed then, but somebody had the device. Drain it more often.`,
        ),
      )
    if (drain.unloggedAuthentications > 0 && drain.unloggedAuthentications !== before?.unloggedAuthentications)
      found.push(
        deviceFinding(
          log.serial,
          'authentications-not-logged',
          { key: drain.id, count: drain.unloggedAuthentications },
          `Somebody logged in to the device, or tried to, ${times(drain.unloggedAuthentications)} without room in its log for it (drained ${drain.storedAt}). Find out whether that was this station. Drain the device more often.`,
        ),
      )
    return found
  })
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}
