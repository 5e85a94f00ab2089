import { z } from 'zod'
import { fingerprint, requestId, sha256Hex, utcTime } from '../../../shared/ids.ts'
import { operator, purposeText, tokenSerial, word } from './entry-fields.ts'
import { exactText } from './text.ts'

// Events of approvals that were given ahead (docs/formats/audit-entry.md).

const which = { standing: requestId, purpose: purposeText, fingerprint }

/** The token took the PIN; from here on requests of this scope can be approved without a person in front of them. */
export const standingApprovalGranted = z.strictObject({
  event: z.literal('standing-approval-granted'),
  ...which,
  scope: exactText(1000).min(1),
  uses: z.int().positive(),
  endsAt: utcTime,
  tokenSerial,
  /** Whether the lock of the desk is seen, and ends it. */
  lockSeen: z.boolean(),
  operator,
})
/** Stands where `approved` stands otherwise: nobody was shown this sheet. */
export const standingApprovalUsed = z.strictObject({
  event: z.literal('standing-approval-used'),
  ...which,
  requestId,
  sheetDigest: sha256Hex,
  use: z.int().positive(),
  uses: z.int().positive(),
  operator,
})
/** It is over, by a person or by itself. */
export const standingApprovalWithdrawn = z.strictObject({
  event: z.literal('standing-approval-withdrawn'),
  ...which,
  why: word,
  used: z.int().nonnegative(),
  operator,
})
