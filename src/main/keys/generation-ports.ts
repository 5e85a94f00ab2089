import type { Kysely } from 'kysely'
import type { Database } from '../../../db/database.ts'
import type { Failure } from '../../shared/failure.ts'
import type { RequestId } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { Secret } from '../../shared/secret.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import type { TrustStore } from '../pki/attestation/trust-store.ts'
import type { TokenKeyMaker, TokenService } from '../token/token-service.ts'
import { findGeneration, type StoredGeneration } from './generation.repository.ts'

export interface GenerationPorts {
  readonly db: Kysely<Database>
  readonly audit: AuditLog
  readonly tokens: TokenService & TokenKeyMaker
  readonly now: () => Date
  /** The makers' roots that come with the program. */
  readonly shippedRoots: TrustStore
  /** 20 octets for a certificate's serial number; the caller's randomness. */
  readonly serialNumber: () => Uint8Array
}

/** Wiped whatever happens. `officerPin`: a YubiKey's management key as hex; null where the token takes its PIN for everything. */
export interface GenerationSecrets {
  readonly pin: Secret
  readonly officerPin: Secret | null
  readonly useLastTry: boolean
  readonly onSignal: (signal: 'touch' | 'login' | 'generating') => void
}

export function wipe({ pin, officerPin }: Pick<GenerationSecrets, 'pin' | 'officerPin'>): void {
  pin.wipe()
  officerPin?.wipe()
}

/** A second one of the same bytes: each act at a token wipes the one that it was given. */
export function copyOf(secret: Secret): Secret {
  return new Secret(Uint8Array.from(secret.reveal()))
}

/** How an act that writes to the token logs in. */
export function writeLogin(secrets: GenerationSecrets) {
  const { officerPin, pin, useLastTry, onSignal } = secrets
  return officerPin === null
    ? ({ user: 'user', secret: copyOf(pin), useLastTry, onSignal } as const)
    : ({ user: 'security-officer', secret: copyOf(officerPin), useLastTry, onSignal } as const)
}

export async function reread(
  ports: Pick<GenerationPorts, 'db'>,
  id: RequestId,
): Promise<Result<StoredGeneration, Failure>> {
  const generation = await findGeneration(ports.db, id)
  return generation === null ? err(noSuchGeneration) : ok(generation)
}

export const noSuchGeneration: Failure = {
  kind: 'invalid',
  code: 'no-such-generation',
  message: 'This station did not set out to make such a key.',
}
