import { z } from 'zod'
import { fingerprint, requestId, utcTime } from './ids.ts'
import { purpose } from './purpose.ts'

/** Why a standing approval is over. All of them are final; a new one wants the PIN again. */
export const standingEnd = z.enum([
  'operator', // withdrawn by a person
  'used-up',
  'time-over',
  'desk-locked', // or about to sleep
  'off-duty',
  'lock-not-seen', // the lock of the desk cannot be seen any more, and the short time for that is over
  'token-lost', // removed, or its session ended
  'token-needed', // a person approved something else with the same token
  'check-refused',
  'check-unknown',
  'not-so-any-more', // the server's last word, or this station's clock and lists, differ from the sheet
  'key-not-active', // suspended or taken out of use, and made active again or not
  'clock-moved-back',
  'signing-failed',
  'station-stopped',
  'station-died', // found open at the next start
])
export type StandingEnd = z.infer<typeof standingEnd>

/** An approval that was given ahead for one key and one scope. */
export const standingApproval = z.strictObject({
  id: requestId,
  purpose,
  fingerprint,
  keyDescription: z.string(),
  /** What it is for, as the facts of its requests have it. */
  scope: z.string(),
  uses: z.int().positive(),
  used: z.int().nonnegative(),
  grantedAt: utcTime,
  endsAt: utcTime,
  operator: z.string(),
  /** False: this machine does not tell when its screen is locked, hence the short time. */
  lockSeen: z.boolean(),
})
export type StandingApproval = z.infer<typeof standingApproval>
