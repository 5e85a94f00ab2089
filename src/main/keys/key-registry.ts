import type { Kysely } from 'kysely'
import type { Database } from '../../../db/database.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { Failure } from '../../shared/failure.ts'
import type { Fingerprint } from '../../shared/ids.ts'
import type { KeyState, RegisteredKey } from '../../shared/key.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import { readCertificate } from '../pki/x509.ts'
import type { SigningCertificate } from '../signing/signer.ts'
import type { KeyReference, TokenService } from '../token/token-service.ts'
import { hiddenUntilLogin } from './hidden-key.ts'
import { listKeys, type StoredKey, setKeyState } from './key.repository.ts'
import { createKeyUses } from './key-uses.ts'

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
}

export function createKeyRegistry(ports: KeyRegistryPorts): KeyRegistry {
  const uses = createKeyUses()
  async function usabilityOf(key: StoredKey): Promise<Usability> {
    if (key.home.kind === 'software') {
      const opened = key.sealed === null ? err(unsealed) : await ports.opensSealed(key.sealed)
      return opened.ok ? { kind: 'usable' } : { kind: 'unusable', failure: opened.error }
    }
    const read = await ports.tokens.readPublicKey(key.home.token, key.home.ckaId)
    if (!read.ok)
      return hiddenUntilLogin(key.home.token, read.error.code)
        ? { kind: 'usable' }
        : { kind: 'unusable', failure: read.error }
    const certificate = readCertificate(key.certificatePem)
    if (!certificate.ok) return { kind: 'unusable', failure: certificate.error }
    return Buffer.compare(certificate.value.spki, read.value) === 0
      ? { kind: 'usable' }
      : { kind: 'unusable', failure: foreignKey }
  }

  async function registered(key: StoredKey): Promise<RegisteredKey> {
    const certificate = readCertificate(key.certificatePem)
    // It was read before it was stored, by this program.
    if (!certificate.ok)
      throw new Error(`the certificate of key ${key.fingerprint} cannot be read any more: ${certificate.error.message}`)
    const usable = await usabilityOf(key)
    const { sealed: _, spkiSha256: __, ...shown } = key
    return {
      ...shown,
      certificate: certificate.value.facts,
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
      // One after another: they may be on one token, which has one owner.
      for (const key of await listKeys(ports.db)) keys.push(await registered(key))
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
      const certificate = readCertificate(key.certificatePem)
      if (!certificate.ok) return null
      const { home, algorithm, spkiSha256, sealed } = key
      return {
        reference: { home, algorithm, spkiSha256, sealed },
        certificate: { der: certificate.value.der, algorithm },
      }
    },
    use: async (purpose, fingerprint) => {
      // Known as a use before the state is read: a change that comes now stops it, one that came before is read.
      const { signal, end } = uses.begin({ purpose, fingerprint })
      const active = async () => (await stored(purpose, fingerprint))?.state === 'active'
      if ((await active()) && !signal.aborted) return { signal, end: () => end().then(active) }
      await end()
      return null
    },
    setState: async (of, state, operator) => {
      const before = await stored(of.purpose, of.fingerprint)
      if (before === null) return err(notRegistered)
      if (before.state === state) return ok(null)
      const at = ports.now().toISOString()
      const write = () =>
        writeTransaction(ports.db, async (trx) => {
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
      const written = state === 'active' ? await write() : await uses.stopFor(of, write)
      if (!written.ok) return written
      return written.value ? ok(null) : err(destroyed)
    },
  }
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
const foreignKey: Failure = {
  kind: 'refused',
  code: 'key-mismatch',
  message: 'The token has another key under this id than the one that was registered. It is not used.',
}
