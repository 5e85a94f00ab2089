import { createHash } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Database } from '../../../db/database.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { Failure } from '../../shared/failure.ts'
import type { Fingerprint } from '../../shared/ids.ts'
import type { KeyAvailability, KeyHome, KeyState, RegisteredKey } from '../../shared/key.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import { isKeyOf } from '../openpgp/read-certificate.ts'
import { readCertificate } from '../pki/x509.ts'
import type { SigningCertificate } from '../signing/signer.ts'
import type { KeyReference, TokenFailure, TokenService } from '../token/token-service.ts'
import { hiddenUntilLogin } from './hidden-key.ts'
import { listKeys, type StoredKey, setKeyState } from './key.repository.ts'
import { createKeySightings } from './key-sightings.ts'
import { createKeyUses } from './key-uses.ts'
import { identityOf } from './openpgp/stored-certificate.ts'

export type Usability = { readonly kind: 'usable' } | { readonly kind: 'unusable'; readonly failure: Failure }

/** The use of one key for one batch. */
export interface KeyUse {
  /** Aborted before a state in which the key must not be used is on disk. After that the key is not asked for anything. */
  readonly signal: AbortSignal
  /** Ends the use, and tells whether the key may be used still, once a change that stopped it is on disk or was given up. */
  end(): Promise<boolean>
}

/** The keys that are registered at this station, and whether each could sign now. */
export interface KeyRegistry {
  list(): Promise<readonly RegisteredKey[]>
  find(purpose: string, fingerprint: Fingerprint): Promise<RegisteredKey | null>
  /** Purposes for which a key with this fingerprint is registered. */
  purposesOf(fingerprint: Fingerprint): Promise<readonly string[]>
  /** Asks the token for the key's public key and compares it with the registered one. Costs no PIN. */
  usability(key: RegisteredKey): Promise<Usability>
  /** What the token process and the signer need. Null: no such key. */
  forSigning(
    purpose: string,
    fingerprint: Fingerprint,
  ): Promise<{ readonly reference: KeyReference; readonly certificate: SigningCertificate } | null>
  /** Begins a use of the key for a batch. Null: the key is not active. */
  use(purpose: string, fingerprint: Fingerprint): Promise<KeyUse | null>
  /** For any state but `active`, whoever uses the key is stopped before the state is on disk. */
  setState(
    of: { readonly purpose: string; readonly fingerprint: Fingerprint },
    state: KeyState,
    operator: string,
  ): Promise<Result<null, Failure>>
}

export interface KeyRegistryPorts {
  readonly db: Kysely<Database>
  readonly audit: AuditLog
  readonly tokens: TokenService
  /** Whether a service key that opens this record is here. Asked of the token process: main reads no service key. */
  readonly opensSealed: (sealed: { readonly publicKey: string }) => Promise<Result<null, Failure>>
  readonly now: () => Date
  /** False while the station is for reading only: nothing is written then, not even where a key was seen. Left out: it never is. */
  readonly mayWrite?: () => boolean
}

type TokenHome = Extract<KeyHome, { kind: 'token' }>
/** Tokens that were looked for in vain during one look at all keys. */
type AbsentTokens = Map<string, TokenFailure>

export function createKeyRegistry(ports: KeyRegistryPorts): KeyRegistry {
  const uses = createKeyUses()
  const sightings = createKeySightings(ports.db, ports.mayWrite ?? (() => true))
  const nameOf = ({ purpose, fingerprint }: StoredKey) => `${purpose} ${fingerprint}`
  async function usabilityOf(key: StoredKey, absent: AbsentTokens = new Map()): Promise<Usability> {
    if (key.home.kind === 'software') {
      const opened = key.sealed === null ? err(unsealed) : await ports.opensSealed(key.sealed)
      return opened.ok ? { kind: 'usable' } : { kind: 'unusable', failure: opened.error }
    }
    const seen = await seeKey(key.home, absent)
    if (!seen.ok)
      return hiddenUntilLogin(key.home.token, seen.error.code)
        ? { kind: 'usable' }
        : { kind: 'unusable', failure: seen.error }
    if (createHash('sha256').update(seen.value.spki).digest('hex') !== key.spkiSha256)
      return { kind: 'unusable', failure: foreignKey }
    const { label, module } = seen.value.token
    await sightings.seen(key, { at: ports.now().toISOString(), tokenLabel: label, module })
    const problem = key.openpgp === null ? null : await openPgpProblem(key, ports.now(), seen.value.spki)
    if (problem !== null) return { kind: 'unusable', failure: problem }
    // Whoever is asked for the PIN now could only be refused.
    if (seen.value.token.pinState === 'locked') return { kind: 'unusable', failure: pinLocked }
    return { kind: 'usable' }
  }

  async function seeKey({ token, ckaId }: TokenHome, absent: AbsentTokens): ReturnType<TokenService['seeKey']> {
    const name = JSON.stringify(token)
    // To find out that a token is absent all idle token processes are started anew: once for it, not for each of its keys.
    const missing = absent.get(name)
    if (missing !== undefined) return err(missing)
    const seen = await ports.tokens.seeKey(token, ckaId)
    // Its process ended while it was asked: with a batch that it had signed, or because another device came. It is asked anew;
    // of a token that went, that answers `token-absent`.
    const again = !seen.ok && seen.error.code === 'token-removed' ? await ports.tokens.seeKey(token, ckaId) : seen
    if (!again.ok && again.error.code === 'token-absent') absent.set(name, again.error)
    return again
  }

  async function registered(key: StoredKey, absent: AbsentTokens = new Map()): Promise<RegisteredKey> {
    const described = await describe(key, ports.now())
    // It was read before it was stored, by this program.
    if (!described.ok)
      throw new Error(`the certificate of key ${key.fingerprint} cannot be read any more: ${described.error.message}`)
    const usable = await usabilityOf(key, absent)
    const { sealed: _, spkiSha256: __, openpgp: ___, ...shown } = key
    return {
      ...shown,
      ...described.value,
      lastSeen: (await sightings.last()).get(nameOf(key)) ?? null,
      availability: availabilityOf(key.state, usable),
      usableNow: usable.kind === 'usable' && key.state === 'active',
      unusableBecause:
        usable.kind === 'unusable'
          ? usable.failure.message
          : key.state === 'active'
            ? null
            : `The key is ${key.state}.`,
    }
  }

  const stored = async (purpose: string, fingerprint: Fingerprint) =>
    (await listKeys(ports.db)).find((key) => key.purpose === purpose && key.fingerprint === fingerprint) ?? null

  return {
    list: async () => {
      const keys: RegisteredKey[] = []
      const absent: AbsentTokens = new Map()
      // One after another: they may be on one token, which has one owner.
      for (const key of await listKeys(ports.db)) keys.push(await registered(key, absent))
      return keys
    },
    find: async (purpose, fingerprint) => {
      const key = await stored(purpose, fingerprint)
      return key === null ? null : registered(key)
    },
    purposesOf: async (fingerprint) =>
      (await listKeys(ports.db)).filter((key) => key.fingerprint === fingerprint).map((key) => key.purpose),
    usability: async (key) => {
      const found = await stored(key.purpose, key.fingerprint)
      return found === null ? { kind: 'unusable', failure: notRegistered } : usabilityOf(found)
    },
    forSigning: async (purpose, fingerprint) => {
      const key = await stored(purpose, fingerprint)
      if (key === null) return null
      const certificate = await signingCertificate(key, ports.now())
      if (certificate === null) return null
      const { home, algorithm, spkiSha256, sealed } = key
      const { openpgp } = certificate
      const own = openpgp === undefined ? {} : { accepts: (spki: Uint8Array) => isKeyOf(openpgp, spki) }
      return { reference: { home, algorithm, spkiSha256, sealed, ...own }, certificate }
    },
    use: async (purpose, fingerprint) => {
      // Known as a use before the state is read: a change that comes now stops it, one that came before is read.
      const { signal, end } = uses.begin({ purpose, fingerprint })
      const active = async () => (await stored(purpose, fingerprint))?.state === 'active'
      if ((await active()) && !signal.aborted) return { signal, end: () => end().then(active) }
      await end()
      return null
    },
    setState: (of, state, operator) => {
      const change = async () => {
        const before = await stored(of.purpose, of.fingerprint)
        if (before === null) return err(notRegistered)
        if (before.state === state) return ok(null)
        const at = ports.now().toISOString()
        const written = await writeTransaction(ports.db, async (trx) => {
          if (!(await setKeyState(trx, of, state, at))) return false
          await ports.audit.append(trx, [
            {
              event: 'key-state-changed',
              purpose: of.purpose,
              fingerprint: of.fingerprint,
              from: before.state,
              to: state,
              operator,
            },
          ])
          return true
        })
        if (!written.ok) return written
        return written.value ? ok(null) : err(destroyed)
      }
      // Stopped before anything is read: who takes a key out of use means this moment.
      return state === 'active' ? change() : uses.stopFor(of, change)
    },
  }
}

/** What a screen is told of the certificate. */
async function describe(
  key: StoredKey,
  at: Date,
): Promise<Result<Pick<RegisteredKey, 'certificate' | 'openpgp'>, Failure>> {
  if (key.openpgp === null) {
    const certificate = readCertificate(key.certificatePem)
    return certificate.ok ? ok({ certificate: certificate.value.facts, openpgp: null }) : certificate
  }
  const identity = await identityOf(key, at)
  return identity.ok ? ok({ certificate: identity.value.facts, openpgp: identity.value.openpgp }) : identity
}

async function signingCertificate(key: StoredKey, at: Date): Promise<SigningCertificate | null> {
  const { algorithm } = key
  if (key.openpgp === null) {
    const certificate = readCertificate(key.certificatePem)
    // Rows can be written by others: what a key is called follows from its certificate, and that is for the key that is opened.
    const isOwn =
      certificate.ok &&
      certificate.value.facts.sha256.toUpperCase() === key.fingerprint &&
      certificate.value.spkiSha256 === key.spkiSha256
    return isOwn ? { der: certificate.value.der, algorithm } : null
  }
  const identity = await identityOf(key, at)
  if (!identity.ok || identity.value.problem !== null) return null
  return { der: identity.value.binary, algorithm, openpgp: identity.value.key }
}

/** Why an OpenPGP key must not sign though its token is here. An expired one is told by the check of its validity. */
async function openPgpProblem(key: StoredKey, at: Date, spki: Uint8Array): Promise<Failure | null> {
  const identity = await identityOf(key, at)
  if (!identity.ok) return identity.error
  if (!isKeyOf(identity.value.key, spki)) return exchangedCertificate
  switch (identity.value.problem) {
    case 'another-key':
      return exchangedCertificate
    case 'revoked':
      return revoked
    case 'unbound':
    case 'cannot-sign':
      return cannotSign
    default:
      return null
  }
}

function availabilityOf(state: KeyState, usable: Usability): KeyAvailability {
  if (state !== 'active') return 'out-of-use'
  if (usable.kind === 'usable') return 'usable'
  switch (usable.failure.code) {
    case 'token-absent':
    case 'token-removed':
      return 'token-absent'
    case 'key-mismatch':
    case 'key-ambiguous':
    case 'token-ambiguous':
      return 'key-differs'
    case 'key-absent':
    case 'pin-locked':
    case 'service-key-absent':
      return usable.failure.code
    default:
      return 'not-known'
  }
}

const revoked: Failure = {
  kind: 'refused',
  code: 'key-revoked',
  message: 'The OpenPGP certificate of this key is revoked: nobody would take what it signs. It signs nothing more.',
}
const cannotSign: Failure = {
  kind: 'refused',
  code: 'no-signing-key',
  message:
    'The OpenPGP certificate of this key does not say of it that it signs. Bring a certificate in which it does.',
}
const exchangedCertificate: Failure = {
  kind: 'refused',
  code: 'key-mismatch',
  message:
    'The certificate that lies in the database for this key does not hold the key that was registered: somebody exchanged it. The key is not used. Find out who writes to the database.',
}
const notRegistered: Failure = {
  kind: 'refused',
  code: 'key-not-registered',
  message: 'No such key is registered at this station. Nothing was changed.',
}
const destroyed: Failure = {
  kind: 'refused',
  code: 'key-destroyed',
  message: 'The key is destroyed; it stays so. Nothing was changed.',
}
const unsealed: Failure = {
  kind: 'invalid',
  code: 'service-key-absent',
  message: 'The software key’s sealed record is missing.',
}
const pinLocked: Failure = {
  kind: 'unavailable',
  code: 'pin-locked',
  message:
    'The PIN of the token is locked. Unlock it with the PUK or the security officer’s PIN; then the key can be used again.',
}
const foreignKey: Failure = {
  kind: 'refused',
  code: 'key-mismatch',
  message: 'The token has another key under this id than the one that was registered. It is not used.',
}
