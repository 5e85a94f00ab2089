import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { cmac } from '@noble/ciphers/aes.js'
import { command, errorCode } from '../codes.ts'
import { keysOfPassword } from '../default-key.ts'
import { encodeMessage, parseMessage, u16 } from '../message.ts'
import { hostCryptogram, type SessionKeys, symmetricSessionKeys } from '../session/session-keys.ts'

export type Exchange = (message: Uint8Array) => Promise<Uint8Array>

/** The name of the error that a device answered with. */
export class DeviceRefusal extends Error {
  readonly refusal: string

  constructor(code: number) {
    super(Object.entries(errorCode).find(([, known]) => known === code)?.[0] ?? `error ${code}`)
    this.refusal = this.message
  }
}

/** The host's end of a session, for what the maker's programs do not let one do. */
export class HostSession {
  readonly #exchange: Exchange
  readonly #id: number
  readonly #keys: SessionKeys
  #chain: Uint8Array = new Uint8Array(16)
  #counter = 1

  private constructor(exchange: Exchange, id: number, keys: SessionKeys) {
    this.#exchange = exchange
    this.#id = id
    this.#keys = keys
  }

  static async open(exchange: Exchange, keyId = 1, password = 'password'): Promise<HostSession> {
    const challenge = randomBytes(8)
    const begun = await plain(exchange, command.createSession, Buffer.concat([u16(keyId), challenge]))
    const context = Buffer.concat([challenge, begun.subarray(1, 9)])
    const session = new HostSession(exchange, begun[0] ?? 0, symmetricSessionKeys(keysOfPassword(password), context))
    const cryptogram = hostCryptogram(session.#keys, context)
    const message = session.#authenticated(command.authenticateSession, cryptogram)
    answerOf(await exchange(message))
    return session
  }

  /** Sends a command; rejects with `DeviceRefusal` where the device answers with an error, in the session or about it. */
  async send(code: number, data: Uint8Array = new Uint8Array()): Promise<Uint8Array> {
    const message = encodeMessage(code, data)
    const padding = Buffer.alloc(16 - (message.length % 16))
    padding[0] = 0x80
    const cipher = createCipheriv('aes-128-cbc', this.#keys.encryption, this.#iv()).setAutoPadding(false)
    const ciphertext = Buffer.concat([cipher.update(message), cipher.update(padding), cipher.final()])
    const answer = answerOf(await this.#exchange(this.#authenticated(command.sessionMessage, ciphertext)))
    const decipher = createDecipheriv('aes-128-cbc', this.#keys.encryption, this.#iv()).setAutoPadding(false)
    const inner = Buffer.concat([decipher.update(answer.subarray(1, -8)), decipher.final()])
    this.#counter += 1
    return answerOf(inner)
  }

  #authenticated(code: number, content: Uint8Array): Uint8Array {
    const body = Buffer.concat([Uint8Array.of(code), u16(1 + content.length + 8), Uint8Array.of(this.#id), content])
    this.#chain = cmac(Buffer.concat([this.#chain, body]), this.#keys.mac)
    return Buffer.concat([body, this.#chain.subarray(0, 8)])
  }

  #iv(): Uint8Array {
    const counter = Buffer.alloc(16)
    counter.writeUInt32BE(this.#counter, 12)
    const cipher = createCipheriv('aes-128-ecb', this.#keys.encryption, null).setAutoPadding(false)
    return Buffer.concat([cipher.update(counter), cipher.final()])
  }
}

/** A command outside of a session. */
export async function plain(
  exchange: Exchange,
  code: number,
  data: Uint8Array = new Uint8Array(),
): Promise<Uint8Array> {
  return answerOf(await exchange(encodeMessage(code, data)))
}

function answerOf(bytes: Uint8Array): Uint8Array {
  const message = parseMessage(bytes)
  if (message === null) throw new Error(`no whole answer: ${Buffer.from(bytes).toString('hex')}`)
  if (message.command === command.error) throw new DeviceRefusal(message.data[0] ?? 0)
  return message.data
}
