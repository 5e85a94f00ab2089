import { type ErrorCode, errorCode } from './codes.ts'

/** What a device refuses: thrown where it is found, it ends the command, and becomes the device's answer in one place. */
export class Refusal extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode) {
    super(`the device answers with error 0x${code.toString(16).padStart(2, '0')}`)
    this.code = code
  }
}

export function refuse(code: keyof typeof errorCode): never {
  throw new Refusal(errorCode[code])
}

export interface Message {
  readonly command: number
  readonly data: Uint8Array
}

const headerBytes = 3

/** Null: not a whole message. All integers of the protocol are big-endian. */
export function parseMessage(bytes: Uint8Array): Message | null {
  if (bytes.length < headerBytes) return null
  const length = ((bytes[1] ?? 0) << 8) | (bytes[2] ?? 0)
  // What follows the message is not looked at: a message in a session is followed by its padding.
  if (bytes.length < headerBytes + length) return null
  return { command: bytes[0] ?? 0, data: bytes.subarray(headerBytes, headerBytes + length) }
}

export function encodeMessage(command: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const data = Buffer.concat(parts)
  return Buffer.concat([Uint8Array.of(command, data.length >> 8, data.length & 0xff), data])
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of((value >> 8) & 0xff, value & 0xff)
}

export function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

export function u64(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(value)
  return bytes
}

/** Reads the data of a command field by field. What is too short or too long is refused as a wrong length. */
export class Fields {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes)
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  bytes(count: number): Buffer {
    if (this.left < count) refuse('wrongLength')
    const part = this.#bytes.subarray(this.#at, this.#at + count)
    this.#at += count
    return part
  }

  u8(): number {
    return this.bytes(1).readUInt8()
  }

  u16(): number {
    return this.bytes(2).readUInt16BE()
  }

  u32(): number {
    return this.bytes(4).readUInt32BE()
  }

  u64(): bigint {
    return this.bytes(8).readBigUInt64BE()
  }

  rest(): Buffer {
    return this.bytes(this.left)
  }

  end(): void {
    if (this.left > 0) refuse('wrongLength')
  }
}
