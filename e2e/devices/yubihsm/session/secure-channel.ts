import { createCipheriv, createDecipheriv, timingSafeEqual } from 'node:crypto'
import { cmac } from '@noble/ciphers/aes.js'
import { refuse, u16 } from '../message.ts'
import type { SessionKeys } from './session-keys.ts'

export const macBytes = 8
const blockBytes = 16

/** One end of the channel of a session: what is encrypted and authenticated, and the counter and the chain that tie messages together. */
export class SecureChannel {
  readonly #keys: SessionKeys
  #chain: Uint8Array
  #counter = 1

  /** `chain`: zeros, or the receipt of an asymmetric authentication. */
  constructor(keys: SessionKeys, chain: Uint8Array) {
    this.#keys = keys
    this.#chain = chain
  }

  /** Checks the MAC that ends a message, and chains the next one to it. */
  verify(message: Uint8Array): void {
    const full = this.#mac(this.#keys.mac, message.subarray(0, -macBytes))
    if (!timingSafeEqual(full.subarray(0, macBytes), message.subarray(-macBytes))) refuse('authenticationFailed')
    this.#chain = full
  }

  /** The message inside, its padding with it. */
  decrypt(ciphertext: Uint8Array): Uint8Array {
    if (ciphertext.length === 0 || ciphertext.length % blockBytes !== 0) refuse('wrongLength')
    const cipher = createDecipheriv('aes-128-cbc', this.#keys.encryption, this.#iv()).setAutoPadding(false)
    return Buffer.concat([cipher.update(ciphertext), cipher.final()])
  }

  /** The answer to SESSION MESSAGE; the counter goes on with it. */
  seal(answerCommand: number, session: number, answer: Uint8Array): Uint8Array {
    const padding = Buffer.alloc(blockBytes - (answer.length % blockBytes))
    padding[0] = 0x80
    const cipher = createCipheriv('aes-128-cbc', this.#keys.encryption, this.#iv()).setAutoPadding(false)
    const ciphertext = Buffer.concat([cipher.update(answer), cipher.update(padding), cipher.final()])
    this.#counter += 1
    const head = Buffer.concat([
      Uint8Array.of(answerCommand),
      u16(1 + ciphertext.length + macBytes),
      Uint8Array.of(session),
      ciphertext,
    ])
    return Buffer.concat([head, this.#mac(this.#keys.answerMac, head).subarray(0, macBytes)])
  }

  #mac(key: Uint8Array, message: Uint8Array): Uint8Array {
    return cmac(Buffer.concat([this.#chain, message]), key)
  }

  #iv(): Uint8Array {
    const counter = Buffer.alloc(blockBytes)
    counter.writeUInt32BE(this.#counter, blockBytes - 4)
    const cipher = createCipheriv('aes-128-ecb', this.#keys.encryption, null).setAutoPadding(false)
    return Buffer.concat([cipher.update(counter), cipher.final()])
  }
}
