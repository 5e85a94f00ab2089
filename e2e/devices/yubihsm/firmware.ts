/** Major, minor, patch. */
export type Firmware = readonly [number, number, number]

export function atLeast(firmware: Firmware, major: number, minor: number, patch = 0): boolean {
  const [ownMajor, ownMinor, ownPatch] = firmware
  if (ownMajor !== major) return ownMajor > major
  if (ownMinor !== minor) return ownMinor > minor
  return ownPatch >= patch
}

/** The longest message with its header, in bytes (`YH_MSG_BUF_SIZE`, and the same of before 2.4). */
export function messageLimit(firmware: Firmware): number {
  return atLeast(firmware, 2, 4) ? 3136 : 2048
}
