import type { Kysely } from 'kysely'
import { type Database, readerOf } from '../../../db/database.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import { type DeviceAudits, type DeviceLogState, deviceAudits, signingCommands } from '../../shared/device-log.ts'
import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Secret } from '../../shared/secret.ts'
import type { TokenId } from '../../shared/token.ts'
import { step } from '../app/steps.ts'
import type { Log } from '../log/logger.ts'
import type { RunLog, RunLogs } from '../requests/run-log.ts'
import { readSetting, writeSetting } from '../settings/settings-store.ts'
import type { DeviceAudit, DeviceLogReader, DeviceLogSession, LogStore } from '../token/device-log-reader.ts'
import { tokenFailure } from '../token/failures.ts'
import type { TokenFailure } from '../token/token-service.ts'
import type { StationDeviceLog } from './device-log.ts'

/** The logs of YubiHSMs are taken out of them around the station's signatures (docs/flows/device-log.md). */
export interface StationRunLogs extends RunLogs {
  /** For the operator: each device that is there or was drained. */
  states(): Promise<readonly DeviceLogState[]>
}

/** What else a device may log while it signs: sessions, and the questions that a module asks when it opens one. */
const margin = 12
const sessionMessage = 0x05

const settingName = 'device-audit'
interface Parts {
  readonly db: Kysely<Database>
  readonly reader: DeviceLogReader
  readonly deviceLog: Pick<StationDeviceLog, 'mark' | 'drained'>
  readonly now: () => Date
  readonly log: Log
  /** What `states` says may have changed. */
  readonly onChange: () => void
}

export function createStationRunLogs(parts: Parts): StationRunLogs {
  const { db, reader, deviceLog, now, log, onChange } = parts
  /** Why the last attempt at a device's log failed. */
  const problems = new Map<string, Failure>()
  /** One at a time for each device: an answer that was asked for before another was stored is refused. */
  const turns = new Map<string, Promise<unknown>>()
  function inTurn<T>(serial: string, work: () => Promise<T>): Promise<T> {
    const next = (turns.get(serial) ?? Promise.resolve()).then(work)
    turns.set(
      serial,
      next.catch(() => null),
    )
    return next
  }

  async function recall(): Promise<DeviceAudits> {
    const stored = deviceAudits.safeParse(await readSetting(readerOf(db), settingName))
    return stored.success ? stored.data : {}
  }

  /** Never fails: the device is asked again at the next run. A full disk after a signature must not leave a login behind. */
  async function remember(serial: string, audit: DeviceAudit): Promise<void> {
    const all = await recall()
    const next = { ...all, [serial]: { ...audit, commands: [...audit.commands], asOf: now().toISOString() } }
    await writeTransaction(db, (trx) => writeSetting(trx, settingName, next, now().toISOString()))
  }

  function tell(serial: string, problem: Failure | null): void {
    const before = problems.get(serial)
    if (problem === null) problems.delete(serial)
    else {
      problems.set(serial, problem)
      // Once for as long as it stays so.
      if (before?.code !== problem.code)
        log('device-log.not-drained', { serial, code: problem.code, detail: problem.detail })
    }
    if (before?.code !== problem?.code) onChange()
  }

  /**
   * The steps of docs/formats/device-log.md §4. Between any two of them the station may be killed: what is stored is asked for again and
   * stored once, what is not stored is still in the device.
   */
  async function drain(serial: string, session: DeviceLogSession): Promise<Result<null, Failure>> {
    const mark = await deviceLog.mark(serial)
    if (!mark.ok) return mark
    const read = await session.read()
    if (!read.ok) return read
    step('device-log', 'before')
    const stored = await deviceLog.drained(mark.value, read.value.answer)
    if (!stored.ok) return stored
    step('device-log', 'after')
    const { lastNumber, fresh, incidents } = stored.value
    if (lastNumber !== null) {
      step('device-log-free', 'before')
      const freed = await session.free(lastNumber)
      if (!freed.ok) return freed
      step('device-log-free', 'after')
    }
    log('device-log.drained', { serial, fresh, incidents })
    return ok(null)
  }

  function begin(token: TokenId, pin: Secret): RunLog | null {
    if (!token.model.startsWith('YubiHSM')) {
      pin.wipe()
      return null
    }
    const { serial } = token
    let session: DeviceLogSession | null = null
    let begun = false
    let audit: DeviceAudit | null = null
    /** As the device itself said in this run; what is merely remembered may be over. */
    let audited: DeviceAudit | null = null
    let store: LogStore | null = null
    /** Signatures asked for since `store`. */
    let asked = 0

    const entriesFor = (signatures: number) =>
      signatures * (audit?.commands.some(({ command }) => command === sessionMessage) === true ? 2 : 1)
    const left = () => (store === null ? null : store.capacity - store.used - entriesFor(asked))
    const logsSignatures = () =>
      audit === null || audit.commands.some(({ command }) => signingCommands.includes(command))

    async function look(opened: DeviceLogSession): Promise<Result<null, Failure>> {
      const state = await opened.state()
      if (!state.ok) return state
      store = state.value
      asked = 0
      audited = state.value.audit
      audit = audited ?? audit
      if (state.value.audit !== null) await remember(serial, state.value.audit)
      return ok(null)
    }

    async function drainOnce(): Promise<Result<null, Failure>> {
      if (!begun) {
        begun = true
        audit = (await recall())[serial] ?? null
        const opened = await reader.open(serial, pin)
        if (!opened.ok) return opened
        session = opened.value
      }
      const opened = session
      if (opened === null) return ok(null)
      return await inTurn(serial, async () => {
        const drained = await drain(serial, opened)
        // Asked whatever became of it: a log that cannot be read may still be known to have room.
        const looked = await look(opened)
        return drained.ok ? looked : drained
      })
    }

    return {
      makeRoom: async (signatures) => {
        const room = left()
        const enough = begun && (!logsSignatures() || (room !== null && room - margin >= entriesFor(signatures)))
        if (!enough && (!begun || session !== null)) {
          const drained = await drainOnce()
          tell(serial, drained.ok ? null : drained.error)
          const after = left()
          const refused = (audit?.force ?? 0) !== 0 && after !== null && after < entriesFor(signatures) + 2
          if (!drained.ok && refused) {
            const full = tokenFailure('device-log-full', drained.error.code)
            return err({ ...full, message: `${full.message} ${drained.error.message}` } satisfies TokenFailure)
          }
        }
        asked += signatures
        return ok(null)
      },
      keepsLog: async () => {
        const drained = await drainOnce()
        tell(serial, drained.ok ? null : drained.error)
        return !drained.ok || audited === null || audited.force !== 0 || logsSignatures()
      },
      end: async () => {
        pin.wipe()
        if (session === null) return
        try {
          const drained = await drainOnce()
          tell(serial, drained.ok ? null : drained.error)
        } finally {
          await session.close()
        }
        onChange()
      },
    }
  }

  return {
    begin,
    states: async () => {
      const [seen, audits, drains] = await Promise.all([
        reader.look(),
        recall(),
        readerOf(db)
          .selectFrom('device_drain')
          .select(['device_serial', (eb) => eb.fn.max('stored_at').as('at')])
          .groupBy('device_serial')
          .execute(),
      ])
      const lastDrains = new Map(drains.map(({ device_serial, at }) => [device_serial, at]))
      const serials = new Set([...seen.map(({ serial }) => serial), ...Object.keys(audits), ...lastDrains.keys()])
      return [...serials].sort().map((serial): DeviceLogState => {
        const device = seen.find((each) => each.serial === serial)
        const audit = audits[serial]
        const audited = new Set(audit?.commands.map(({ command }) => command))
        return {
          serial,
          store: device === undefined ? null : { used: device.used, capacity: device.capacity },
          audit:
            audit === undefined
              ? null
              : {
                  asOf: audit.asOf,
                  forced: audit.force !== 0,
                  unaudited: signingCommands.filter((command) => !audited.has(command)),
                },
          lastDrainAt: lastDrains.get(serial) ?? null,
          problem: problems.get(serial) ?? null,
        }
      })
    },
  }
}
