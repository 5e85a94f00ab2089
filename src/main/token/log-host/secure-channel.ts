import { createCipheriv, createDecipheriv, timingSafeEqual } from 'node:crypto'
import { cmac } from '@noble/ciphers/aes.js'
import { LogHostError } from './log-host-error.ts'
import { answerTo, command, DeviceRefusal, encodeMessage, u16 } from './message.ts'

const macBytes = 8
const blockBytes = 16
const challengeBytes = 8

/** Constants of the key derivation (GlobalPlatform SCP03 §4.1.5). */
const derivation = { cardCryptogram: 0x00, hostCryptogram: 0x01, encryption: 0x04, mac: 0x06, answerMac: 0x07 } as const

/** The KDF in counter mode with CMAC (NIST SP 800-108), as SCP03 §4.1.5 uses it; one block is enough for what is derived here. */
function derive(key: Uint8Array, constant: number, context: Uint8Array, bits: 64 | 128): Uint8Array {
  const input = Buffer.concat([Buffer.alloc(11), Uint8Array.of(constant, 0), u16(bits), Uint8Array.of(1), context])
  return cmac(input, key).subarray(0, bits / 8)
}

/** What CREATE SESSION answered: the session's number, the device's challenge and its cryptogram. */
export interface Begun {
  readonly session: number
  readonly cardChallenge: Uint8Array
  readonly cardCryptogram: Uint8Array
}

export function parseBegun(data: Uint8Array): Begun {
  if (data.length !== 1 + 2 * challengeBytes) throw new LogHostError('connector-silent', 'CREATE SESSION: wrong length')
  return { session: data[0] ?? 0, cardChallenge: data.subarray(1, 9), cardCryptogram: data.subarray(9, 17) }
}

/**
 * The host's end of a session of a YubiHSM (SCP03 with the maker's commands, lib/yubihsm.c of yubihsm-shell). Both ends prove the password:
 * a connector, or whoever sits in its place, can neither read nor change what is said here, nor say something again.
 */
export class SecureChannel {
  readonly #session: number
  readonly #encryption: Uint8Array
  readonly #mac: Uint8Array
  readonly #answerMac: Uint8Array
  readonly #hostCryptogram: Uint8Array
  #chain: Uint8Array = new Uint8Array(blockBytes)
  #counter = 1

  /** `longTerm`: 16 bytes to encrypt and 16 for MACs. Throws `LogHostError` where the device does not have the same. */
  constructor(longTerm: Uint8Array, hostChallenge: Uint8Array, begun: Begun) {
    const context = Buffer.concat([hostChallenge, begun.cardChallenge])
    const [encryption, mac] = [longTerm.subarray(0, blockBytes), longTerm.subarray(blockBytes)]
    this.#session = begun.session
    this.#encryption = derive(encryption, derivation.encryption, context, 128)
    this.#mac = derive(mac, derivation.mac, context, 128)
    this.#answerMac = derive(mac, derivation.answerMac, context, 128)
    this.#hostCryptogram = derive(this.#mac, derivation.hostCryptogram, context, 64)
    if (!timingSafeEqual(derive(this.#mac, derivation.cardCryptogram, context, 64), begun.cardCryptogram)) {
      this.wipe()
      throw new LogHostError('pin-incorrect', 'the device’s cryptogram is not made with this password')
    }
  }

  /** AUTHENTICATE SESSION. Its answer has no MAC. */
  authentication(): Uint8Array {
    return this.#authenticated(command.authenticateSession, this.#hostCryptogram)
  }

  /** A command inside of SESSION MESSAGE. */
  seal(code: number, data: Uint8Array): Uint8Array {
    const message = encodeMessage(code, data)
    // 0x80 and then zeros, at least one byte (ISO/IEC 9797-1 method 2).
    const padding = Buffer.alloc(blockBytes - (message.length % blockBytes))
    padding[0] = 0x80
    const cipher = createCipheriv('aes-128-cbc', this.#encryption, this.#iv()).setAutoPadding(false)
    const ciphertext = Buffer.concat([cipher.update(message), cipher.update(padding), cipher.final()])
    return this.#authenticated(command.sessionMessage, ciphertext)
  }

  /** The data of the answer to what was sealed last. Throws `DeviceRefusal` for an error, `LogHostError` for what the device did not send. */
  open(code: number, answer: Uint8Array): Uint8Array {
    const data = answerInSession(answer)
    const full = cmac(Buffer.concat([this.#chain, answer.subarray(0, -macBytes)]), this.#answerMac)
    const ciphertext = data.subarray(1, -macBytes)
    const whole = data[0] === this.#session && ciphertext.length > 0 && ciphertext.length % blockBytes === 0
    if (!whole || !timingSafeEqual(full.subarray(0, macBytes), answer.subarray(-macBytes)))
      throw new LogHostError('connector-silent', 'the answer is not from the device that the session is with')
    const decipher = createDecipheriv('aes-128-cbc', this.#encryption, this.#iv()).setAutoPadding(false)
    const padded = Buffer.concat([decipher.update(ciphertext), decipher.final()])
    this.#counter += 1
    const end = padded.lastIndexOf(0x80)
    if (end < 0 || padded.subarray(end + 1).some((byte) => byte !== 0))
      throw new LogHostError('connector-silent', 'the answer has no padding')
    return answerTo(code, padded.subarray(0, end))
  }

  wipe(): void {
    for (const key of [this.#encryption, this.#mac, this.#answerMac]) key.fill(0)
  }

  #authenticated(code: number, content: Uint8Array): Uint8Array {
    const length = u16(1 + content.length + macBytes)
    const body = Buffer.concat([Uint8Array.of(code), length, Uint8Array.of(this.#session), content])
    this.#chain = cmac(Buffer.concat([this.#chain, body]), this.#mac)
    return Buffer.concat([body, this.#chain.subarray(0, macBytes)])
  }

  #iv(): Uint8Array {
    const counter = Buffer.alloc(blockBytes)
    counter.writeUInt32BE(this.#counter, blockBytes - 4)
    const cipher = createCipheriv('aes-128-ecb', this.#encryption, null).setAutoPadding(false)
    return Buffer.concat([cipher.update(counter), cipher.final()])
  }
}

/**
 * An error outside of the channel has no MAC: whoever is between can say it, so that it is nobody's word on the command. What the device says of
 * a command it says inside.
 */
function answerInSession(answer: Uint8Array): Uint8Array {
  try {
    return answerTo(command.sessionMessage, answer)
  } catch (error) {
    if (!(error instanceof DeviceRefusal)) throw error
    throw new LogHostError('connector-silent', `error ${error.code}, outside of the session`)
  }
}
