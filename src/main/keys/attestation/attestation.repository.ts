import { createHash } from 'node:crypto'
import type { Kysely, Transaction } from 'kysely'
import { type Database, readerOf } from '../../../../db/database.ts'
import type { AttestationRootRow, KeyAttestationRow } from '../../../../db/tables/attestation.table.ts'
import {
  type AttestationRecord,
  type AttestationVerdict,
  attestationSource,
  attestationVerdict,
  attestedDevice,
} from '../../../shared/attestation.ts'
import { type AuditSeq, auditSeq, type Fingerprint, fingerprint } from '../../../shared/ids.ts'
import { purpose } from '../../../shared/purpose.ts'
import { decodeEntry } from '../../audit/format/encode.ts'
import { canonicalText } from '../../canonical/canonical-json.ts'
import { readAttestationCertificate } from '../../pki/attestation/attestation-certificate.ts'
import type { TrustedCertificate, TrustStore } from '../../pki/attestation/trust-store.ts'
import { certificatesIn, certificatesText } from './certificate-text.ts'
import type { SeenAttestation } from './obtain-attestation.ts'

type LoggedRow = KeyAttestationRow & { readonly entry: Uint8Array | null }

/** A row that does not parse was not written by this program: a defect, never skipped. */
function record(row: LoggedRow): AttestationRecord {
  const verdict = attestationVerdict.parse(JSON.parse(row.verdict))
  return {
    seq: auditSeq.parse(row.audit_seq),
    at: row.at,
    purpose: purpose.parse(row.purpose),
    fingerprint: fingerprint.parse(row.fingerprint),
    source: attestationSource.parse(row.source),
    verdict: isAsLogged(row, verdict) ? verdict : { kind: 'failed', fault: 'not-as-logged', facts: null },
    certificatesPem: row.certificates,
    operator: row.operator,
  }
}

/** The entry in the log is what counts, and it is chained; a row that somebody made better than its entry is shown as that. */
function isAsLogged(row: LoggedRow, verdict: AttestationVerdict): boolean {
  const entry = row.entry === null ? null : decodeEntry(row.entry)
  if (entry?.ok !== true || entry.value.body.event !== 'key-attested') return false
  const { body } = entry.value
  const digests = (certificatesIn(row.certificates) ?? []).map((der) => createHash('sha256').update(der).digest('hex'))
  return (
    canonicalText(body.verdict) === canonicalText(verdict) &&
    body.certificates.join() === digests.join() &&
    `${body.purpose} ${body.fingerprint} ${body.source} ${body.operator}` ===
      `${row.purpose} ${row.fingerprint} ${row.source} ${row.operator}`
  )
}

/** Every look at every key's attestation, the newest first. */
export async function listAttestations(db: Kysely<Database>): Promise<readonly AttestationRecord[]> {
  const rows = await readerOf(db)
    .selectFrom('key_attestation')
    .leftJoin('audit_entry', 'audit_entry.seq', 'key_attestation.audit_seq')
    .selectAll('key_attestation')
    .select('audit_entry.entry')
    .orderBy('key_attestation.id', 'desc')
    .execute()
  return rows.map(record)
}

export interface NewAttestation {
  readonly purpose: string
  readonly fingerprint: Fingerprint
  readonly seen: SeenAttestation
  readonly seq: AuditSeq
  readonly at: string
  readonly operator: string
}

/** In the transaction that wrote entry `seq`, which must be the log's last. */
export async function insertAttestation(
  trx: Transaction<Database>,
  { seen, seq, ...rest }: NewAttestation,
): Promise<void> {
  const last = await trx
    .selectFrom('key_attestation')
    .select((each) => each.fn.max('id').as('id'))
    .executeTakeFirst()
  await trx
    .insertInto('key_attestation')
    .values({
      id: (last?.id ?? 0) + 1,
      ...rest,
      audit_seq: seq,
      source: seen.source,
      verdict: JSON.stringify(seen.verdict),
      kind: seen.verdict.kind,
      certificates: certificatesText(seen.certificates),
    })
    .execute()
}

/** A root of the operator's: what trust in it is, and who began it. */
export interface OperatorRoot {
  readonly trusted: TrustedCertificate
  readonly addedAt: string
  readonly addedBy: string
}

function operatorRoot(row: AttestationRootRow): OperatorRoot {
  const certificate = readAttestationCertificate(row.certificate)
  if (!certificate.ok || certificate.value.sha256 !== row.sha256)
    throw new Error(`attestation root ${row.id} is not the certificate that was added`)
  return {
    trusted: {
      certificate: certificate.value,
      role: row.role === 'root' ? 'root' : 'intermediate',
      devices: [attestedDevice.parse(row.device)],
      source: 'operator',
    },
    addedAt: row.added_at,
    addedBy: row.added_by,
  }
}

/** Those that are trusted now. */
export async function listOperatorRoots(db: Kysely<Database>): Promise<readonly OperatorRoot[]> {
  const rows = await readerOf(db)
    .selectFrom('attestation_root')
    .selectAll()
    .where('withdrawn_at', 'is', null)
    .orderBy('id')
    .execute()
  return rows.map(operatorRoot)
}

/** Shipped, and added at this station: the shipped first, so that a root that is both is named as shipped. */
export async function trustStore(db: Kysely<Database>, shipped: TrustStore): Promise<TrustStore> {
  return [...shipped, ...(await listOperatorRoots(db)).map(({ trusted }) => trusted)]
}

export async function insertOperatorRoot(
  trx: Transaction<Database>,
  { certificate, role, devices }: TrustedCertificate,
  added: { readonly at: string; readonly by: string },
): Promise<void> {
  const last = await trx
    .selectFrom('attestation_root')
    .select((each) => each.fn.max('id').as('id'))
    .executeTakeFirst()
  const [device] = devices
  if (device === undefined) throw new Error('a root that is for nothing')
  await trx
    .insertInto('attestation_root')
    .values({
      id: (last?.id ?? 0) + 1,
      sha256: certificate.sha256,
      device,
      role,
      certificate: certificate.der,
      added_at: added.at,
      added_by: added.by,
      withdrawn_at: null,
      withdrawn_by: null,
    })
    .execute()
}

/** False: it was not trusted. */
export async function withdrawOperatorRoot(
  trx: Transaction<Database>,
  of: { readonly sha256: string; readonly device: string },
  withdrawn: { readonly at: string; readonly by: string },
): Promise<boolean> {
  const changed = await trx
    .updateTable('attestation_root')
    .set({ withdrawn_at: withdrawn.at, withdrawn_by: withdrawn.by })
    .where('sha256', '=', of.sha256)
    .where('device', '=', of.device)
    .where('withdrawn_at', 'is', null)
    .executeTakeFirst()
  return changed.numUpdatedRows === 1n
}
