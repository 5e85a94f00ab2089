import type { Check } from '../../shared/check.ts'
import { isOpenPgp } from '../../shared/openpgp-purpose.ts'
import type { Approvability } from '../../shared/review-sheet.ts'
import { canonicalText } from '../canonical/canonical-json.ts'
import { checkCertificateValid } from './certificate-valid.ts'
import { checkEmbeddedCertificates } from './embedded-certificates.ts'
import { checkIndexProgress, checkIndexSound } from './index-sound.ts'
import { checkInputsUnchanged } from './inputs-unchanged.ts'
import { checkKeyActive, checkKeyRegistered, checkPurposeMatches, checkTokenPresent } from './key-registered.ts'
import { checkFileExplained, checkLayoutSafe } from './layout-safe.ts'
import { checkPermission } from './permission.ts'
import type { PolicyInput } from './policy-input.ts'
import { checkRequestHeld } from './request-held.ts'
import { checkSbatLevel } from './sbat-level.ts'
import { besideEachOther, ofEachKey } from './several-keys.ts'
import { checkSignedBefore } from './signed-before.ts'
import { checkTextExplained, checkTextSafe } from './text-safe.ts'
import { checkTrustedCerts } from './trusted-certs.ts'
import { checkUploadVersion, checkUploadWhole } from './upload-whole.ts'

/** All checks of a request, in the order in which a person should read them: who may, what it trusts, with which key, what it is. */
export function evaluate(input: PolicyInput): readonly Check[] {
  const pgp = isOpenPgp(input.purpose)
  const key = [checkKeyRegistered, checkPurposeMatches, checkKeyActive, checkCertificateValid, checkTokenPresent].map(
    (ask) => ofEachKey(ask, input),
  )
  const [registered] = key
  if (registered !== undefined) key[0] = besideEachOther(registered, input)
  key.unshift(oneAnswer(ofEachKey(checkPermission, input), input))
  if (input.task === 'debsign' || input.task === 'signrepositoryindex') {
    return [
      checkRequestHeld(input),
      checkInputsUnchanged(input),
      ...key,
      ...(input.task === 'debsign'
        ? [checkUploadWhole(input), checkUploadVersion(input)]
        : [checkIndexSound(input), checkIndexProgress(input)]),
      ofEachKey(checkSignedBefore, input),
    ]
  }
  return [
    checkRequestHeld(input),
    checkInputsUnchanged(input),
    // As debusine's worker does: what the objects trust comes before what the server permits.
    checkTrustedCerts(input),
    pgp ? notForTexts('embedded-certificates') : checkEmbeddedCertificates(input),
    ...key,
    pgp ? checkTextSafe(input) : checkLayoutSafe(input),
    pgp ? checkTextExplained(input) : checkFileExplained(input),
    pgp ? notForTexts('sbat-level') : checkSbatLevel(input),
    checkSignedBefore(input),
  ]
}

/** As debusine's worker does: an index is signed for one person, whom the server names alike for each of its keys. */
function oneAnswer(permission: Check, { artifacts, further = [] }: PolicyInput): Check {
  const answers = new Set([...artifacts, ...further].map((each) => canonicalText(each.permission)))
  return permission.outcome !== 'passed' || further.length === 0 || answers.size === 1
    ? permission
    : {
        ...permission,
        outcome: 'refused',
        sentence:
          'The server names different persons or things for the keys of this index; no one of them has been permitted all of it.',
      }
}

/** Questions about boot loaders. */
function notForTexts(id: 'embedded-certificates' | 'sbat-level'): Check {
  return { id, outcome: 'not-applicable', sentence: 'This is about UEFI images; texts are signed here.', evidence: [] }
}

/**
 * Whether nothing stands against the request but that its key cannot be used now: it will be up for review as soon as the key is
 * here. A key that the token has exchanged is no such case, since waiting does not mend it.
 */
export function waitsForKey(checks: readonly Check[]): boolean {
  const blocking = checks.filter(({ outcome }) => outcome === 'refused' || outcome === 'unknown')
  return blocking.length > 0 && blocking.every(({ id, outcome }) => id === 'token-present' && outcome === 'unknown')
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
