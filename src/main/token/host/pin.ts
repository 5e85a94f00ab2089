import { readSync } from 'node:fs'

/**
 * The one place of a PIN in this process. The bytes are read from their own pipe straight into this buffer and zeroed as soon
 * as the token has been logged in to, or, for a key that wants the PIN for each signature, at the end of the session.
 *
 * pkcs11js takes a PIN as a string only, and V8 strings cannot be zeroed: that copy dies with the process, which main kills at
 * the end of every session.
 */
export class Pin {
  #bytes: Buffer

  private constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Reads exactly `length` bytes. Main writes them before it sends the message that announces them. */
  static read(descriptor: number, length: number): Pin {
    const bytes = Buffer.alloc(length)
    let filled = 0
    while (filled < length) {
      const count = readSync(descriptor, bytes, filled, length - filled, null)
      if (count === 0) {
        bytes.fill(0)
        throw new Error('the PIN pipe ended early')
      }
      filled += count
    }
    return new Pin(bytes)
  }

  get length(): number {
    return this.#bytes.length
  }

  /** For the argument of `C_Login`, made anew for each call and kept nowhere. */
  reveal(): string {
    return this.#bytes.toString('utf8')
  }

  /** The bytes themselves, not a copy: for what takes bytes, so that no string of them is made. */
  bytes(): Uint8Array {
    return this.#bytes
  }

  wipe(): void {
    this.#bytes.fill(0)
  }
}
