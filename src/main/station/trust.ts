import type { AuditState } from '../../shared/audit.ts'
import type { Failure } from '../../shared/failure.ts'
import { ok, type Result } from '../../shared/result.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import type { AuditEntryBody } from '../audit/format/entry.ts'
import type { Log } from '../log/logger.ts'
import type { StationCheckpoints } from './checkpoints.ts'
import { allClosed } from './failures.ts'

export interface TrustParts {
  /** What the check at start found. */
  readonly first: AuditState
  readonly checkpoints: Pick<StationCheckpoints, 'check' | 'closing' | 'end'>
  /** Reads the whole log. */
  readonly check: AuditLog['check']
  readonly note: (entries: readonly AuditEntryBody[]) => Promise<Result<null, Failure>>
  readonly operator: () => string
  readonly log: Log
  readonly onStatus: () => void
  /** Ends all that signs, fetches or writes. */
  readonly endChanges: () => Promise<void>
}

/** Whether the log may be added to. What is found wrong once stays wrong until the station is started with a whole log. */
export interface LogTrust {
  readonly state: () => AuditState
  isTrusted(): boolean
  /** Ends all changes if the log was not found whole. */
  distrust(found: AuditState): Promise<void>
  contradicted(failure: Failure): Promise<void>
  closeContradiction(id: string, reason: string): Promise<Result<null, Failure>>
}

export function createLogTrust(parts: TrustParts): LogTrust {
  const { checkpoints, check, onStatus } = parts
  let state = parts.first

  async function distrust(found: AuditState): Promise<void> {
    if (found.kind === 'whole' || state.kind !== 'whole') return
    state = found
    parts.log('audit.log-not-whole', { ...found })
    checkpoints.end()
    await parts.endChanges()
    onStatus()
  }

  /** The log is not the one that a checkpoint was signed for. Changes end at once; then the check names the place, where it can. */
  async function contradicted(failure: Failure): Promise<void> {
    if (state.kind !== 'whole') return
    const first: AuditState =
      failure.code === 'checkpoint-contradicts'
        ? { kind: 'contradicted', reason: failure.message }
        : { kind: 'broken', firstBadSeq: 1, reason: failure.message }
    const place = async () => {
      const found = await checkpoints.check(await check())
      if (found.kind === 'whole' || !Object.is(state, first)) return
      state = found
      onStatus()
    }
    await Promise.all([distrust(first), place()])
  }

  async function close(id: string, reason: string): Promise<Result<null, Failure>> {
    const entry = await checkpoints.closing(id, reason, parts.operator(), await check())
    if (!entry.ok) return entry
    const noted = await parts.note([entry.value])
    if (!noted.ok) return noted
    const left = await checkpoints.check(await check())
    state = left.kind === 'whole' ? { kind: 'contradicted', reason: allClosed } : left
    onStatus()
    return ok(null)
  }

  /** One at a time: the same is not closed twice. */
  let closing: Promise<unknown> = Promise.resolve()
  return {
    state: () => state,
    isTrusted: () => state.kind === 'whole',
    distrust,
    contradicted,
    closeContradiction: (id, reason) => {
      const next = closing.then(() => close(id, reason))
      closing = next.catch(() => null)
      return next
    },
  }
}
