import type { DeviceEntry } from './device-entry.ts'

interface KeyCommand {
  readonly name: string
  /** Which of the two objects of an entry is the private key that is used. */
  readonly key: 'targetKey' | 'secondKey'
  readonly signs: boolean
}

/** Commands that use a private key: `yh_cmd` in lib/yubihsm.h of yubihsm-shell 2.8.0. All of them use asymmetric objects. */
const keyCommands: ReadonlyMap<number, KeyCommand> = new Map([
  [0x47, { name: 'SIGN PKCS1', key: 'targetKey', signs: true }],
  [0x49, { name: 'DECRYPT PKCS1', key: 'targetKey', signs: false }],
  [0x55, { name: 'SIGN PSS', key: 'targetKey', signs: true }],
  [0x56, { name: 'SIGN ECDSA', key: 'targetKey', signs: true }],
  [0x57, { name: 'DERIVE ECDH', key: 'targetKey', signs: false }],
  [0x59, { name: 'DECRYPT OAEP', key: 'targetKey', signs: false }],
  [0x5d, { name: 'SIGN SSH CERTIFICATE', key: 'targetKey', signs: true }],
  // Names the key that is certified and then the one that certifies: the second one signs.
  [0x64, { name: 'SIGN ATTESTATION CERTIFICATE', key: 'secondKey', signs: true }],
  [0x6a, { name: 'SIGN EDDSA', key: 'targetKey', signs: true }],
])

export const setOption = 0x4f

/** What the station's signature schemes become in the device: CKM_RSA_PKCS is SIGN PKCS1, CKM_ECDSA is SIGN ECDSA. */
const stationCommands: ReadonlySet<number> = new Set([0x47, 0x56])

/** The device's own attestation key, as which SIGN ATTESTATION CERTIFICATE names no object. */
const ownAttestationKey = 0
const noObject = 0xffff

/** `failed`: the device says that it did nothing. `done` is everything else, so that no signature goes unseen for an odd result. */
export type DeviceResult = 'done' | 'failed'

/** The use of a private key that an entry tells of. */
export interface DeviceUse {
  readonly command: string
  readonly objectId: number
  readonly signs: boolean
  /** Whether the station ever sends this command. */
  readonly ours: boolean
  readonly result: DeviceResult
}

const commandFailed = 0x7f // YHC_ERROR

/** Null: the entry is about something else. */
export function deviceUseOf(entry: DeviceEntry): DeviceUse | null {
  const command = keyCommands.get(entry.command)
  if (command === undefined) return null
  const objectId = entry[command.key]
  if (command.key === 'secondKey' && (objectId === ownAttestationKey || objectId === noObject)) return null
  return {
    command: command.name,
    objectId,
    signs: command.signs,
    ours: stationCommands.has(entry.command),
    result: entry.result === commandFailed ? 'failed' : 'done',
  }
}
