import { setImmediate } from 'node:timers/promises'
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

/** From the logs alone: nothing is read, nothing is asked. Yields where it may pause. */
export function* compareLogs(
  log: DeviceLog,
  uses: readonly KeyUse[],
  keys: readonly RegisteredKey[],
): Generator<void, DeviceReview> {
  const chain = yield* reviewChain(log)
  const match = yield* matchUses(log, uses, keys, chain.lost)
  return { ...match, deviceSerial: log.serial, findings: [...chain.findings, ...match.findings] }
}

/**
 * The same for what is stored of a device, in slices that leave the event loop free. Whether the audit log itself is whole is for
 * its own check to say.
 */
export async function reviewDevice(
  db: ReadonlyKysely<Database>,
  deviceSerial: string,
): Promise<Result<DeviceReview, LogUnreadable>> {
  const keys = await registeredKeysOf(db, deviceSerial)
  const log = await readDeviceLog(db, deviceSerial)
  const uses = await readKeyUses(db, deviceSerial, keys)
  if (!uses.ok) return uses
  const steps = compareLogs(log, uses.value, keys)
  let step = steps.next()
  while (step.done !== true) {
    await setImmediate()
    step = steps.next()
  }
  return ok(step.value)
}
