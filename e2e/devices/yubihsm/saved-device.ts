import type { DeviceIdentity } from './attestation/authority.ts'
import type { ObjectType } from './codes.ts'
import type { DeviceParts } from './commands/command.ts'
import type { SavedLog } from './device-log.ts'
import type { Firmware } from './firmware.ts'
import type { HsmObject } from './objects.ts'
import type { SavedOptions } from './options.ts'

interface SavedObject {
  readonly type: ObjectType
  readonly id: number
  readonly algorithm: number
  readonly domains: number
  readonly sequence: number
  readonly origin: number
  /** The rest is hexadecimal. */
  readonly label: string
  readonly capabilities: string
  readonly delegated: string
  readonly body: string
  readonly seed: string | null
}

/** What a device keeps without power, as JSON. Its keys are in it. */
export interface SavedDevice {
  readonly serial: number
  readonly firmware: Firmware
  readonly identity: { readonly algorithm: number; readonly body: string; readonly certificate: string }
  readonly authenticationKey: string
  readonly objects: readonly SavedObject[]
  readonly sequences: readonly (readonly [number, number])[]
  readonly log: SavedLog
  readonly options: SavedOptions
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))

export function encodeDevice(parts: DeviceParts): SavedDevice {
  const { key, certificate } = parts.identity
  return {
    serial: parts.serial,
    firmware: parts.firmware,
    identity: { algorithm: key.algorithm, body: hex(key.body), certificate: hex(certificate) },
    authenticationKey: hex(parts.authenticationKey),
    objects: parts.objects.all().map((object) => ({
      ...object,
      label: hex(object.label),
      capabilities: object.capabilities.toString(16),
      delegated: object.delegated.toString(16),
      body: hex(object.body),
      seed: object.seed === null ? null : hex(object.seed),
    })),
    sequences: parts.objects.sequences(),
    log: parts.log.save(),
    options: parts.options.save(),
  }
}

export interface KeptParts {
  readonly identity: DeviceIdentity
  readonly authenticationKey: Uint8Array
  readonly objects: readonly HsmObject[]
  readonly sequences: readonly (readonly [number, number])[]
  readonly log: SavedLog
  readonly options: SavedOptions
}

export function decodeDevice(saved: SavedDevice): KeptParts {
  const { algorithm, body, certificate } = saved.identity
  return {
    identity: { key: { algorithm, body: unhex(body) }, certificate: unhex(certificate) },
    authenticationKey: unhex(saved.authenticationKey),
    objects: saved.objects.map((object) => ({
      ...object,
      label: unhex(object.label),
      capabilities: BigInt(`0x${object.capabilities}`),
      delegated: BigInt(`0x${object.delegated}`),
      body: unhex(object.body),
      seed: object.seed === null ? null : unhex(object.seed),
    })),
    sequences: saved.sequences,
    log: saved.log,
    options: saved.options,
  }
}
