import { standingLimits } from '../../../shared/standing-limits.ts'
import type { DeskPorts } from '../desk-ports.ts'
import { scopeOfSheet } from './scope-of-sheet.ts'

/** Where nobody says otherwise, no lock of the desk is seen: that is the side on which an approval ends sooner. */
export function standingRules(given: Partial<DeskPorts['standing']> = {}): DeskPorts['standing'] {
  return {
    seesLock: () => false,
    steady: () => performance.now(),
    unseenMs: standingLimits.minutesUnseen * 60_000,
    scopeOf: scopeOfSheet,
    ...given,
  }
}
