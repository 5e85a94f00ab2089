import { err, ok, type Result } from '../../../shared/result.ts'
import { type DeviceEntry, entryBytes, linkOf, parseDeviceEntry } from './device-entry.ts'
import { type DrainFailure, drainFailure } from './failures.ts'

/** The answer to GET LOG ENTRIES (docs/formats/device-log.md §4), oldest entry first. */
export interface DrainAnswer {
  readonly unloggedBoots: number
  readonly unloggedAuthentications: number
  readonly entries: readonly DeviceEntry[]
}

const headerBytes = 5
/** YH_MAX_LOG_ENTRIES; the device has room for 62. */
export const mostEntries = 64

/**
 * Reads the data of the answer, without the command byte and length of the message. The first entry is taken as it is; each of
 * the others has to follow the one before.
 */
export function parseDrainAnswer(bytes: Uint8Array): Result<DrainAnswer, DrainFailure> {
  if (bytes.length < headerBytes) return malformed(bytes)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const count = view.getUint8(4)
  if (count > mostEntries || bytes.length !== headerBytes + count * entryBytes) return malformed(bytes)
  const entries: DeviceEntry[] = []
  for (let index = 0; index < count; index++) {
    const start = headerBytes + index * entryBytes
    const entry = parseDeviceEntry(bytes.subarray(start, start + entryBytes))
    if (entry === null) return malformed(bytes)
    const before = entries.at(-1)
    if (before !== undefined && linkOf(before, entry).kind !== 'chained')
      return err(drainFailure('answer-unchained', `number ${entry.number} after ${before.number}`))
    entries.push(entry)
  }
  return ok({ unloggedBoots: view.getUint16(0), unloggedAuthentications: view.getUint16(2), entries })
}

function malformed(bytes: Uint8Array): Result<never, DrainFailure> {
  return err(drainFailure('answer-malformed', `${bytes.length} bytes, ${bytes[4] ?? 'no'} entries`))
}

/** As PKCS#11 writes the serial number that DEVICE INFO gives as a 32-bit integer. */
export function tokenSerialOf(serial: number): Result<string, DrainFailure> {
  if (!Number.isInteger(serial) || serial < 0 || serial > 0xffff_ffff) return err(drainFailure('serial-malformed'))
  return ok(String(serial).padStart(8, '0'))
}
