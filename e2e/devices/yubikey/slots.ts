/** Key references of the PIV applet (NIST SP 800-73-4 part 1 table 4b; F9 is Yubico's): slot number → object of its certificate. */
const certificateObjects: ReadonlyMap<number, string> = new Map([
  [0x9a, '5fc105'],
  [0x9c, '5fc10a'],
  [0x9d, '5fc10b'],
  [0x9e, '5fc101'],
  ...Array.from({ length: 20 }, (_, index) => [0x82 + index, (0x5fc10d + index).toString(16)] as const),
  [0xf9, '5fff01'],
])

export const slots: readonly number[] = [...certificateObjects.keys()]

export const slotOf = {
  authentication: 0x9a,
  signature: 0x9c,
  keyManagement: 0x9d,
  cardAuth: 0x9e,
  attestation: 0xf9,
} as const

export const managementReference = 0x9b
export const pinReference = 0x80
export const pukReference = 0x81

export function isSlot(number: number): boolean {
  return certificateObjects.has(number)
}

/** Id of the data object with the slot's certificate, as hex. */
export function certificateObject(slot: number): string {
  const id = certificateObjects.get(slot)
  if (id === undefined) throw new Error(`${slot.toString(16)} is not a key slot`)
  return id
}

export type PinPolicy = 'never' | 'once' | 'always'
export type TouchPolicy = 'never' | 'always' | 'cached'

const pinPolicies: Readonly<Record<PinPolicy, number>> = { never: 1, once: 2, always: 3 }
const touchPolicies: Readonly<Record<TouchPolicy, number>> = { never: 1, always: 2, cached: 3 }

export function pinPolicyByte(policy: PinPolicy): number {
  return pinPolicies[policy]
}

export function touchPolicyByte(policy: TouchPolicy): number {
  return touchPolicies[policy]
}

/** Tag AA of GENERATE and IMPORT: 0 or absent is the slot's default. Null: not a policy. */
export function pinPolicyOf(byte: number | undefined, slot: number): PinPolicy | null {
  switch (byte ?? 0) {
    case 0:
      return slot === slotOf.signature ? 'always' : slot === slotOf.cardAuth ? 'never' : 'once'
    case 1:
      return 'never'
    case 2:
      return 'once'
    case 3:
      return 'always'
    default:
      return null
  }
}

/** Tag AB of GENERATE and IMPORT: 0 or absent is never. */
export function touchPolicyOf(byte: number | undefined): TouchPolicy | null {
  switch (byte ?? 0) {
    case 0:
    case 1:
      return 'never'
    case 2:
      return 'always'
    case 3:
      return 'cached'
    default:
      return null
  }
}
