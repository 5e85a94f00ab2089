import type { Check } from '../../shared/check.ts'
import type { RegisteredKey } from '../../shared/key.ts'
import { noExpiry } from '../../shared/no-expiry.ts'
import { type Evidence, fromEvidence } from './evidence.ts'
import type { PolicyInput } from './policy-input.ts'

/** Validity of the signer's certificate at this moment. UEFI itself has no trusted clock; a release still must not be signed with an expired key. */
export function checkCertificateValid({
  key,
  now,
}: Pick<PolicyInput, 'now'> & { readonly key: Pick<RegisteredKey, 'certificate'> | null }): Check {
  if (key === null)
    return { id: 'certificate-valid', outcome: 'not-applicable', sentence: 'There is no certificate.', evidence: [] }
  const { notBefore, notAfter, keyUsage } = key.certificate
  const tooEarly = now.getTime() < Date.parse(notBefore)
  const tooLate = now.getTime() > Date.parse(notAfter)
  const mayNotSign = keyUsage.length > 0 && !keyUsage.includes('digitalSignature')
  const evidence: Evidence[] = [
    {
      subject: 'validity',
      found: `${notBefore} to ${notAfter}`,
      outcome: tooEarly || tooLate ? 'refused' : 'passed',
      source: 'station',
    },
    {
      subject: 'key usage',
      found: keyUsage.length === 0 ? 'not restricted' : keyUsage.join(', '),
      outcome: mayNotSign ? 'attention' : 'passed',
      source: 'station',
    },
  ]
  return fromEvidence('certificate-valid', evidence, {
    passed:
      notAfter === noExpiry
        ? 'The certificate does not expire.'
        : `The certificate is valid until ${notAfter.slice(0, 10)}.`,
    refused: tooEarly
      ? `The certificate is not valid before ${notBefore.slice(0, 10)}.`
      : `The certificate expired on ${notAfter.slice(0, 10)}.`,
    attention:
      'The certificate’s key usage does not name digital signatures; strict verifiers may refuse what it signs.',
    unknown: '',
    'not-applicable': '',
  })
}
