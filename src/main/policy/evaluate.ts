import type { Check } from '../../shared/check.ts'
import type { Approvability } from '../../shared/review-sheet.ts'
import { checkCertificateValid } from './certificate-valid.ts'
import { checkEmbeddedCertificates } from './embedded-certificates.ts'
import { checkInputsUnchanged } from './inputs-unchanged.ts'
import { checkKeyActive, checkKeyRegistered, checkPurposeMatches, checkTokenPresent } from './key-registered.ts'
import { checkFileExplained, checkLayoutSafe } from './layout-safe.ts'
import { checkPermission } from './permission.ts'
import type { PolicyInput } from './policy-input.ts'
import { checkRequestHeld } from './request-held.ts'
import { checkSbatLevel } from './sbat-level.ts'
import { checkSignedBefore } from './signed-before.ts'
import { checkTrustedCerts } from './trusted-certs.ts'

/** All checks of a request, in the order in which a person should read them: who may, what it trusts, with which key, what it is. */
export function evaluate(input: PolicyInput): readonly Check[] {
  return [
    checkRequestHeld(input),
    checkInputsUnchanged(input),
    // As debusine's worker does: what the objects trust comes before what the server permits.
    checkTrustedCerts(input),
    checkEmbeddedCertificates(input),
    checkPermission(input),
    checkKeyRegistered(input),
    checkPurposeMatches(input),
    checkKeyActive(input),
    checkCertificateValid(input),
    checkTokenPresent(input),
    checkLayoutSafe(input),
    checkFileExplained(input),
    checkSbatLevel(input),
    checkSignedBefore(input),
  ]
}

/** Refused and unknown block; attention has to be acknowledged by name. Nothing else decides whether a sheet can be approved. */
export function approvability(checks: readonly Check[]): Approvability {
  const by = checks
    .filter((check) => check.outcome === 'refused' || check.outcome === 'unknown')
    .map((check) => check.id)
  // No checks at all is not "all passed".
  if (by.length > 0 || checks.length === 0) return { kind: 'blocked', by }
  return {
    kind: 'approvable',
    acknowledge: checks.filter((check) => check.outcome === 'attention').map((check) => check.id),
  }
}
