import type { Check } from '../../shared/check.ts'
import type { EmbeddedCertificate } from '../../shared/input-facts.ts'
import type { SheetArtifact, SheetFile } from '../../shared/review-sheet.ts'
import { type Evidence, fromEvidence, nameOfFile } from './evidence.ts'
import type { PolicyInput } from './policy-input.ts'
import { sameFingerprint } from './trusted-certs.ts'

const notListed = 'not all is listed'

/** What the files really carry, whatever was declared: a certificate inside a boot loader is somebody it will trust. */
export function checkEmbeddedCertificates({
  artifacts,
  trustedList,
}: Pick<PolicyInput, 'artifacts' | 'trustedList'>): Check {
  const evidence = artifacts.flatMap((artifact) =>
    artifact.files
      .filter((file) => file.disposition === 'sign')
      .flatMap((file) => evidenceOf(artifact, file, trustedList)),
  )
  return fromEvidence('embedded-certificates', evidence, {
    passed: evidence.some((piece) => piece.found.startsWith('carries'))
      ? 'Every certificate found inside the files is known to this station.'
      : 'No certificate was found inside the files.',
    attention: evidence.some((piece) => piece.found.startsWith(notListed))
      ? 'Not everything inside the files could be listed: certificates may be in there that are not shown.'
      : 'A certificate was found inside a file that the submitter did not declare and that is not on this station’s list.',
    unknown: 'A file could not be searched for certificates.',
    refused: '',
    'not-applicable': 'There is no file to sign.',
  })
}

function evidenceOf(artifact: SheetArtifact, file: SheetFile, trustedList: readonly string[]): Evidence[] {
  const base = { subject: nameOfFile(file), source: 'file' } as const
  if (file.facts.kind !== 'pe') return [{ ...base, found: 'cannot be read as a PE image', outcome: 'unknown' }]
  // What the inspector left out may hold a certificate: a bound that was reached is not an empty list.
  const left = file.facts.incomplete.map(
    (what): Evidence => ({ ...base, found: `${notListed}: ${what}`, outcome: 'attention' }),
  )
  const found = distinct([...file.facts.vendorCertificates, ...file.facts.embeddedCertificates])
  if (found.length === 0 && left.length === 0) return [{ ...base, found: 'no certificate inside', outcome: 'passed' }]
  const { trustedCerts } = artifact
  const declared = trustedCerts.kind === 'declared' ? trustedCerts.certificates : []
  const listed = found.map(({ where, certificate }): Evidence => {
    const is = (fingerprint: string) => sameFingerprint(fingerprint, certificate.sha256)
    const what = `${certificate.subject} (SHA-256 ${certificate.sha256}) in ${where}`
    if (trustedList.some(is)) return { ...base, found: `carries ${what}, on this station's list`, outcome: 'passed' }
    if (declared.some(({ fingerprint }) => is(fingerprint)))
      return { ...base, found: `carries ${what}, declared`, outcome: 'passed' }
    return { ...base, found: `carries ${what}, neither declared nor on this station's list`, outcome: 'attention' }
  })
  return [...listed, ...left]
}

function distinct(found: readonly EmbeddedCertificate[]): readonly EmbeddedCertificate[] {
  return [...new Map(found.map((entry) => [entry.certificate.sha256, entry])).values()]
}
