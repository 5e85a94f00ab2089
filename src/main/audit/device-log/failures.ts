import type { Failure } from '../../../shared/failure.ts'

/** Why the answer of a device was not stored (docs/formats/device-log.md §4). Nothing of it was. */
export type DrainFailureCode =
  | 'serial-malformed'
  | 'answer-malformed' // its length is not what it says
  | 'answer-unchained' // its own entries do not follow one another
  | 'entries-of-another-device'
  | 'drain-replayed' // an older answer again
  | 'drain-contradicts' // stored entries in another order, or others between them
  | 'drain-overtaken' // another drain of the device was stored meanwhile
export type DrainFailure = Failure<DrainFailureCode>

const sentences: Readonly<Record<DrainFailureCode, readonly [Failure['kind'], string]>> = {
  'serial-malformed': ['invalid', 'The device gave a serial number that no YubiHSM has. Nothing was stored.'],
  'answer-malformed': [
    'invalid',
    'What the device gave as its log is not one: its length is wrong. Nothing was stored, and nothing may be freed in the device. Ask it again.',
  ],
  'answer-unchained': [
    'invalid',
    'The entries that the device gave do not follow one another: one of them was changed, left out or put in on the way. Nothing was stored, and nothing may be freed in the device. Find out what is between the station and the device.',
  ],
  'entries-of-another-device': [
    'refused',
    'The entries that were given as the log of this device are stored as the log of another. Nothing was stored. Find out whether the devices were exchanged while they were read.',
  ],
  'drain-replayed': [
    'refused',
    'The device gave an older answer again: its log ends before the newest entry that is stored. Nothing was stored. Find out what is between the station and the device.',
  ],
  'drain-contradicts': [
    'refused',
    'The device gave entries that are stored already, but not as they are stored: in another order, or with others between them. Nothing was stored. Keep a copy of the database and of the device’s log.',
  ],
  'drain-overtaken': [
    'unavailable',
    'The log of the device was stored by another drain while this one was under way. Nothing was stored, nothing is lost. Ask the device again.',
  ],
}

export const drainFailureCodes = Object.keys(sentences) as readonly DrainFailureCode[]

export function drainFailure(code: DrainFailureCode, detail?: string): DrainFailure {
  const [kind, message] = sentences[code]
  return { kind, code, message, ...(detail === undefined ? {} : { detail }) }
}
