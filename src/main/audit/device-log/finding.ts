import type { StoredEntry } from './device-log.ts'

/** What is wrong between a device's log and ours; docs/formats/device-log.md §7. Programs compare these. */
export const deviceFindingCodes = [
  'entries-missing',
  'chain-broken',
  'number-wrong',
  'log-went-back',
  'device-reset',
  'stored-rows-missing',
  'boots-not-logged',
  'authentications-not-logged',
  'log-begins-late',
  'options-changed',
  'use-not-ours',
  'failed-use-not-ours',
  'use-by-other-command',
  'use-of-unknown-key',
  'signature-not-on-device',
] as const
export type DeviceFindingCode = (typeof deviceFindingCodes)[number]

/** Worth saying, but nobody has to explain it. */
const notes: ReadonlySet<DeviceFindingCode> = new Set(['log-begins-late', 'options-changed'])

export interface DeviceFinding {
  readonly code: DeviceFindingCode
  /** Stays the same when the same is found again, so that it becomes one incident. */
  readonly name: string
  readonly incident: boolean
  readonly deviceSerial: string
  /** Places of device entries that it is about, ascending. */
  readonly places: readonly number[]
  /** Numbers of entries of the audit log that it is about, ascending. */
  readonly auditSeqs: readonly number[]
  /** How many of them are wrong, where it cannot be told which; otherwise all are. */
  readonly count: number
  /** What was found, what it means, what to do: for an auditor who knows neither the program nor the device. */
  readonly sentence: string
}

interface About {
  readonly places?: readonly number[]
  readonly auditSeqs?: readonly number[]
  readonly count?: number
  /** What tells it from others of its code. */
  readonly key: string | number
}

export function deviceFinding(
  deviceSerial: string,
  code: DeviceFindingCode,
  { places = [], auditSeqs = [], count, key }: About,
  sentence: string,
): DeviceFinding {
  return {
    code,
    name: `${deviceSerial} ${code} ${key}`,
    incident: !notes.has(code),
    deviceSerial,
    places,
    auditSeqs,
    count: count ?? Math.max(places.length, auditSeqs.length, 1),
    sentence,
  }
}

/** As yubihsm-shell shows it. */
export function objectName(objectId: number): string {
  return `0x${objectId.toString(16).padStart(4, '0')}`
}

/** A list of numbers for a sentence, runs drawn together, long lists cut: the finding has them all. */
export function listed(numbers: readonly number[], most = 8): string {
  const runs: string[] = []
  for (let index = 0; index < numbers.length; ) {
    let end = index
    while (numbers[end + 1] === (numbers[end] ?? 0) + 1) end += 1
    runs.push(end === index ? `${numbers[index]}` : `${numbers[index]}–${numbers[end]}`)
    index = end + 1
  }
  const shown = runs.slice(0, most)
  return runs.length > most ? `${shown.join(', ')} and ${runs.length - most} more` : shown.join(', ')
}

/** Entries of the device, by the numbers that it gave them. */
export function deviceEntries(stored: readonly StoredEntry[]): string {
  const numbers = stored.map(({ entry }) => entry.number)
  return `${stored.length === 1 ? 'entry' : 'entries'} ${listed(numbers)} of the device’s log (${stored.length === 1 ? 'place' : 'places'} ${listed(stored.map(({ place }) => place))} of what is stored)`
}
