import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../../db/database.ts'
import { ok, type Result } from '../../../shared/result.ts'
import { reviewChain } from './chain-findings.ts'
import { type LogUnreadable, readDeviceLog, readKeyUses, registeredKeysOf } from './device-log.repository.ts'
import type { DeviceLog } from './device-log.ts'
import type { DeviceFinding } from './finding.ts'
import type { KeyUse, RegisteredKey } from './key-use.ts'
import { type MatchReview, matchUses } from './match-uses.ts'

/** What a device's log and the audit log say of each other (docs/formats/device-log.md §5 and §7). */
export interface DeviceReview extends Omit<MatchReview, 'findings'> {
  readonly deviceSerial: string
  /** First those of the chain: what is missing there explains what does not match here. */
  readonly findings: readonly DeviceFinding[]
}

export function compareLogs(log: DeviceLog, uses: readonly KeyUse[], keys: readonly RegisteredKey[]): DeviceReview {
  const chain = reviewChain(log)
  const match = matchUses(log, uses, keys, chain.lost)
  return { ...match, deviceSerial: log.serial, findings: [...chain.findings, ...match.findings] }
}

/** The same for what is stored of a device. Whether the audit log itself is whole is for its own check to say. */
export async function reviewDevice(
  db: ReadonlyKysely<Database>,
  deviceSerial: string,
): Promise<Result<DeviceReview, LogUnreadable>> {
  const keys = await registeredKeysOf(db, deviceSerial)
  const log = await readDeviceLog(db, deviceSerial)
  const uses = await readKeyUses(db, deviceSerial, keys)
  return uses.ok ? ok(compareLogs(log, uses.value, keys)) : uses
}
