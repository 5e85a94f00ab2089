import { createPublicKey, randomBytes } from 'node:crypto'
import { askDevice, type Credentials, type DeviceInfo, type Exchange } from '../log-host/device.ts'
import { LogHostError } from '../log-host/log-host-error.ts'
import { answerTo, command, DeviceRefusal, encodeMessage, errorCode, u16 } from '../log-host/message.ts'
import { parseBegun, SecureChannel } from '../log-host/secure-channel.ts'

/** The commands of this process beside those of a session (`yh_cmd` in lib/yubihsm.h of yubihsm-shell 2.8.0). None of them signs for anybody. */
export const hsmCommand = {
  getOpaque: 0x43,
  generateAsymmetricKey: 0x46,
  exportWrapped: 0x4a,
  importWrapped: 0x4b,
  getObjectInfo: 0x4e,
  setOption: 0x4f,
  getPublicKey: 0x54,
  deleteObject: 0x58,
  signAttestationCertificate: 0x64,
} as const

export const hsmType = { 'authentication-key': 2, 'asymmetric-key': 3, 'wrap-key': 4 } as const

/** The device's own certificate, and the key that attests: object 0 (the maker's guide, "Attestation"). */
const deviceObject = 0

export const algorithmCode = { 'rsa-2048': 9, 'rsa-3072': 10, 'rsa-4096': 11, 'ec-p256': 12, 'ec-p384': 13 } as const
const curves: ReadonlyMap<number, { readonly crv: string; readonly bytes: number }> = new Map([
  [12, { crv: 'P-256', bytes: 32 }],
  [13, { crv: 'P-384', bytes: 48 }],
])
const rsaCodes: readonly number[] = [9, 10, 11]

/** What GET OBJECT INFO says. */
export interface ObjectInfo {
  readonly capabilities: string
  readonly delegated: string
  readonly domains: number
  readonly algorithm: number
  readonly origin: number
  readonly label: string
}

/** A session with the device of that serial number, both ends of which proved the password. Closed after one piece of work. */
export class HsmSession {
  readonly #exchange: Exchange
  readonly #channel: SecureChannel
  readonly info: DeviceInfo

  private constructor(exchange: Exchange, channel: SecureChannel, info: DeviceInfo) {
    this.#exchange = exchange
    this.#channel = channel
    this.info = info
  }

  /** One try. Throws where it is another device than `serial`, or does not take the password. */
  static async open(exchange: Exchange, { keyId, longTerm }: Credentials, serial: number): Promise<HsmSession> {
    const challenge = randomBytes(8)
    const create = encodeMessage(command.createSession, Buffer.concat([u16(keyId), challenge]))
    const begun = parseBegun(answerTo(command.createSession, await exchange(create)))
    const channel = new SecureChannel(longTerm, challenge, begun)
    try {
      answerTo(command.authenticateSession, await exchange(channel.authentication()))
      const info = await askDevice(exchange)
      const session = new HsmSession(exchange, channel, info)
      if (info.serial === serial) return session
      await session.close()
      throw new LogHostError('token-swapped', `the device at the connector has serial number ${info.serial}`)
    } catch (error) {
      channel.wipe()
      throw error
    }
  }

  /** Null: there is none. */
  async objectInfo(objectId: number, type: number): Promise<ObjectInfo | null> {
    try {
      const answer = Buffer.from(await this.#send(hsmCommand.getObjectInfo, Buffer.concat([u16(objectId), one(type)])))
      if (answer.length !== 66) throw malformed('GET OBJECT INFO')
      return {
        capabilities: answer.subarray(0, 8).toString('hex'),
        domains: answer.readUInt16BE(12),
        algorithm: answer.readUInt8(15),
        origin: answer.readUInt8(17),
        label: answer.subarray(18, 58).toString('utf8').replace(/\0+$/, ''),
        delegated: answer.subarray(58, 66).toString('hex'),
      }
    } catch (error) {
      if (error instanceof DeviceRefusal && error.code === errorCode.objectNotFound) return null
      throw error
    }
  }

  /** SubjectPublicKeyInfo DER; null for kinds that are not known here. */
  async publicKey(objectId: number): Promise<Uint8Array | null> {
    const [code = 0, ...rest] = await this.#send(hsmCommand.getPublicKey, u16(objectId))
    return spkiOf(code, Uint8Array.from(rest))
  }

  async generate(
    objectId: number,
    what: {
      readonly label: string
      readonly algorithm: keyof typeof algorithmCode
      readonly domains: number
      readonly capabilities: bigint
    },
  ): Promise<void> {
    const label = Buffer.alloc(40)
    label.write(what.label, 'utf8')
    const capabilities = Buffer.alloc(8)
    capabilities.writeBigUInt64BE(what.capabilities)
    const meta = [u16(objectId), label, u16(what.domains), capabilities, one(algorithmCode[what.algorithm])]
    const answer = await this.#send(hsmCommand.generateAsymmetricKey, Buffer.concat(meta))
    if (Buffer.compare(answer, u16(objectId)) !== 0) throw malformed('GENERATE ASYMMETRIC KEY')
  }

  exportWrapped(wrapKeyId: number, type: number, objectId: number): Promise<Uint8Array> {
    return this.#send(hsmCommand.exportWrapped, Buffer.concat([u16(wrapKeyId), one(type), u16(objectId)]))
  }

  async importWrapped(
    wrapKeyId: number,
    wrapped: Uint8Array,
  ): Promise<{ readonly type: number; readonly objectId: number }> {
    const answer = Buffer.from(await this.#send(hsmCommand.importWrapped, Buffer.concat([u16(wrapKeyId), wrapped])))
    if (answer.length !== 3) throw malformed('IMPORT WRAPPED')
    return { type: answer.readUInt8(0), objectId: answer.readUInt16BE(1) }
  }

  async delete(objectId: number, type: number): Promise<void> {
    await this.#send(hsmCommand.deleteObject, Buffer.concat([u16(objectId), one(type)]))
  }

  async attest(objectId: number): Promise<{ readonly statement: Uint8Array; readonly device: Uint8Array }> {
    const statement = await this.#send(
      hsmCommand.signAttestationCertificate,
      Buffer.concat([u16(objectId), u16(deviceObject)]),
    )
    return { statement, device: await this.#send(hsmCommand.getOpaque, u16(deviceObject)) }
  }

  option(option: number): Promise<Uint8Array> {
    return this.#send(command.getOption, Uint8Array.of(option))
  }

  async setOption(option: number, value: Uint8Array): Promise<void> {
    await this.#send(hsmCommand.setOption, Buffer.concat([one(option), u16(value.length), value]))
  }

  /** One of 16 sessions is free again. Never fails: a session that is not closed is used anew after 30 s. */
  async close(): Promise<void> {
    try {
      await this.#send(command.closeSession)
    } catch (error) {
      if (!(error instanceof DeviceRefusal || error instanceof LogHostError)) throw error
    } finally {
      this.#channel.wipe()
    }
  }

  async #send(code: number, data: Uint8Array = new Uint8Array()): Promise<Uint8Array> {
    return this.#channel.open(code, await this.#exchange(this.#channel.seal(code, data)))
  }
}

function one(value: number): Uint8Array {
  return Uint8Array.of(value)
}

function malformed(what: string): LogHostError {
  return new LogHostError('connector-silent', `${what}: wrong answer`)
}

function spkiOf(code: number, raw: Uint8Array): Uint8Array | null {
  const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')
  const curve = curves.get(code)
  if (rsaCodes.includes(code)) return exported({ kty: 'RSA', n: base64url(raw), e: 'AQAB' })
  if (curve === undefined || raw.length !== 2 * curve.bytes) return null
  const [x, y] = [raw.subarray(0, curve.bytes), raw.subarray(curve.bytes)]
  return exported({ kty: 'EC', crv: curve.crv, x: base64url(x), y: base64url(y) })
}

function exported(key: Readonly<Record<string, string>>): Uint8Array {
  return createPublicKey({ format: 'jwk', key }).export({ type: 'spki', format: 'der' })
}
