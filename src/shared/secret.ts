/** Wraps bytes that must never be printed: a log, a template string or JSON shows `[secret]`. Zeroed when used up. */
export class Secret {
  #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  static fromText(text: string): Secret {
    return new Secret(new TextEncoder().encode(text))
  }

  /** The bytes themselves, not a copy: `wipe` reaches whoever holds them. */
  reveal(): Uint8Array {
    return this.#bytes
  }

  wipe(): void {
    this.#bytes.fill(0)
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  // What node's util.inspect looks for; the symbol is registered, so no import of node is needed here.
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]'
  }
}
