import type { Check } from '../../shared/check.ts'
import { isOpenPgp } from '../../shared/openpgp-purpose.ts'
import { type Evidence, fromEvidence, nameOfArtifact, plural } from './evidence.ts'
import type { PolicyInput } from './policy-input.ts'

/** Compares as fingerprints: hexadecimal without regard to case, colons or spaces. What has nothing else in it is none. */
export function sameFingerprint(a: string, b: string): boolean {
  return normalized(a) !== '' && normalized(a) === normalized(b)
}
function normalized(text: string): string {
  return text.replaceAll(/[:\s]/g, '').toLowerCase()
}

/**
 * What the submitter declares that the objects trust, against this station's own list (debusine's
 * DEBUSINE_SIGNING_TRUSTED_CERTS). Absent, empty and named are three different statements.
 */
export function checkTrustedCerts({
  artifacts,
  trustedList,
  purpose,
}: Pick<PolicyInput, 'artifacts' | 'trustedList' | 'purpose'>): Check {
  const evidence = artifacts.flatMap((artifact): Evidence[] => {
    if (artifact.permission.kind === 'by-hand' && artifact.trustedCerts.kind === 'not-declared' && !isOpenPgp(purpose))
      return [
        {
          subject: nameOfArtifact(artifact),
          source: 'station',
          found: 'opened by hand: nobody has declared which certificates they trust',
          outcome: 'attention',
        },
      ]
    const base = { subject: nameOfArtifact(artifact), source: 'server' } as const
    switch (artifact.trustedCerts.kind) {
      case 'not-declared':
        // Texts trust nobody; what is declared all the same counts.
        if (isOpenPgp(purpose))
          return [{ ...base, found: 'declares nothing, and holds texts', outcome: 'not-applicable' }]
        return [{ ...base, found: 'does not say which certificates its files trust', outcome: 'attention' }]
      case 'declared-empty':
        return [{ ...base, found: 'declares that its files trust no certificate', outcome: 'passed' }]
      case 'declared':
        return artifact.trustedCerts.certificates.map(({ fingerprint }) =>
          trustedList.some((listed) => sameFingerprint(listed, fingerprint))
            ? { ...base, found: `trusts ${fingerprint}, which is on this station's list`, outcome: 'passed' }
            : { ...base, found: `trusts ${fingerprint}, which is not on this station's list`, outcome: 'refused' },
        )
    }
  })
  const named = evidence.filter((piece) => piece.found.startsWith('trusts')).length
  const untrusted = evidence.filter((piece) => piece.outcome === 'refused').length
  return fromEvidence('trusted-certs', evidence, {
    passed:
      named === 0
        ? 'The submitter declares that the files trust no further certificate.'
        : `All ${plural(named, 'declared certificate is', 'declared certificates are')} on this station's list.`,
    refused: `The files trust ${plural(untrusted, 'certificate that is', 'certificates that are')} not on this station's list. This installation cannot sign them.`,
    attention: artifacts.some(({ permission }) => permission.kind === 'by-hand')
      ? 'Nobody has declared which certificates the files trust. Absent is not the same as none.'
      : 'The submitter does not say which certificates the files trust. Absent is not the same as none.',
    unknown: '',
    'not-applicable': 'Nothing that is signed here trusts a certificate.',
  })
}
