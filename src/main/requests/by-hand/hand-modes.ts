import type { SignAs } from '../../../shared/by-hand.ts'
import type { Purpose } from '../../../shared/purpose.ts'

/** One way to sign a file that was opened by hand. */
export interface HandMode {
  /** Keys of this purpose fit, and no other. */
  readonly purpose: Purpose
  /** Usual name of what comes out, made of the input's name. Never the input's own. */
  readonly outputName: (input: string) => string
}

/** All of them. A mode of the contract without its row does not compile, so that nothing is signed as something that nobody described. */
export const handModes: Readonly<Record<SignAs, HandMode>> = {
  // As `sbsign --detached` names it.
  'uefi-detached': { purpose: 'uefi', outputName: (input) => `${input}.sig` },
}
