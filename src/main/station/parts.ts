import type { EventName, EventPayload } from '../../shared/events.ts'
import type { CeremonyFiles } from '../ceremony/ports.ts'
import type { Profile } from '../config/profile.ts'
import type { Inspector } from '../inspector/inspector.ts'
import type { Log } from '../log/logger.ts'
import type { MediaProcess } from '../media/folder-process.ts'
import type { TrustStore } from '../pki/attestation/trust-store.ts'
import type { SbatLevel } from '../policy/policy-input.ts'
import type { DeskPorts } from '../requests/desk-ports.ts'
import type { Signer } from '../signing/signer.ts'
import type { DeviceLogReader } from '../token/device-log-reader.ts'
import type { HsmService } from '../token/hsm-service.ts'
import type {
  LogKeyService,
  ServiceKeyKeeper,
  SoftwareKeyMaker,
  TokenKeyMaker,
  TokenService,
} from '../token/token-service.ts'
import type { YubiHsmConfiguration } from '../token/yubihsm-configuration.ts'

/** All that a station asks of tokens and of sealed keys. */
export type StationTokens = TokenService & SoftwareKeyMaker & ServiceKeyKeeper & LogKeyService & TokenKeyMaker

/** What a station is opened with. */
export interface StationParts {
  readonly profile: Profile
  readonly tokens: StationTokens
  readonly deviceLogReader: DeviceLogReader
  readonly hsm: HsmService
  readonly ceremonyFiles: CeremonyFiles
  /** What modules read when they start; follows the settings. */
  readonly yubihsm: YubiHsmConfiguration
  /** What reads and writes the operator's folders on media. */
  readonly media: MediaProcess
  readonly inspector: Inspector
  readonly signer: Signer
  readonly sbatLevel: SbatLevel
  /** What attestations of keys may end at, beside what the operator adds. */
  readonly shippedRoots: TrustStore
  readonly version: string
  readonly now: () => Date
  readonly log: Log
  readonly publish: <E extends EventName>(event: E, payload: EventPayload<E>) => void
  readonly onStatus: () => void
  /** Left out: no lock is seen, the process’s own steady clock, and the scopes of the product. */
  readonly standing?: Partial<DeskPorts['standing']>
}
