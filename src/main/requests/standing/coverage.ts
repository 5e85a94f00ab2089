import type { Check } from '../../../shared/check.ts'
import type { ReviewSheet } from '../../../shared/review-sheet.ts'
import type { StandingEnd } from '../../../shared/standing.ts'
import { approvability } from '../../policy/evaluate.ts'

export interface Grant {
  readonly purpose: string
  readonly fingerprint: string
  readonly scope: string
  readonly uses: number
  readonly grantedAt: number
  readonly endsAt: number
  /** Milliseconds of a clock that is never set. */
  readonly steadyFrom: number
  readonly lockSeen: boolean
}

/** What the clocks say, and said last. */
export interface Times {
  readonly now: number
  readonly lastNow: number
  readonly steady: number
  readonly seesLock: boolean
  /** Milliseconds that it may last where the lock of the desk is not seen. */
  readonly unseenMs: number
}

/** Why it is over by the clocks alone; null: it is not. */
export function endedByTime(grant: Grant, { now, lastNow, steady, seesLock, unseenMs }: Times): StandingEnd | null {
  // A clock that was set back could make an approval last for ever.
  if (now < lastNow || now < grant.grantedAt) return 'clock-moved-back'
  // Set forward, it only shortens it; set back between two looks, the steady one tells.
  const lasted = Math.max(now - grant.grantedAt, steady - grant.steadyFrom)
  if (lasted >= grant.endsAt - grant.grantedAt) return 'time-over'
  return !seesLock && lasted >= unseenMs ? 'lock-not-seen' : null
}

export type Coverage =
  | { readonly kind: 'covered' }
  /** Another key or scope: it is not asked. */
  | { readonly kind: 'other' }
  /** Of its key and scope, and a person has to look. It goes on. */
  | { readonly kind: 'for-a-person' }
  /** Of its key and scope, and not as it should be: whatever comes next wants a person as well. */
  | { readonly kind: 'ends'; readonly why: StandingEnd }

/**
 * Whether a sheet is one that a grant was meant for. It never covers what is refused or unknown, and what needs attention is acknowledged by a
 * person who reads it, or not at all.
 */
export function coverageOf(
  grant: Pick<Grant, 'purpose' | 'fingerprint' | 'scope'>,
  sheet: Pick<ReviewSheet, 'purpose' | 'key' | 'furtherKeys' | 'checks'>,
  scope: string | null,
): Coverage {
  if (sheet.purpose !== grant.purpose || sheet.key.fingerprint !== grant.fingerprint) return { kind: 'other' }
  const worst = (outcome: Check['outcome']) => sheet.checks.some((check) => check.outcome === outcome)
  // Of the same key already: somebody tries what the key must not sign, whatever the scope.
  if (worst('refused')) return { kind: 'ends', why: 'check-refused' }
  if (worst('unknown')) return { kind: 'ends', why: 'check-unknown' }
  if (scope !== grant.scope) return { kind: 'other' }
  // It opened one key, and this wants more.
  if (sheet.furtherKeys !== undefined) return { kind: 'for-a-person' }
  const may = approvability(sheet.checks)
  return may.kind === 'approvable' && may.acknowledge.length === 0 ? { kind: 'covered' } : { kind: 'for-a-person' }
}
