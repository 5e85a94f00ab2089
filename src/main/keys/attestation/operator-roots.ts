import type { Kysely } from 'kysely'
import type { Database } from '../../../../db/database.ts'
import { writeTransaction } from '../../../../db/write-transaction.ts'
import type { AttestationRoot, AttestedDevice } from '../../../shared/attestation.ts'
import type { Failure } from '../../../shared/failure.ts'
import type { Sha256Hex } from '../../../shared/ids.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { equalBytes } from '../../asn1/der.ts'
import type { AuditLog } from '../../audit/audit-log.ts'
import {
  type AttestationCertificate,
  isSignedBy,
  readAttestationCertificate,
} from '../../pki/attestation/attestation-certificate.ts'
import type { TrustStore } from '../../pki/attestation/trust-store.ts'
import { insertOperatorRoot, listOperatorRoots, trustStore, withdrawOperatorRoot } from './attestation.repository.ts'
import { certificatesIn } from './certificate-text.ts'

export interface RootPorts {
  readonly db: Kysely<Database>
  readonly audit: AuditLog
  readonly shippedRoots: TrustStore
  readonly now: () => Date
}

/** A certificate that could be trusted, as it is shown before it is. */
export type OfferedRoot = Pick<AttestationRoot, 'name' | 'sha256' | 'role' | 'notAfter'>

type Offered = { readonly certificate: AttestationCertificate; readonly role: AttestationRoot['role'] }

/** All that attestations may end at: shipped, and added here. */
export async function listRoots({ db, shippedRoots }: RootPorts): Promise<AttestationRoot[]> {
  const shipped = shippedRoots.map(({ certificate, role, devices }) => ({
    ...shown({ certificate, role }),
    device: [...devices],
    source: 'shipped' as const,
    addedAt: null,
    addedBy: null,
  }))
  const own = (await listOperatorRoots(db)).map(({ trusted: { certificate, role, devices }, addedAt, addedBy }) => ({
    ...shown({ certificate, role }),
    device: [...devices],
    source: 'operator' as const,
    addedAt,
    addedBy,
  }))
  return [...shipped, ...own]
}

/** Reads what would be trusted, and trusts nothing: the operator compares the digests first. */
export function readOfferedRoots(sources: readonly (Uint8Array | string)[]): Result<OfferedRoot[], Failure> {
  const offered = offeredIn(sources)
  return offered.ok ? ok(offered.value.map(shown)) : offered
}

/**
 * Trusts the certificates for attestations of one kind of device. `confirmed` are the digests that were shown and compared; anything
 * else in the sources by now, and nothing is trusted.
 */
export async function addRoots(
  ports: RootPorts,
  wanted: {
    readonly sources: readonly (Uint8Array | string)[]
    readonly device: AttestedDevice
    readonly confirmed: readonly Sha256Hex[]
  },
  operator: string,
): Promise<Result<null, Failure>> {
  const offered = offeredIn(wanted.sources)
  if (!offered.ok) return offered
  const digests = offered.value.map(({ certificate }) => certificate.sha256)
  if (digests.toSorted().join() !== wanted.confirmed.toSorted().join()) return err(notWhatWasShown)
  const known = await trustStore(ports.db, ports.shippedRoots)
  const isKnown = known.some(
    ({ certificate, devices }) => digests.includes(certificate.sha256) && devices.includes(wanted.device),
  )
  if (isKnown) return err(rootKnown)
  const at = ports.now().toISOString()
  const written = await writeTransaction(ports.db, async (trx) => {
    for (const { certificate, role } of offered.value) {
      await insertOperatorRoot(
        trx,
        { certificate, role, devices: [wanted.device], source: 'operator' },
        { at, by: operator },
      )
      await ports.audit.append(trx, [
        {
          event: 'attestation-root-added',
          name: certificate.subjectText,
          sha256: certificate.sha256,
          device: wanted.device,
          role,
          operator,
        },
      ])
    }
  })
  return written.ok ? ok(null) : written
}

/** What was verified with it stays recorded as verified with it. */
export async function withdrawRoot(
  ports: RootPorts,
  of: { readonly sha256: Sha256Hex; readonly device: AttestedDevice },
  operator: string,
): Promise<Result<null, Failure>> {
  const root = (await listOperatorRoots(ports.db)).find(
    ({ trusted }) => trusted.certificate.sha256 === of.sha256 && trusted.devices.includes(of.device),
  )
  if (root === undefined) return err(rootUnknown)
  const { certificate, role } = root.trusted
  const at = ports.now().toISOString()
  const written = await writeTransaction(ports.db, async (trx) => {
    if (!(await withdrawOperatorRoot(trx, of, { at, by: operator }))) return false
    await ports.audit.append(trx, [
      { event: 'attestation-root-withdrawn', name: certificate.subjectText, ...of, role, operator },
    ])
    return true
  })
  if (!written.ok) return written
  return written.value ? ok(null) : err(rootUnknown)
}

function offeredIn(sources: readonly (Uint8Array | string)[]): Result<readonly Offered[], Failure> {
  const found = sources.map(certificatesIn)
  const ders = found.flatMap((each) => each ?? [])
  if (found.some((each) => each === null) || ders.length === 0) return err(noIssuer)
  const offered: Offered[] = []
  for (const der of ders) {
    const read = readAttestationCertificate(der)
    if (!read.ok || read.value.constraints?.ca !== true || read.value.mayCertify === false) return err(noIssuer)
    const certificate = read.value
    if (offered.some((other) => other.certificate.sha256 === certificate.sha256)) continue
    const isRoot = equalBytes(certificate.issuer, certificate.subject) && isSignedBy(certificate, certificate)
    offered.push({ certificate, role: isRoot ? 'root' : 'intermediate' })
  }
  return ok(offered)
}

function shown({ certificate, role }: Offered): OfferedRoot {
  return {
    name: certificate.subjectText,
    sha256: certificate.sha256,
    role,
    notAfter: new Date(certificate.notAfter).toISOString(),
  }
}

const noIssuer: Failure = {
  kind: 'invalid',
  code: 'no-issuer-certificate',
  message:
    'This is not a certificate that may certify others, or not exactly DER or PEM. Nothing was changed. Give the root, or an intermediate, as its maker publishes it.',
}
const notWhatWasShown: Failure = {
  kind: 'refused',
  code: 'roots-changed',
  message: 'The certificates are not the ones that were shown. Nothing was changed. Read them again and compare.',
}
const rootKnown: Failure = {
  kind: 'refused',
  code: 'root-known',
  message: 'One of these certificates is trusted here for this kind of device already. Nothing was changed.',
}
const rootUnknown: Failure = {
  kind: 'refused',
  code: 'root-unknown',
  message: 'No such root was added at this station. Nothing was changed. A root that is shipped cannot be withdrawn.',
}
