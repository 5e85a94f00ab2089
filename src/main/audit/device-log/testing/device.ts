import { createHash } from 'node:crypto'
import { type DeviceEntry, parseDeviceEntry } from '../device-entry.ts'

/** Fields of an entry; what is left out is as in an entry without objects. */
export interface EntryFields {
  readonly command: number
  readonly length?: number
  readonly sessionKey?: number
  readonly targetKey?: number
  readonly secondKey?: number
  readonly result?: number
  readonly systick?: number
}

export const commands = {
  createSession: 0x03,
  setOption: 0x4f,
  signPkcs1: 0x47,
  signPss: 0x55,
  signEcdsa: 0x56,
} as const

/** An entry with its digest after `previous`. Written apart from what reads it: with offsets of its own, and another hash function. */
export function makeEntry(number: number, previous: Uint8Array, fields: EntryFields): DeviceEntry {
  const raw = Buffer.alloc(32)
  raw.writeUInt16BE(number, 0)
  raw.writeUInt8(fields.command, 2)
  raw.writeUInt16BE(fields.length ?? 0, 3)
  raw.writeUInt16BE(fields.sessionKey ?? 0xffff, 5)
  raw.writeUInt16BE(fields.targetKey ?? 0xffff, 7)
  raw.writeUInt16BE(fields.secondKey ?? 0xffff, 9)
  raw.writeUInt8(fields.result ?? fields.command | 0x80, 11)
  raw.writeUInt32BE(fields.systick ?? 0, 12)
  createHash('sha256').update(raw.subarray(0, 16)).update(previous).digest().copy(raw, 16, 0, 16)
  return entryOf(raw)
}

export function entryOf(raw: Uint8Array): DeviceEntry {
  const entry = parseDeviceEntry(raw)
  if (entry === null) throw new Error('not 32 bytes')
  return entry
}

/** The entries as GET LOG ENTRIES gives them. */
export function answerOf(entries: readonly { readonly raw: Uint8Array }[], boots = 0, authentications = 0): Uint8Array {
  const header = Buffer.alloc(5)
  header.writeUInt16BE(boots, 0)
  header.writeUInt16BE(authentications, 2)
  header.writeUInt8(entries.length, 4)
  return Buffer.concat([header, ...entries.map(({ raw }) => raw)])
}

/**
 * The log store of a device: 62 entries, overwritten from the oldest when it is full, freed up to a number. `seed` makes the digest
 * that a reset makes by chance.
 */
export function makeDevice(seed: string, firstNumber = 1) {
  let previous = createHash('sha256').update(seed).digest().subarray(0, 16)
  let number = firstNumber
  let store: DeviceEntry[] = []
  const keep = (entry: DeviceEntry): DeviceEntry => {
    store = [...store, entry].slice(-62)
    previous = Buffer.from(entry.digest)
    number = (entry.number + 1) & 0xffff
    return entry
  }
  if (firstNumber === 1) {
    const reset = Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(14, 0xff), previous])
    keep(entryOf(reset))
  }
  const log = (fields: EntryFields) => keep(makeEntry(number, previous, fields))
  return {
    log,
    boot: () => log({ command: 0, targetKey: 0, secondKey: 0, result: 0 }),
    login: () => log({ command: commands.createSession, length: 10, targetKey: 1 }),
    sign: (targetKey: number, fields: Partial<EntryFields> = {}) =>
      log({ command: commands.signPkcs1, length: 53, sessionKey: 1, targetKey, ...fields }),
    failToSign: (targetKey: number) =>
      log({ command: commands.signPkcs1, length: 53, sessionKey: 1, targetKey, result: 0x0b }),
    entries: (): readonly DeviceEntry[] => store,
    answer: (boots = 0, authentications = 0) => answerOf(store, boots, authentications),
    /** SET LOG INDEX. */
    free: (upTo: number | null) => {
      const index = store.findIndex((entry) => entry.number === upTo)
      store = store.slice(index + 1)
    },
  }
}
export type TestDevice = ReturnType<typeof makeDevice>
