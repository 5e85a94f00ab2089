import type { CheckId } from '../../shared/check.ts'
import { isOpenPgp } from '../../shared/openpgp-purpose.ts'
import { keysOf, type ReviewSheet, taskOf } from '../../shared/review-sheet.ts'
import { checkCertificateValid } from './certificate-valid.ts'
import { checkEmbeddedCertificates } from './embedded-certificates.ts'
import { checkIndexSound } from './index-sound.ts'
import type { PolicyInput } from './policy-input.ts'
import { joined } from './several-keys.ts'
import { checkTrustedCerts } from './trusted-certs.ts'
import { checkUploadWhole } from './upload-whole.ts'

/**
 * The checks of a sheet that rest on this station's clock, list and version alone, made again: a sheet may lie on the screen for days, and
 * a certificate runs out or is taken off the list meanwhile. Gives the ids of those whose answer is another one now.
 */
export function changedSince(
  sheet: ReviewSheet,
  { now, trustedList }: Pick<PolicyInput, 'now' | 'trustedList'>,
): readonly CheckId[] {
  const { artifacts, purpose } = sheet
  const task = taskOf(sheet)
  const again = [
    ...(task === 'sign' ? [checkTrustedCerts({ artifacts, trustedList, purpose })] : []),
    // A station that showed less of an upload has made the sheet, and this one would sign the rest unseen.
    ...(task === 'debsign' ? [checkUploadWhole({ artifacts })] : []),
    // An index runs out while its sheet lies on the screen.
    ...(task === 'signrepositoryindex' ? [checkIndexSound({ artifacts, now })] : []),
    ...(isOpenPgp(purpose) ? [] : [checkEmbeddedCertificates({ artifacts, trustedList })]),
    joined(keysOf(sheet).map(({ registered }) => checkCertificateValid({ key: registered, now }))),
  ]
  return again
    .filter(({ id, outcome }) => sheet.checks.find((check) => check.id === id)?.outcome !== outcome)
    .map(({ id }) => id)
}
