import { createHash } from 'node:crypto'
import type { Kysely, Transaction } from 'kysely'
import type { Database } from '../../../../db/database.ts'
import { writeTransaction } from '../../../../db/write-transaction.ts'
import type { AttestationRecord } from '../../../shared/attestation.ts'
import type { Failure } from '../../../shared/failure.ts'
import { type AuditSeq, type Fingerprint, sha256Hex } from '../../../shared/ids.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { AuditLog } from '../../audit/audit-log.ts'
import type { AuditEntryOf } from '../../audit/format/entry.ts'
import { spkiOf } from '../../openpgp/public-key.ts'
import type { TrustStore } from '../../pki/attestation/trust-store.ts'
import { readCertificate } from '../../pki/x509.ts'
import type { TokenService } from '../../token/token-service.ts'
import { listKeys } from '../key.repository.ts'
import { identityOf } from '../openpgp/stored-certificate.ts'
import { insertAttestation, listAttestations, trustStore } from './attestation.repository.ts'
import { certificatesIn } from './certificate-text.ts'
import { askToken, checkFiles, type PlacedKey, type SeenAttestation } from './obtain-attestation.ts'

export interface AttestationPorts {
  readonly db: Kysely<Database>
  readonly audit: AuditLog
  readonly tokens: Pick<TokenService, 'readAttestation'>
  /** The roots that are shipped; those that the operator added are read from the database. */
  readonly shippedRoots: TrustStore
  readonly now: () => Date
}

export interface AttestedKeyName {
  readonly purpose: string
  readonly fingerprint: Fingerprint
}

/** What a look found, as the audit log tells it. */
export function attestedEntry(
  name: AttestedKeyName,
  seen: SeenAttestation,
  about: { readonly tokenSerial: string; readonly operator: string },
): AuditEntryOf<'key-attested'> {
  return {
    event: 'key-attested',
    ...name,
    tokenSerial: about.tokenSerial,
    source: seen.source,
    verdict: seen.verdict,
    certificates: seen.certificates.map((der) => sha256Hex.parse(createHash('sha256').update(der).digest('hex'))),
    operator: about.operator,
  }
}

/** For the transaction that writes the entry: the row beside it. */
export async function storeAttestation(
  trx: Transaction<Database>,
  name: AttestedKeyName,
  seen: SeenAttestation,
  written: { readonly seq: AuditSeq | undefined; readonly at: string; readonly operator: string },
): Promise<void> {
  const { seq, at, operator } = written
  if (seq === undefined) throw new Error('the log gave no number')
  await insertAttestation(trx, { ...name, seen, seq, at, operator })
}

/** A look at a key that is about to be registered. */
export async function lookAt(ports: AttestationPorts, key: PlacedKey): Promise<SeenAttestation> {
  return askToken(ports.tokens, key, { store: await trustStore(ports.db, ports.shippedRoots), now: ports.now() })
}

/**
 * Asks the token again about a registered key, and records what came of it beside what is recorded already. Where the token could not be
 * asked nothing is recorded: an unplugged token takes nothing back of what it once attested.
 */
export async function attestAgain(
  ports: AttestationPorts,
  name: AttestedKeyName,
  operator: string,
): Promise<Result<AttestationRecord, Failure>> {
  const key = await placedKey(ports, name)
  if (!key.ok) return key
  const seen = await lookAt(ports, key.value)
  if (seen.verdict.kind === 'missing') return err(seen.verdict.why === 'files-wanted' ? filesWanted : tokenNotRead)
  return keep(ports, { name, key: key.value, seen, operator })
}

/**
 * Takes an attestation from files: the certificate about the key, the device's own, and intermediates, in any order and any number of
 * files, PEM or DER. Nothing is recorded of files in which there is no certificate.
 */
export async function attestFromFiles(
  ports: AttestationPorts,
  name: AttestedKeyName,
  { files, operator }: { readonly files: readonly (Uint8Array | string)[]; readonly operator: string },
): Promise<Result<AttestationRecord, Failure>> {
  const key = await placedKey(ports, name)
  if (!key.ok) return key
  const read = files.map(certificatesIn)
  if (read.some((found) => found === null)) return err(noCertificates)
  const all = read.flatMap((found) => found ?? [])
  const certificates = all.map((der) => readCertificate(der))
  // All of it is stored and shown: a private key that somebody named by mistake must not get that far.
  if (all.length > maxFromFiles || certificates.some(({ ok }) => !ok)) return err(noCertificates)
  // The certificate of the key is known by the key; where none is, the first is looked at, and the verdict says that it is another's.
  const spki = Buffer.from(key.value.spki)
  const about = certificates.findIndex((certificate) => certificate.ok && spki.equals(certificate.value.spki))
  const statement = all[Math.max(0, about)]
  if (statement === undefined) return err(noCertificates)
  const checks = { store: await trustStore(ports.db, ports.shippedRoots), now: ports.now() }
  const seen = checkFiles(key.value, { statement, others: all.filter((der) => der !== statement) }, checks)
  return keep(ports, { name, key: key.value, seen, operator })
}

/** As many as an entry of the log has digests for. */
const maxFromFiles = 8

async function placedKey(ports: AttestationPorts, name: AttestedKeyName): Promise<Result<PlacedKey, Failure>> {
  const stored = (await listKeys(ports.db)).find(
    (key) => key.purpose === name.purpose && key.fingerprint === name.fingerprint,
  )
  if (stored === undefined) return err(notRegistered)
  if (stored.home.kind !== 'token') return err(softwareKey)
  const { token, ckaId } = stored.home
  if (stored.openpgp !== null) {
    const identity = await identityOf(stored, ports.now())
    if (!identity.ok) return identity
    const spki = spkiOf(identity.value.key)
    return spki === null ? err(notRegistered) : ok({ token, ckaId, spki })
  }
  const certificate = readCertificate(stored.certificatePem)
  if (!certificate.ok) return certificate
  return ok({ token, ckaId, spki: certificate.value.spki })
}

async function keep(
  ports: AttestationPorts,
  look: {
    readonly name: AttestedKeyName
    readonly key: PlacedKey
    readonly seen: SeenAttestation
    readonly operator: string
  },
): Promise<Result<AttestationRecord, Failure>> {
  const { name, key, seen, operator } = look
  const at = ports.now().toISOString()
  const written = await writeTransaction(ports.db, async (trx) => {
    const entry = attestedEntry(name, seen, { tokenSerial: key.token.serial, operator })
    const [seq] = await ports.audit.append(trx, [entry])
    await storeAttestation(trx, name, seen, { seq, at, operator })
    return seq
  })
  if (!written.ok) return written
  const record = (await listAttestations(ports.db)).find(({ seq }) => seq === written.value)
  if (record === undefined) throw new Error('the attestation was written but cannot be read back')
  return ok(record)
}

const notRegistered: Failure = {
  kind: 'refused',
  code: 'key-not-registered',
  message: 'No such key is registered at this station. Nothing was changed.',
}
const filesWanted: Failure = {
  kind: 'refused',
  code: 'attestation-in-files',
  message: 'A YubiHSM’s attestation cannot be read through PKCS#11. Nothing was recorded. Import it from files.',
}
const tokenNotRead: Failure = {
  kind: 'unavailable',
  code: 'token-not-read',
  message: 'The token could not be asked. Nothing was recorded. Plug it in and ask again.',
}
const softwareKey: Failure = {
  kind: 'refused',
  code: 'key-in-software',
  message: 'A software key has no maker who could attest it. Nothing was recorded.',
}
const noCertificates: Failure = {
  kind: 'invalid',
  code: 'no-certificates',
  message: `This holds no certificate, or more than ${maxFromFiles}, or one that is cut off. Nothing was recorded. Give the certificate of the key and that of the device, PEM or DER.`,
}
