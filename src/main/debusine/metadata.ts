import type { Offer } from './server.ts'

/**
 * Our own keys, for administrators, and for a scheduler that will know about single keys; none of today looks at them. A signing key
 * is named as its asset is: `PURPOSE:FINGERPRINT`.
 */
function forAdministrators(offer: Offer): Record<string, unknown> {
  return {
    'signing-station:version': offer.version,
    'signing-station:purposes': [...offer.signPurposes].sort(),
    'signing-station:usable-keys': offer.usableKeys
      .map(({ purpose, fingerprint }) => `${purpose}:${fingerprint}`)
      .sort(),
  }
}

/** Keys for repository indexes sign nothing but those. */
function signsFiles(offer: Offer): boolean {
  return offer.signPurposes.some((purpose) => purpose !== 'openpgp-repository')
}

/**
 * What 0.11's scheduler reads. Only tasks named with the right version are given to us, with one exception: GenerateKey has no
 * version there, so that leaving the key out means "can do". Any other value means "cannot".
 */
export function metadata011(offer: Offer): Readonly<Record<string, unknown>> {
  return {
    'system:worker_type': 'signing',
    'signing:generatekey:version': offer.generatesKeys ? null : 0,
    ...(signsFiles(offer) ? { 'signing:sign:version': 1 } : {}),
    ...(offer.signPurposes.includes('uefi') ? { 'signing:sign:available:uefi': true } : {}),
    ...(offer.signPurposes.includes('openpgp')
      ? { 'signing:debsign:version': 1, 'signing:debsign:available': true }
      : {}),
    ...forAdministrators(offer),
  }
}

/** What 0.16's scheduler reads: a request's required tags must be a subset of these. */
export function metadata016(offer: Offer): Readonly<Record<string, unknown>> {
  return {
    'system:worker_type': 'signing',
    provided_tags: [
      ...(offer.signPurposes.includes('uefi') ? ['worker:cap:sbsign'] : []),
      ...(offer.signPurposes.includes('openpgp')
        ? ['worker:cap:debsign', 'worker:task:signing:debsign:version:1']
        : []),
      ...(offer.generatesKeys ? ['worker:task:signing:generatekey:version:1'] : []),
      ...(signsFiles(offer) ? ['worker:task:signing:sign:version:1'] : []),
      ...(offer.signPurposes.includes('openpgp-repository')
        ? ['worker:task:signing:signrepositoryindex:version:1']
        : []),
    ],
    ...forAdministrators(offer),
  }
}
