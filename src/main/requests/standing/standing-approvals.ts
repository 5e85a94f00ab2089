import { writeTransaction } from '../../../../db/write-transaction.ts'
import type { Failure } from '../../../shared/failure.ts'
import { type RequestId, requestId } from '../../../shared/ids.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { ReviewSheet } from '../../../shared/review-sheet.ts'
import type { StandingApproval, StandingEnd } from '../../../shared/standing.ts'
import type { SigningSession, TokenFailure } from '../../token/token-service.ts'
import { type Approved, lastChangedCode, stillSo } from '../approve.ts'
import { type DeskPorts, move, notNow } from '../desk-ports.ts'
import { findRequest, findSheet, unfinishedRequests } from '../request.repository.ts'
import { createProgress } from '../signing-progress.ts'
import { parseState } from '../transition.ts'
import { filesOfSheet } from '../use-of-key.ts'
import { coverageOf, endedByTime } from './coverage.ts'
import { type GrantInput, type LiveGrant, openGrant } from './grant.ts'
import { openGrants, recordEnd, recordUse } from './standing.repository.ts'

/** Approvals that were given ahead (docs/adr/0011-standing-approvals.md). */
export interface StandingDesk {
  grant(input: GrantInput): Promise<Result<StandingApproval, Failure>>
  withdraw(id: RequestId): Promise<Result<null, Failure>>
  list(): readonly StandingApproval[]
  /** The desk was locked, or is about to sleep. */
  deskLocked(): Promise<void>
  /** Devices came or went: whoever's token is not there any more is over. */
  tokensChanged(): Promise<void>
}

export interface Standing extends StandingDesk {
  /** Approves the request in the name of a grant that covers its sheet. Null: a person has to. */
  use(id: RequestId): Promise<Approved | null>
  /** A person approves something with this token: his own word goes first. */
  giveWay(tokenSerial: string): Promise<void>
  /** At the start: what a dead station left open is over. */
  recover(): Promise<void>
  stop(): Promise<void>
}

const lookMs = 5_000
/** So often the token is asked whether it is still there, where nobody would tell. */
const askEvery = 3

/** `offer`: asks the desk to try the grants on a request that is up for review. */
export function createStanding(ports: DeskPorts, offer: (id: RequestId) => Promise<void>): Standing {
  const live = new Map<RequestId, LiveGrant>()
  const ending = new Set<Promise<void>>()
  /** Raised by a lock of the desk: a grant that is being opened meanwhile is none. */
  let locks = 0
  let stopping = false
  const isStopping = () => stopping
  let timer: NodeJS.Timeout | null = null
  let looks = 0

  /** The session first: from here on the key cannot be used, whatever happens to the record. */
  async function end(grant: LiveGrant, why: StandingEnd): Promise<void> {
    if (grant.ended !== null) return
    grant.ended = why
    live.delete(grant.id)
    if (live.size === 0 && timer !== null) {
      clearInterval(timer)
      timer = null
    }
    const work = finish(grant, why)
    ending.add(work)
    await work.finally(() => ending.delete(work))
  }
  async function finish(grant: LiveGrant, why: StandingEnd): Promise<void> {
    await grant.session.close()
    const operator = ports.settings().operatorName
    const written = await writeTransaction(ports.db, (trx) => recordEnd(trx, ports, grant, why, grant.used, operator))
    if (!written.ok) ports.log('standing.end-not-recorded', { standing: grant.id, why, code: written.error.code })
    ports.publish('standing.changed', null)
  }

  function overByTime(grant: LiveGrant): StandingEnd | null {
    const { seesLock, steady, unseenMs } = ports.standing
    const now = ports.now().getTime()
    const why = endedByTime(grant, { now, lastNow: grant.lastNow, steady: steady(), seesLock: seesLock(), unseenMs })
    grant.lastNow = Math.max(grant.lastNow, now)
    return why
  }

  /** Whether its token is there and its session with it. A token that is signing is not asked. */
  async function tokenIsLost(grant: LiveGrant, ask: boolean): Promise<boolean> {
    if (grant.session.isOver?.() === true) return true
    if (!ask || grant.busy) return false
    const seen = await ports.tokens.seeKey(grant.home.token, grant.home.ckaId)
    return !seen.ok && !grant.busy
  }

  async function look(ask: boolean): Promise<void> {
    for (const grant of live.values()) {
      const why = overByTime(grant)
      if (why !== null) await end(grant, why)
      else if (await tokenIsLost(grant, ask)) await end(grant, 'token-lost')
    }
  }

  async function endAll(why: StandingEnd): Promise<void> {
    await Promise.all([...live.values()].map((grant) => end(grant, why)))
  }

  /** The one session of a grant, as a run of one request may use it: the run's end leaves it open. */
  function lend(grant: LiveGrant): SigningSession {
    const failed = (failure: TokenFailure) =>
      end(grant, failure.code === 'token-removed' || failure.code === 'token-absent' ? 'token-lost' : 'signing-failed')
    return {
      sign: async (request) => {
        if (grant.ended !== null) return err(over)
        const signed = await grant.session.sign(request)
        if (!signed.ok) void failed(signed.error)
        return signed
      },
      signMany: async (requests, onOutcome) => {
        if (grant.ended !== null) return [err(over)]
        const signed = await grant.session.signMany(requests, onOutcome)
        const bad = signed.find((each) => !each.ok)
        if (bad?.ok === false) void failed(bad.error)
        return signed
      },
      close: async () => {
        grant.busy = false
        if (grant.used >= grant.uses) await end(grant, 'used-up')
      },
    }
  }

  /** The grant that covers a sheet. One that meets what it must never cover is over. */
  async function covering(sheet: ReviewSheet): Promise<LiveGrant | null> {
    const scope = ports.standing.scopeOf(sheet)
    for (const grant of live.values()) {
      const covered = coverageOf(grant, sheet, scope)
      if (covered.kind === 'ends') await end(grant, covered.why)
      if (covered.kind !== 'covered' || grant.busy) continue
      const why = overByTime(grant)
      if (why !== null) await end(grant, why)
      else if (await tokenIsLost(grant, false)) await end(grant, 'token-lost')
      else return grant
    }
    return null
  }

  async function use(id: RequestId): Promise<Approved | null> {
    if (live.size === 0 || stopping) return null
    const row = await findRequest(ports.db, id)
    if (row === null) return null
    const state = parseState(row.state)
    if (state.kind !== 'review') return null
    const stored = await findSheet(ports.db, id, state.sheetDigest)
    if (stored === null) return null
    const { sheet } = stored
    const grant = await covering(sheet)
    if (grant === null) return null
    grant.busy = true
    const approved = await approveBy(grant, { row, sheet, sheetDigest: state.sheetDigest })
    if (approved === null) grant.busy = false
    return approved
  }

  /** As a person's approval: the server's last word, then the decision, in one transaction with its count. */
  async function approveBy(
    grant: LiveGrant,
    { row, sheet, sheetDigest }: Pick<Approved, 'row' | 'sheet' | 'sheetDigest'>,
  ): Promise<Approved | null> {
    const id = sheet.requestId
    const still = await stillSo(ports, row, sheet)
    // Another of its suite was signed meanwhile: this one is looked at again, and the approval goes on.
    if (!still.ok && still.error.code === lastChangedCode) return null
    const registered = await ports.keys.find(sheet.purpose, sheet.key.fingerprint)
    if (!still.ok || registered?.state !== 'active') {
      await end(grant, 'not-so-any-more')
      return null
    }
    const why = overByTime(grant)
    if (why !== null) await end(grant, why)
    // Ended while the server was asked: a lock, a withdrawal.
    if (grant.ended !== null) return null
    const at = ports.now().toISOString()
    const next = grant.used + 1
    const { operator, uses } = grant
    const moved = await move(ports, id, { kind: 'approved', approval: { sheetDigest, operator, at } }, async (trx) => {
      await recordUse(trx, grant, { requestId: id, sheetDigest, use: next, at })
      return [
        {
          event: 'standing-approval-used',
          standing: grant.id,
          purpose: grant.purpose,
          fingerprint: grant.fingerprint,
          requestId: id,
          sheetDigest,
          use: next,
          uses,
          operator,
        },
      ]
    })
    if (!moved.ok) return null
    grant.used = next
    ports.publish('standing.changed', null)
    const total = filesOfSheet(sheet).length
    const progress = createProgress({ requestId: id, signed: 0, total }, (said) =>
      ports.publish('signing.progress', said),
    )
    const session = lend(grant)
    const keys = [{ session: progress.watched(session), certificate: grant.certificate }]
    return { row, sheet, sheetDigest, keys, progress, close: () => session.close() }
  }

  async function offerAll(): Promise<void> {
    for (const row of await unfinishedRequests(ports.db))
      if (row.stage === 'review') await offer(requestId.parse(row.id))
  }

  return {
    grant: async (input) => {
      if (stopping) {
        input.pin.wipe()
        return err(notNow)
      }
      const locksBefore = locks
      const opened = await openGrant(ports, input, [...live.values()])
      if (!opened.ok) return opened
      const grant = opened.value
      live.set(grant.id, grant)
      timer ??= setInterval(() => {
        looks += 1
        look(looks % askEvery === 0).catch((error: unknown) => ports.log('standing.look-defect', { error }))
      }, lookMs)
      // The desk was locked, or the station stops, while the token took the PIN.
      if (isStopping()) await end(grant, 'station-stopped')
      if (locks !== locksBefore) await end(grant, 'desk-locked')
      if (grant.ended !== null) return err(notThere)
      ports.publish('standing.changed', null)
      offerAll().catch((error: unknown) => ports.log('standing.consider-defect', { error }))
      return ok(shown(grant))
    },
    withdraw: async (id) => {
      const grant = live.get(id)
      if (grant === undefined) return err(notThere)
      await end(grant, 'operator')
      return ok(null)
    },
    list: () => [...live.values()].map(shown),
    deskLocked: () => {
      locks += 1
      return endAll('desk-locked')
    },
    tokensChanged: () => look(true),
    use,
    giveWay: async (tokenSerial) => {
      for (const grant of live.values()) if (grant.home.token.serial === tokenSerial) await end(grant, 'token-needed')
    },
    recover: async () => {
      const left = await openGrants(ports)
      if (left.length === 0) return
      const written = await writeTransaction(ports.db, async (trx) => {
        for (const grant of left) await recordEnd(trx, ports, grant, 'station-died', grant.used, grant.operator)
      })
      if (!written.ok) ports.log('standing.end-not-recorded', { code: written.error.code })
    },
    stop: async () => {
      stopping = true
      await endAll('station-stopped')
      await Promise.all(ending)
    },
  }
}

function shown(grant: LiveGrant): StandingApproval {
  return {
    id: grant.id,
    purpose: grant.purpose,
    fingerprint: grant.fingerprint,
    keyDescription: grant.keyDescription,
    scope: grant.scope,
    uses: grant.uses,
    used: grant.used,
    grantedAt: new Date(grant.grantedAt).toISOString(),
    endsAt: new Date(grant.endsAt).toISOString(),
    operator: grant.operator,
    lockSeen: grant.lockSeen,
  }
}

const over: TokenFailure = {
  kind: 'refused',
  code: 'cancelled',
  message: 'The standing approval is over, so the token was not asked.',
}
const notThere: Failure = {
  kind: 'refused',
  code: 'no-such-standing',
  message: 'There is no such standing approval any more. Nothing is signed by it.',
}
