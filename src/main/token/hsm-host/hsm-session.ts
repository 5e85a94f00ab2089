import { createPublicKey } from 'node:crypto'
import type { DeviceChannel } from '../log-host/device-channel.ts'
import { LogHostError } from '../log-host/log-host-error.ts'
import { command, DeviceRefusal, errorCode, u16 } from '../log-host/message.ts'

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

/** What a ceremony says to a device in one session. */
export class HsmSession {
  readonly #send: DeviceChannel['send']

  constructor({ send }: DeviceChannel) {
    this.#send = send
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
