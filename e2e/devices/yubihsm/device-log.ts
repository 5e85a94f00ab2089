import { hash, randomBytes } from 'node:crypto'
import { noObject } from './codes.ts'
import { u16, u32 } from './message.ts'

/** Entries that the log store has room for. */
export const logCapacity = 62
const entryBytes = 32
const dataBytes = 16

/** What an entry says of a command. */
export interface LogFields {
  readonly command: number
  /** Of the command's data. */
  readonly length: number
  /** Authentication key of the session. */
  readonly sessionKey: number
  readonly target: number
  readonly second: number
  readonly result: number
}

export interface SavedLog {
  /** 32 bytes each, hexadecimal, oldest first. */
  readonly entries: readonly string[]
  readonly number: number
  readonly digest: string
  readonly unloggedBoots: number
  readonly unloggedAuthentications: number
}

/**
 * The log store: `number, command, length, session key, target, second, result, tick` and the first half of the SHA-256 of that and the
 * digest before (GET LOG ENTRIES in the maker's command reference).
 */
export class DeviceLog {
  #entries: Uint8Array[] = []
  #number = 0
  #digest: Uint8Array = new Uint8Array(dataBytes)
  #unloggedBoots = 0
  #unloggedAuthentications = 0

  get used(): number {
    return this.#entries.length
  }

  get full(): boolean {
    return this.used === logCapacity
  }

  /** Appends an entry; where there is no room the oldest goes. */
  append(fields: LogFields, tick: number): void {
    const data = Buffer.concat([
      u16(this.#next()),
      Uint8Array.of(fields.command),
      ...[fields.length, fields.sessionKey, fields.target, fields.second].map(u16),
      Uint8Array.of(fields.result),
      u32(tick),
    ])
    this.#keep(data, hash('sha256', Buffer.concat([data, this.#digest]), 'buffer').subarray(0, dataBytes))
  }

  /** Power came on. `keepOthers`: nothing may be overwritten, so where there is no room it is counted. */
  boot(keepOthers: boolean): void {
    if (keepOthers && this.full) {
      this.#unloggedBoots = atMost16Bits(this.#unloggedBoots + 1)
      return
    }
    this.append({ command: 0, length: 0, sessionKey: noObject, target: 0, second: 0, result: 0 }, 0)
  }

  countAuthentication(): void {
    this.#unloggedAuthentications = atMost16Bits(this.#unloggedAuthentications + 1)
  }

  /** A factory reset: the first entry is all ones but for its number, with a digest made by chance. */
  reset(): void {
    this.#entries = []
    this.#number = 0
    this.#unloggedBoots = 0
    this.#unloggedAuthentications = 0
    this.#keep(Buffer.concat([u16(this.#next()), Buffer.alloc(dataBytes - 2, 0xff)]), randomBytes(dataBytes))
  }

  /**
   * SET LOG INDEX: the entries up to that number are free. False: it is the number of none that is there. What could not be logged
   * was told by then, and is counted anew (*assumed*: the maker does not say when).
   */
  free(upTo: number): boolean {
    const place = this.#entries.findIndex((entry) => ((entry[0] ?? 0) << 8) + (entry[1] ?? 0) === upTo)
    if (place < 0) return false
    this.#entries = this.#entries.slice(place + 1)
    this.#unloggedBoots = 0
    this.#unloggedAuthentications = 0
    return true
  }

  /** The data of the answer to GET LOG ENTRIES. */
  answer(): Uint8Array {
    return Buffer.concat([
      u16(this.#unloggedBoots),
      u16(this.#unloggedAuthentications),
      Uint8Array.of(this.used),
      ...this.#entries,
    ])
  }

  save(): SavedLog {
    return {
      entries: this.#entries.map((entry) => Buffer.from(entry).toString('hex')),
      number: this.#number,
      digest: Buffer.from(this.#digest).toString('hex'),
      unloggedBoots: this.#unloggedBoots,
      unloggedAuthentications: this.#unloggedAuthentications,
    }
  }

  restore(saved: SavedLog): void {
    this.#entries = saved.entries.map((entry) => Buffer.from(entry, 'hex'))
    this.#number = saved.number
    this.#digest = Buffer.from(saved.digest, 'hex')
    this.#unloggedBoots = saved.unloggedBoots
    this.#unloggedAuthentications = saved.unloggedAuthentications
  }

  #next(): number {
    this.#number = (this.#number + 1) & 0xffff
    return this.#number
  }

  #keep(data: Uint8Array, digest: Uint8Array): void {
    this.#entries = [...this.#entries, Buffer.concat([data, digest]).subarray(0, entryBytes)].slice(-logCapacity)
    this.#digest = digest
  }
}

function atMost16Bits(count: number): number {
  return Math.min(count, 0xffff)
}
