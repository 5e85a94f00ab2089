import { createHash, randomUUID } from 'node:crypto'
import { writeTransaction } from '../../../../db/write-transaction.ts'
import type { Failure } from '../../../shared/failure.ts'
import { type Fingerprint, requestId, sha256Hex } from '../../../shared/ids.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { AuditEntryOf } from '../../audit/format/entry.ts'
import { extendCertificate, revokeCertificate } from '../../openpgp/amend-certificate.ts'
import type { RevocationReason } from '../../openpgp/certificate.ts'
import { fingerprintHex } from '../../openpgp/public-key.ts'
import { type ReadOpenPgpCertificate, readOpenPgpCertificate } from '../../openpgp/read-certificate.ts'
import type { OpenPgpSigner } from '../../openpgp/signer.ts'
import { insertOpenPgpCertificate, listKeys, type StoredKey, type StoredOpenPgp } from '../key.repository.ts'
import type { Registration } from '../register-key.ts'
import { type FoundKey, type TypedPin, withKey } from './key-on-token.ts'
import { recordedSigner } from './recorded-signer.ts'
import { armored, primaryFingerprint } from './register-openpgp.ts'
import { identityOf } from './stored-certificate.ts'

export interface OpenPgpKeyName {
  readonly purpose: string
  readonly fingerprint: Fingerprint
}
type StoredOpenPgpKey = StoredKey & { readonly openpgp: StoredOpenPgp }

const secondsPerDay = 24 * 3600

/** Gives the certificate another end, counted from now; null: none. The primary key, on its token, certifies it anew. */
export function extendOpenPgp(
  ports: Registration,
  name: OpenPgpKeyName & { readonly days: number | null },
  typed: TypedPin,
  operator: string,
): Promise<Result<null, Failure>> {
  return changed(ports, name, typed, { operator, why: 'extended' }, (certificate, primary) => {
    const created = Math.floor(ports.now().getTime() / 1000)
    return extendCertificate({
      certificate: certificate.binary,
      primary,
      userIds: certificate.certifiedIds,
      flags: certificate.primaryFlags,
      created,
      expiresAfter: name.days === null ? null : created + name.days * secondsPerDay - primary.key.created,
    })
  })
}

/** Revokes the key for everybody who gets its certificate from now on. Not to be taken back. */
export function revokeOpenPgp(
  ports: Registration,
  name: OpenPgpKeyName & { readonly reason: RevocationReason; readonly text: string },
  typed: TypedPin,
  operator: string,
): Promise<Result<null, Failure>> {
  return changed(ports, name, typed, { operator, why: 'revoked' }, ({ binary }, primary) => {
    const created = Math.floor(ports.now().getTime() / 1000)
    return revokeCertificate({ certificate: binary, primary, created }, name.reason, name.text)
  })
}

/** Takes a newer certificate of the same key that was made elsewhere: other user ids, another end, certifications by others. */
export async function bringOpenPgp(
  ports: Registration,
  name: OpenPgpKeyName & { readonly certificate: string },
  operator: string,
): Promise<Result<null, Failure>> {
  const stored = await find(ports, name)
  if (stored === null) return err(notRegistered)
  const brought = await readOpenPgpCertificate(name.certificate, ports.now())
  if (!brought.ok) return brought
  if (primaryFingerprint(brought.value) !== stored.fingerprint) return err(anotherCertificate)
  // What was published before the revocation is easily had, and says nothing of it.
  const known = await identityOf(stored, ports.now())
  if (!known.ok) return known
  const signing = brought.value.keys.find(({ key }) => fingerprintHex(key) === stored.openpgp.signingFingerprint)
  if (known.value.problem === 'revoked' && signing !== undefined && signing.problem !== 'revoked')
    return err(revokedAlready)
  return store(ports, stored, brought.value.binary, { operator, why: 'brought' })
}

async function changed(
  ports: Registration,
  name: OpenPgpKeyName,
  { pin, useLastTry }: TypedPin,
  about: { readonly operator: string; readonly why: 'extended' | 'revoked' },
  amend: (certificate: ReadOpenPgpCertificate, primary: OpenPgpSigner) => Promise<Result<Uint8Array, Failure>>,
): Promise<Result<null, Failure>> {
  try {
    const stored = await find(ports, name)
    if (stored === null) return err(notRegistered)
    const place = primaryOf(stored)
    if (place === null) return err(notRegistered)
    if (place === 'elsewhere') return err(primaryElsewhere)
    const identity = await identityOf(stored, ports.now())
    if (!identity.ok) return identity
    if (identity.value.problem === 'revoked') return err(revokedAlready)
    const certificate = await readOpenPgpCertificate(stored.certificatePem, ports.now())
    if (!certificate.ok) return certificate
    const key = certificate.value.keys.find(({ role }) => role === 'primary')?.key
    if (key === undefined) return err(primaryElsewhere)
    const { operator } = about
    const amended = await withKey(ports, place, { pin, useLastTry }, operator, (session) => {
      const signing = {
        requestId: requestId.parse(randomUUID()),
        purpose: name.purpose,
        spkiSha256: place.spkiSha256,
        tokenSerial: place.token.serial,
        operator,
      }
      return amend(certificate.value, recordedSigner(ports, session, key, signing))
    })
    return amended.ok ? await store(ports, stored, amended.value, about) : amended
  } finally {
    pin.wipe()
  }
}

/** Where the key is that certifies: the registered key itself, or the primary key of which it is a subkey. */
function primaryOf(stored: StoredOpenPgpKey): Omit<FoundKey, 'spki'> | 'elsewhere' | null {
  const { home, algorithm, spkiSha256, openpgp, fingerprint } = stored
  if (stored.state === 'destroyed' || home.kind !== 'token') return null
  if (openpgp.signingFingerprint !== fingerprint) return openpgp.primary ?? 'elsewhere'
  return { token: home.token, ckaId: home.ckaId, algorithm, spkiSha256 }
}

async function find(ports: Registration, name: OpenPgpKeyName): Promise<StoredOpenPgpKey | null> {
  const key = (await listKeys(ports.db)).find(
    ({ purpose, fingerprint }) => purpose === name.purpose && fingerprint === name.fingerprint,
  )
  return key === undefined || key.openpgp === null ? null : { ...key, openpgp: key.openpgp }
}

/** Reads what was made or brought with openpgp.js, and keeps it if the key that signs is in it still. */
async function store(
  ports: Registration,
  stored: StoredOpenPgpKey,
  binary: Uint8Array,
  { operator, why }: { readonly operator: string; readonly why: AuditEntryOf<'openpgp-certificate-changed'>['why'] },
): Promise<Result<null, Failure>> {
  const at = ports.now()
  // A second later: the clock has no finer steps in a signature.
  const read = await readOpenPgpCertificate(binary, new Date(at.getTime() + 1000))
  if (!read.ok) return read
  const signing = read.value.keys.find(({ key }) => fingerprintHex(key) === stored.openpgp.signingFingerprint)
  if (signing === undefined) return err(anotherCertificate)
  const expected = why === 'revoked' ? 'revoked' : null
  if (why !== 'brought' && signing.problem !== expected) return err({ ...notAsMeant, detail: String(signing.problem) })
  const certificate = armored(read.value.binary, signing.key)
  const { purpose, fingerprint } = stored
  const written = await writeTransaction(ports.db, async (trx) => {
    await insertOpenPgpCertificate(trx, {
      purpose,
      fingerprint,
      signing_fingerprint: stored.openpgp.signingFingerprint,
      created: stored.openpgp.created,
      certificate,
      revocation: null,
      why,
      operator,
      at: at.toISOString(),
    })
    await ports.audit.append(trx, [
      {
        event: 'openpgp-certificate-changed',
        purpose,
        fingerprint,
        why,
        certificateSha256: sha256Hex.parse(createHash('sha256').update(read.value.binary).digest('hex')),
        expires: signing.expires?.toISOString() ?? null,
        operator,
      },
    ])
  })
  return written.ok ? ok(null) : written
}

const notRegistered: Failure = {
  kind: 'refused',
  code: 'key-not-registered',
  message: 'No such OpenPGP key of a token is registered at this station. Nothing was changed.',
}
const primaryElsewhere: Failure = {
  kind: 'refused',
  code: 'primary-key-elsewhere',
  message:
    'The token holds a subkey of this certificate; its primary key is elsewhere. Nothing was changed. Change the certificate where the primary key is, then bring it here.',
}
const revokedAlready: Failure = {
  kind: 'refused',
  code: 'key-revoked',
  message: 'The certificate is revoked, and stays so. Nothing was changed.',
}
const anotherCertificate: Failure = {
  kind: 'refused',
  code: 'certificate-of-another-key',
  message:
    'This is not a certificate of the registered key: its fingerprint is another, or the key that signs is not in it. Nothing was changed.',
}
const notAsMeant: Failure = {
  kind: 'defect',
  code: 'output-wrong',
  message: 'The new certificate was checked and does not say what it should. It was not kept; the old one counts.',
}
