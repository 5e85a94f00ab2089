import { createHash, randomUUID } from 'node:crypto'
import { writeTransaction } from '../../../../db/write-transaction.ts'
import type { Failure } from '../../../shared/failure.ts'
import { type Fingerprint, requestId, sha256Hex } from '../../../shared/ids.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { extendCertificate, revokeCertificate } from '../../openpgp/amend-certificate.ts'
import type { RevocationReason } from '../../openpgp/certificate.ts'
import { fingerprintHex, spkiOf } from '../../openpgp/public-key.ts'
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
  const created = Math.floor(ports.now().getTime() / 1000)
  const ends = name.days === null ? null : created + name.days * secondsPerDay
  return changed(ports, name, typed, { operator, why: 'extended', ends }, (certificate, primary) =>
    extendCertificate({
      certificate: certificate.binary,
      primary,
      userIds: certificate.certifiedIds,
      flags: certificate.primaryFlags,
      created,
      expiresAfter: ends === null ? null : ends - primary.key.created,
    }),
  )
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

/** `ends`: of the primary key from now on, seconds since 1970; null: never. */
type Change = { readonly operator: string } & (
  | { readonly why: 'extended'; readonly ends: number | null }
  | { readonly why: 'revoked' | 'brought' }
)

async function changed(
  ports: Registration,
  name: OpenPgpKeyName,
  { pin, useLastTry }: TypedPin,
  about: Change,
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
    // Where the key is comes from the database: another one that is put there must not sign in its place.
    const spki = spkiOf(key)
    if (spki === null || createHash('sha256').update(spki).digest('hex') !== place.spkiSha256) return err(anotherPlace)
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
  about: Change,
): Promise<Result<null, Failure>> {
  const { operator, why } = about
  const at = ports.now()
  // A second later: the clock has no finer steps in a signature.
  const read = await readOpenPgpCertificate(binary, new Date(at.getTime() + 1000))
  if (!read.ok) return read
  const keyOf = ({ openpgp }: StoredOpenPgpKey) =>
    read.value.keys.find(({ key }) => fingerprintHex(key) === openpgp.signingFingerprint)
  const signing = keyOf(stored)
  if (signing === undefined) return err(anotherCertificate)
  const expected = why === 'revoked' ? 'revoked' : null
  if (why !== 'brought' && signing.problem !== expected) return err({ ...notAsMeant, detail: String(signing.problem) })
  if (why === 'extended' && endOf(read.value) !== about.ends) return err(takenBack)
  // Whatever it signs for, everybody who verifies takes it for revoked.
  const others = why === 'revoked' ? await namesakesOf(ports, stored) : []
  const sha256 = sha256Hex.parse(createHash('sha256').update(read.value.binary).digest('hex'))
  const written = await writeTransaction(ports.db, async (trx) => {
    for (const each of [stored, ...others]) {
      const key = keyOf(each)
      if (key === undefined) continue
      const { purpose, fingerprint, openpgp } = each
      await insertOpenPgpCertificate(trx, {
        purpose,
        fingerprint,
        signing_fingerprint: openpgp.signingFingerprint,
        created: openpgp.created,
        certificate: armored(read.value.binary, key.key),
        revocation: null,
        why,
        operator,
        at: at.toISOString(),
      })
      const expires = key.expires?.toISOString() ?? null
      await ports.audit.append(trx, [
        {
          event: 'openpgp-certificate-changed',
          purpose,
          fingerprint,
          why,
          certificateSha256: sha256,
          expires,
          operator,
        },
      ])
    }
  })
  return written.ok ? ok(null) : written
}

/** When the primary key ends by the newest of its signatures, also by one that is still to come. Seconds since 1970; null: never. */
function endOf({ keys }: ReadOpenPgpCertificate): number | null {
  const expires = keys.find(({ role }) => role === 'primary')?.expires ?? null
  return expires === null ? null : expires.getTime() / 1000
}

/** The same certificate under its other purposes. */
async function namesakesOf(ports: Registration, stored: StoredOpenPgpKey): Promise<readonly StoredOpenPgpKey[]> {
  return (await listKeys(ports.db)).flatMap((key) =>
    key.openpgp !== null && key.fingerprint === stored.fingerprint && key.purpose !== stored.purpose
      ? [{ ...key, openpgp: key.openpgp }]
      : [],
  )
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
const anotherPlace: Failure = {
  kind: 'refused',
  code: 'key-mismatch',
  message:
    'The key that this station has for the primary key is another one than the certificate’s. It was not used, and nothing was changed. Check the log: somebody may have written to the database.',
}
const takenBack: Failure = {
  kind: 'refused',
  code: 'output-wrong',
  message:
    'The certificate has another end all the same: it holds a signature that is later than this station’s clock. It was not kept; the old certificate counts. Set the clock, then do it again.',
}
const notAsMeant: Failure = {
  kind: 'defect',
  code: 'output-wrong',
  message: 'The new certificate was checked and does not say what it should. It was not kept; the old one counts.',
}
