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

/**
 * `failed`: the device says that it did nothing. `done` is everything else, so that no signature goes unseen for an odd result, and a
 * command that had not ended (0xff) counts as one that may have been carried out.
 */
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

/**
 * The errors of a device (`yh_rc` in lib/yubihsm.h, as ERROR messages carry them): real logs have the error of what failed as its result.
 * 0x7f is the command byte of an ERROR message, and what the maker's guide lets one expect.
 */
const errors: ReadonlySet<number> = new Set([
  0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x7f,
])

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
    result: errors.has(entry.result) ? 'failed' : 'done',
  }
}
