import type { AttestationRecord } from '../../../shared/attestation.ts'
import type { CeremonyFact } from '../../../shared/ceremony.ts'
import type { Failure } from '../../../shared/failure.ts'
import { tokenKind } from '../../../shared/key-place.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { attestAgain, attestFromFiles } from '../../keys/attestation/attest-key.ts'
import { certificatesIn, certificatesText } from '../../keys/attestation/certificate-text.ts'
import { type Act, type Attempt, fact } from '../ports.ts'
import { certificateOf } from './key-evidence.ts'
import { keyOf, objectNumber, withHsm } from './whose.ts'

/**
 * What the device's maker says of the key, up to a root. A YubiKey shows it through PKCS#11, a YubiHSM in a session; it can also be brought as
 * PEM. Each look is recorded for ever, whatever came of it (docs/formats/attestation.md).
 */
export const attest: Act<'attest'> = async (attempt) => {
  const { ports, step, records } = attempt
  const key = keyOf(records, step.key)
  if (!key.ok) return key
  const stored = await certificateOf(ports, key.value)
  if (!stored.ok) return stored
  const name = { purpose: stored.value.purpose, fingerprint: stored.value.fingerprint }
  const seen = await look(attempt, name, key.value)
  if (!seen.ok) return seen
  await ports.keysChanged()
  const { verdict, certificatesPem } = seen.value
  if (step.required && verdict.kind !== 'verified') return err(notVerified(verdict.kind))
  const certificates = certificatesIn(certificatesPem) ?? []
  return ok({
    facts: factsOf(seen.value),
    files: certificates.map((der, index) => ({
      name: `${step.key}-attestation-${index + 1}-${index === 0 ? 'statement' : index === certificates.length - 1 && verdict.kind === 'verified' ? 'root' : 'issuer'}.pem`,
      content: Buffer.from(certificatesText([der])),
    })),
  })
}

async function look(
  attempt: Attempt<'attest'>,
  name: Parameters<typeof attestAgain>[1],
  { token, ckaId }: { readonly token: Parameters<typeof tokenKind>[0]; readonly ckaId: string },
): Promise<Result<AttestationRecord, Failure>> {
  const { ports, input, operator } = attempt
  if (input.certificatesPem.trim() !== '')
    return attestFromFiles(ports, name, { files: [input.certificatesPem], operator })
  if (tokenKind(token) !== 'yubihsm') return attestAgain(ports, name, operator)
  const read = await withHsm(attempt, { token }, (hsm) => hsm.attest(objectNumber(ckaId)))
  return read.ok ? attestFromFiles(ports, name, { files: [read.value.statement, read.value.device], operator }) : read
}

function factsOf({ verdict, seq, source }: AttestationRecord): readonly CeremonyFact[] {
  const recorded = fact('Recorded in the log as entry', String(seq))
  switch (verdict.kind) {
    case 'verified':
      return [
        fact('Attestation', 'verified up to a root that is trusted here'),
        fact('Root', verdict.root.name),
        fact('SHA-256 of the root', verdict.root.sha256, 'digest'),
        fact(
          'Certificates came from',
          source === 'token' ? 'the device, through PKCS#11' : 'the device or its maker’s tool, as certificates',
        ),
        ...said(verdict.facts),
        recorded,
      ]
    case 'chain-incomplete':
      return [
        fact('Attestation', `not verified: the issuer “${verdict.lacks}” is not known here`),
        ...said(verdict.facts),
        recorded,
      ]
    case 'failed':
      return [fact('Attestation', `FAILED: ${verdict.fault}`), recorded]
    case 'not-offered':
    case 'missing':
      return [fact('Attestation', `none: ${verdict.why}`), recorded]
  }
}

/** Members of the statement as they are, by their names. */
function said(facts: object): readonly CeremonyFact[] {
  return Object.entries(facts).map(([name, value]) =>
    fact(`The statement says: ${name}`, (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 2000)),
  )
}

function notVerified(kind: string): Failure {
  return {
    kind: 'refused',
    code: 'attestation-not-verified',
    message: `The attestation is not verified (${kind}); the look is in the log. The script wants it verified. Add the maker’s root under Settings, or bring the certificates; or record a deviation.`,
  }
}
