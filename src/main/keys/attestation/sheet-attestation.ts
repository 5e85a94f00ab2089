import type { Kysely } from 'kysely'
import type { Database } from '../../../../db/database.ts'
import type { AttestationVerdict } from '../../../shared/attestation.ts'
import { wasImported } from '../../../shared/attested-origin.ts'
import type { RegisteredKey } from '../../../shared/key.ts'
import type { SheetAttestation } from '../../../shared/review-sheet.ts'
import { listAttestations } from './attestation.repository.ts'

/** What a review sheet says of the key's attestation; null for a key in software, which no maker attests. */
export async function attestationForSheet(
  db: Kysely<Database>,
  key: Pick<RegisteredKey, 'home' | 'purpose' | 'fingerprint'>,
): Promise<SheetAttestation | null> {
  if (key.home.kind === 'software') return null
  const all = await listAttestations(db)
  const nameOf = ({ purpose, fingerprint }: Pick<RegisteredKey, 'purpose' | 'fingerprint'>) =>
    `${purpose} ${fingerprint}`
  const [last, ...earlier] = all.filter((each) => nameOf(each) === nameOf(key))
  return {
    result: last === undefined ? 'none' : resultOf(last.verdict),
    root: last?.verdict.kind === 'verified' ? { name: last.verdict.root.name, source: last.verdict.root.source } : null,
    failedBefore: earlier.some(({ verdict }) => verdict.kind === 'failed'),
    seq: last?.seq ?? null,
  }
}

function resultOf(verdict: AttestationVerdict): SheetAttestation['result'] {
  switch (verdict.kind) {
    case 'verified':
      return wasImported(verdict.facts) ? 'imported' : 'generated'
    case 'chain-incomplete':
      return 'not-verified'
    case 'failed':
      return 'failed'
    case 'not-offered':
    case 'missing':
      return 'none'
  }
}
