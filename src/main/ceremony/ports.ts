import type { Kysely } from 'kysely'
import type { Database } from '../../../db/database.ts'
import type {
  CeremonyDevice,
  CeremonyFact,
  CeremonyKey,
  CeremonyPerson,
  CeremonyRecord,
  StepInput,
} from '../../shared/ceremony.ts'
import type { CeremonyStep } from '../../shared/ceremony-script.ts'
import type { Failure } from '../../shared/failure.ts'
import type { Result } from '../../shared/result.ts'
import type { Secret } from '../../shared/secret.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import type { VerifierKey } from '../audit/format/signed-note.ts'
import type { KeyRegistry } from '../keys/key-registry.ts'
import type { TrustStore } from '../pki/attestation/trust-store.ts'
import type { HsmService } from '../token/hsm-service.ts'
import type { TokenKeyMaker, TokenService } from '../token/token-service.ts'
import type { OpenSsl } from '../tools/openssl.ts'

/** What the running program is: told by a step, so that the evidence names it. */
export interface ProgramIdentity {
  readonly version: string
  /** SHA-256 of the list `sha256sum` makes of all of its files, in the order of their names. */
  readonly sha256: string
  readonly files: number
  /** The Node binary that runs it. */
  readonly runtime: string
  readonly runtimeSha256: string
}

export interface CeremonyPorts {
  readonly db: Kysely<Database>
  readonly audit: AuditLog
  readonly tokens: TokenService & TokenKeyMaker
  readonly hsm: HsmService
  readonly keys: Pick<KeyRegistry, 'setState'>
  readonly shippedRoots: TrustStore
  readonly checkpoints: {
    write(): Promise<Result<{ readonly size: number; readonly note: string }, Failure>>
    key(): VerifierKey | null
  }
  readonly openssl: OpenSsl
  readonly program: () => Promise<ProgramIdentity>
  readonly stationName: () => string
  readonly now: () => Date
  /** Keys came, went or changed. */
  readonly keysChanged: () => Promise<void>
  /** What the token waits for. */
  readonly onSignal: (signal: 'touch' | 'login' | 'generating' | 'over') => void
}

/** What a person typed for a device. Wiped whatever happens. */
export interface TypedSecrets {
  readonly pin: Secret | null
  readonly officerPin: Secret | null
  readonly useLastTry: boolean
}

/** A file of the evidence with its bytes. */
export interface NewFile {
  readonly name: string
  readonly content: Uint8Array
}

/** What an act found out. */
export interface Performed {
  readonly facts: readonly CeremonyFact[]
  readonly files?: readonly NewFile[]
  readonly people?: readonly CeremonyPerson[]
  readonly device?: CeremonyDevice
  readonly key?: CeremonyKey
}

/** One attempt at a step. */
export interface Attempt<K extends CeremonyStep['kind'] = CeremonyStep['kind']> {
  readonly ports: CeremonyPorts
  readonly ceremonyId: string
  readonly scriptSha256: string
  readonly step: Extract<CeremonyStep, { kind: K }>
  readonly input: Extract<StepInput, { kind: K }>
  readonly records: readonly CeremonyRecord[]
  /** When the step was begun first. */
  readonly since: string
  /** An earlier attempt asked a device for this, and its end is not known. */
  readonly intended: string | null
  readonly secrets: TypedSecrets
  readonly operator: string
  /** On disk before a device is asked (invariant I1). */
  readonly intend: (act: string, deviceSerial: string, object: string) => Promise<Result<null, Failure>>
  /** A file that an earlier step of this ceremony brought. */
  readonly file: (name: string) => Promise<Uint8Array | null>
}

export type Act<K extends CeremonyStep['kind']> = (attempt: Attempt<K>) => Promise<Result<Performed, Failure>>

export function fact(label: string, value: string, form: CeremonyFact['form'] = 'text'): CeremonyFact {
  return { label, form, value }
}

/** Where the things are that a ceremony works with. */
export interface CeremonyFiles {
  /** Ready scripts. */
  readonly scripts: string
  /** All files of the program. */
  readonly program: string
}
