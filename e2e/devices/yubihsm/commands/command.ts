import type { DeviceIdentity } from '../attestation/authority.ts'
import type { CapabilityName } from '../capabilities.ts'
import { hasCapability, isWithin } from '../capabilities.ts'
import type { ObjectType } from '../codes.ts'
import type { DeviceLog } from '../device-log.ts'
import type { Firmware } from '../firmware.ts'
import { type Fields, refuse } from '../message.ts'
import type { HsmObject, ObjectStore } from '../objects.ts'
import type { DeviceOptions } from '../options.ts'

/** What commands work on. */
export interface DeviceParts {
  readonly serial: number
  readonly firmware: Firmware
  readonly partNumber: string
  readonly objects: ObjectStore
  readonly log: DeviceLog
  readonly options: DeviceOptions
  /** Signs attestations; its certificate is object 0. */
  readonly identity: DeviceIdentity
  /** Private key of asymmetric authentication, P-256: private part, x, y. */
  readonly authenticationKey: Uint8Array
  /** Whether nothing was stored since the device was reset. */
  isFresh(): boolean
  factoryReset(): void
  closeSession(id: number): void
  blink(seconds: number): void
}

/** One command in a session. */
export interface Call {
  readonly device: DeviceParts
  readonly fields: Fields
  /** The authentication key of the session: whose capabilities and domains hold. */
  readonly actor: HsmObject
  readonly session: number
  /** Names the objects of the command for the log. */
  concerns(target: number, second?: number): void
  /** After work that took time: a device that lost its power meanwhile does not go on. Throws. */
  requirePower(): void
}

export interface CommandKind {
  readonly code: number
  /** What the session has to be allowed; null: nothing. */
  readonly needs: CapabilityName | null
  readonly since?: readonly [number, number]
  run(call: Call): Uint8Array | Promise<Uint8Array>
}

export const nothing = new Uint8Array()

/** The object that a command uses; refused where its domains are not the session's. */
export function objectOf(call: Call, type: ObjectType, id: number): HsmObject {
  return call.device.objects.get(type, id, call.actor.domains)
}

export function requireCapability(object: HsmObject, name: CapabilityName): void {
  if (!hasCapability(object.capabilities, name)) refuse('insufficientPermissions')
}

/** Key algorithms and operations can be switched off for the whole device. */
export function requireAlgorithm(call: Call, code: number): void {
  if (!call.device.options.allowsAlgorithm(code)) refuse('algorithmDisabled')
}

/** Nobody makes an object that may do more, or is in more domains, than the maker may give. */
export function requireMayGive(call: Call, domains: number, ...capabilities: readonly bigint[]): void {
  const { actor } = call
  const fits = capabilities.every((set) => isWithin(set, actor.delegated))
  if (!fits || (domains & ~actor.domains) !== 0) refuse('insufficientPermissions')
}
