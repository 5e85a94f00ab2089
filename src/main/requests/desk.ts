import type { RequestRow } from '../../../db/tables/request.table.ts'
import type { Failure } from '../../shared/failure.ts'
import { type Fingerprint, type RequestId, requestId, type Sha256Hex, type WorkRequestId } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { type ApprovalInput, type Approved, approve, reopen, showSheet } from './approve.ts'
import { createHandDesk, type HandDesk } from './by-hand/hand-desk.ts'
import { prepareByOrigin, returnByOrigin } from './by-origin.ts'
import { Deciding, type Running } from './deciding.ts'
import { decline } from './decline.ts'
import {
  type DeskPorts,
  defect,
  heldUpWork,
  move,
  notEnrolled,
  notFound,
  notNow,
  sayOf,
  serverOf,
} from './desk-ports.ts'
import { closeIncident, tallyOf } from './incident.ts'
import type { Taken } from './intake.ts'
import { allUsable } from './keys-asked.ts'
import { createLookout } from './lookout.ts'
import type { RequestEffect } from './machine.ts'
import { wipePins } from './open-keys.ts'
import { generationTask } from './prepare-generation.ts'
import { recoverRequest, recoverRequests } from './recover.ts'
import { renew, renewalRefused } from './renew.ts'
import { findRequest, findSheet, heldReference, unfinishedRequests } from './request.repository.ts'
import { keyIsAwaited } from './request-lists.ts'
import {
  approveGeneration,
  closeGenerationIncident,
  type ServeInput,
  serveGeneration,
  wipePlace,
} from './serve-generation.ts'
import { signApproved } from './sign-approved.ts'
import { createStanding, type StandingDesk } from './standing/standing-approvals.ts'
import { parseState } from './transition.ts'
import { filesOfSheet, keyTokensOf } from './use-of-key.ts'
import { isExternalDebsign, takeExternalDebsign } from './waiting/external-debsign.ts'
import { createSeldom } from './waiting/seldom.ts'
import { tokenEnded, workTokenEnded } from './work-token.ts'

/** The operator's desk: what can be done with requests. Each call answers when its decision is on disk; the work goes on behind it. */
export interface Desk {
  readonly hand: HandDesk
  readonly standing: StandingDesk
  /** After a start: finds where each request was. Never signs by itself. */
  recover(): Promise<void>
  /** The bell rang, or a request was finished: takes the next one if none is in hand. */
  lookForWork(apiUrl: string): Promise<Result<null, Failure>>
  show(id: RequestId, digest: Sha256Hex): Promise<Result<null, Failure>>
  recheck(id: RequestId): Promise<Result<null, Failure>>
  approve(input: ApprovalInput): Promise<Result<null, Failure>>
  resume(input: Omit<ApprovalInput, 'acknowledged'>): Promise<Result<null, Failure>>
  /** A request for a key: approves it, or goes on with it, at the place that a person chose. */
  serve(input: ServeInput): Promise<Result<null, Failure>>
  decline(id: RequestId, reason: string): Promise<Result<null, Failure>>
  cancel(id: RequestId): Promise<Result<null, Failure>>
  giveUp(id: RequestId, reason: string): Promise<Result<null, Failure>>
  closeIncident(id: RequestId, note: string): Promise<Result<null, Failure>>
  returnAgain(id: RequestId): Promise<Result<null, Failure>>
  renew(id: RequestId): Promise<Result<null, Failure>>
  /** Takes an upload that waits for the signature of the person at the desk, to be signed with this key. */
  takeExternal(of: {
    readonly workRequestId: WorkRequestId
    readonly fingerprint: Fingerprint
  }): Promise<Result<RequestId, Failure>>
  /** Asks the server about every request that waits for a person: it tells nobody when it aborts one. */
  watchHeld(): Promise<void>
  /** A key may be usable again: requests that wait for nothing else are checked anew, and are up for review. Signs nothing. */
  keysMayBeBack(): Promise<void>
  /** Stops between two files, and waits until nothing runs. */
  stop(): Promise<void>
}

/** Time between two tries to return a result to a server that could not be reached. */
const returnAgainMs = 30_000

const declinable: ReadonlySet<string> = new Set(['preparing', 'unprepared', 'review'])

export function createDesk(ports: DeskPorts): Desk {
  /** What runs for a request: preparing, signing or returning. One thing at a time. */
  const running = new Map<RequestId, Running & { readonly what: RequestEffect['kind'] }>()
  let stopping = false

  type Work = (signal: AbortSignal) => Promise<void>
  function inBackground(id: RequestId, what: RequestEffect['kind'], work: Work): void {
    const abort = new AbortController()
    const before = running.get(id)?.done ?? Promise.resolve()
    const done = before
      .then(() => (stopping ? undefined : work(abort.signal)))
      .catch(async (error: unknown) => {
        ports.log('request.defect', { request: id, what, error })
        if (what !== 'sign') await move(ports, id, { kind: `${what}-failed`, failure: defect })
      })
      // What it was to leave behind is not written either: `watchHeld` and the next start find the request.
      .catch((error: unknown) => ports.log('request.defect-not-recorded', { request: id, what, error }))
      .finally(() => {
        if (running.get(id)?.abort === abort) running.delete(id)
      })
    running.set(id, { what, abort, done })
  }

  function carryOut(id: RequestId, effects: readonly RequestEffect[]): void {
    for (const effect of effects) {
      // `sign` is carried out by whoever holds the session that the PIN opened; there is no other way to it.
      if (effect.kind === 'prepare') inBackground(id, 'prepare', (signal) => runPrepare(id, signal))
      if (effect.kind === 'return') inBackground(id, 'return', (signal) => runReturn(id, signal))
    }
  }

  async function runPrepare(id: RequestId, signal: AbortSignal): Promise<void> {
    const row = await findRequest(ports.db, id)
    if (row === null) return
    sayOf(ports, row, 'Signing station: fetching and checking the files')
    const prepared = await prepareByOrigin(ports, row, signal)
    if (signal.aborted && !prepared.ok) return
    if (prepared.ok) {
      await useStanding(id)
      sayOf(ports, row, 'Signing station: waiting for the operator')
      ports.publish('requests.changed', { requestId: id })
      return
    }
    ports.log('request.unprepared', { request: id, code: prepared.error.code, detail: prepared.error.detail })
    const gone = prepared.error.code === 'no-longer-ours'
    const tokenIsDead = gone && tokenEnded(row, ports.now())
    if (gone && !tokenIsDead) await letGo(id, row)
    else await move(ports, id, { kind: 'prepare-failed', failure: tokenIsDead ? workTokenEnded : prepared.error })
  }

  async function runReturn(id: RequestId, signal: AbortSignal): Promise<void> {
    const row = await findRequest(ports.db, id)
    if (row === null) return
    const state = parseState(row.state)
    if (state.kind !== 'returning') return
    const returned = await returnByOrigin(ports, row, state, signal)
    if (returned.ok) {
      if (returned.value === 'gone') await move(ports, id, { kind: 'gone' })
      await ports.spool.remove(id)
      ports.publish('requests.changed', { requestId: id })
      lookForNext(row)
      return
    }
    ports.log('request.not-returned', { request: id, code: returned.error.code, detail: returned.error.detail })
    if (!signal.aborted) await move(ports, id, { kind: 'return-failed', failure: returned.error })
  }

  function runApproved(approved: Approved): void {
    const id = approved.sheet.requestId
    inBackground(id, 'sign', async (signal) => carryOut(id, await signApproved(ports, approved, signal)))
  }

  /** Somebody approved this ahead: it is signed behind what runs for it now. */
  async function useStanding(id: RequestId): Promise<void> {
    if (deciding.has(id) || stopping) return
    const approved = await deciding.alone(id, () => standing.use(id))
    if (approved !== null) runApproved(approved)
  }
  const standing = createStanding(ports, async (id) => (running.has(id) ? undefined : useStanding(id)))

  function took(taken: Taken): void {
    if (taken.kind !== 'taken' && taken.kind !== 'given-again') return
    ports.publish('requests.changed', { requestId: taken.requestId })
    carryOut(taken.requestId, [{ kind: taken.kind === 'taken' ? 'prepare' : 'return' }])
  }

  const lookout = createLookout(ports, took)

  const seldom = createSeldom(ports.now)

  /** Nobody waits for the request any more. */
  async function letGo(id: RequestId, row: RequestRow): Promise<void> {
    await move(ports, id, { kind: 'gone' })
    // An approval may have won: then its files are being signed.
    if ((await findRequest(ports.db, id))?.stage === 'done') await ports.spool.remove(id)
    lookForNext(row)
  }

  function lookForNext(row: RequestRow): void {
    if (heldUpWork(row)) lookout.lookAgain(row.server)
  }

  /** A server that was lost comes back; what is signed goes to it without a click. */
  async function returnWhenDue(row: RequestRow): Promise<void> {
    const id = requestId.parse(row.id)
    const state = parseState(row.state)
    if (state.kind !== 'returning' || state.failure?.kind !== 'unavailable' || running.has(id)) return
    // To a server that does not know the token any more nothing is returned before a person renews it.
    if (tokenEnded(row, ports.now()) || ports.now().getTime() - Date.parse(row.updated_at) < returnAgainMs) return
    await moveAndGo(id, move(ports, id, { kind: 'return-again' }))
  }

  async function moveAndGo(id: RequestId, moved: ReturnType<typeof move>): Promise<Result<null, Failure>> {
    const result = await moved
    if (!result.ok) return result
    carryOut(id, result.value.effects)
    return ok(null)
  }

  const deciding = new Deciding()
  async function withKey(
    input: Pick<ApprovalInput, 'requestId' | 'pin' | 'furtherPins'>,
    open: (signal: AbortSignal) => Promise<Result<Approved, Failure>>,
  ): Promise<Result<null, Failure>> {
    const { requestId: id } = input
    const refuse = () => {
      wipePins(input)
      return err(notNow)
    }
    if (deciding.has(id) || stopping) return refuse()
    return deciding.alone(id, async (signal) => {
      // An interruption is on disk before the token's session is closed; that is waited for, and nothing else.
      if (running.has(id) && (await findRequest(ports.db, id))?.stage === 'interrupted') await running.get(id)?.done
      if (running.has(id)) return refuse()
      for (const serial of await keyTokensOf(ports, id)) await standing.giveWay(serial)
      const approved = await open(signal)
      if (!approved.ok) return approved
      runApproved(approved.value)
      return ok(null)
    })
  }

  /** A request says that it is being signed and nobody signs it: its end could not be recorded when it came. */
  async function takeUp(id: RequestId): Promise<void> {
    const row = await findRequest(ports.db, id)
    if (row?.stage !== 'signing' || running.has(id) || deciding.has(id) || stopping) return
    carryOut(id, await recoverRequest(ports, row))
  }

  const hand = createHandDesk(ports, {
    isBusy: (id) => running.has(id),
    begin: (id) => took({ kind: 'taken', requestId: id }),
    returnAgain: (id) => moveAndGo(id, move(ports, id, { kind: 'return-again' })),
  })

  return {
    standing,
    recover: async () => {
      await standing.recover()
      await ports.spool.sweep(async (id) => (await findRequest(ports.db, id)) !== null)
      await recoverRequests(ports, carryOut)
    },
    hand,
    lookForWork: (apiUrl) => lookout.look(apiUrl),
    show: (id, digest) => showSheet(ports, id, digest),
    recheck: async (id) => {
      const row = await findRequest(ports.db, id)
      if (row === null) return err(notFound)
      await running.get(id)?.done
      const moved = await moveAndGo(id, move(ports, id, { kind: 'prepare-again' }))
      if (moved.ok) await running.get(id)?.done
      return moved
    },
    approve: async (input) => {
      const approved = await withKey(input, (signal) => approve(ports, input, signal))
      const row = approved.ok ? null : await findRequest(ports.db, input.requestId)
      // The server's last word was that it does not want this any more.
      if (row !== null && row.outcome === 'aborted-by-server') await letGo(input.requestId, row)
      return approved
    },
    resume: (input) => withKey(input, (signal) => reopen(ports, input, signal)),
    serve: async (input) => {
      const id = input.requestId
      const refused = deciding.has(id) || running.has(id) || stopping
      const served = refused ? err(notNow) : await deciding.alone(id, () => approveGeneration(ports, input))
      if (!served.ok) {
        wipePlace(input.place)
        return served
      }
      inBackground(id, 'sign', async () => carryOut(id, await serveGeneration(ports, served.value)))
      // Also where the station stops before it comes to that.
      void running.get(id)?.done.finally(() => wipePlace(input.place))
      return ok(null)
    },
    decline: async (id, reason) => {
      const row = await findRequest(ports.db, id)
      if (row === null) return err(notFound)
      // What is being signed or returned is not stopped by a word that comes too late.
      if (!declinable.has(row.stage)) return err(notNow)
      // An approval may have won while the row was read: its run is not stopped either.
      const run = running.get(id)
      if (run !== undefined && run.what !== 'prepare') return err(notNow)
      run?.abort.abort()
      await run?.done
      const declined = await decline(ports, id, reason)
      if (declined.ok) carryOut(id, [{ kind: 'return' }])
      return declined
    },
    cancel: async (id) => {
      const run = running.get(id)
      const row = await findRequest(ports.db, id)
      if (run === undefined || row?.stage !== 'signing') return err(notNow)
      run.abort.abort()
      return ok(null)
    },
    giveUp: async (id, reason) => {
      const row = await findRequest(ports.db, id)
      if (row === null) return err(notFound)
      const state = parseState(row.state)
      if (state.kind !== 'interrupted') return err(notNow)
      const sheet = await findSheet(ports.db, id, state.approval.sheetDigest)
      const tally = await tallyOf(ports.db, id, sheet === null ? 0 : filesOfSheet(sheet.sheet).length)
      return moveAndGo(id, move(ports, id, { kind: 'given-up', tally, reason }))
    },
    closeIncident: async (id, note) => {
      const row = await findRequest(ports.db, id)
      if (row === null) return err(notFound)
      const state = parseState(row.state)
      if (state.kind !== 'incident') return err(notNow)
      const sheet = await findSheet(ports.db, id, state.approval.sheetDigest)
      const closed =
        row.task_name === generationTask
          ? await closeGenerationIncident(ports, id, note)
          : await closeIncident(ports, id, note, sheet === null ? 0 : filesOfSheet(sheet.sheet).length)
      if (closed.ok) carryOut(id, [{ kind: 'return' }])
      return closed
    },
    returnAgain: (id) => moveAndGo(id, move(ports, id, { kind: 'return-again' })),
    renew: async (id) => {
      const row = await findRequest(ports.db, id)
      if (row === null) return err(notFound)
      // Done: nothing of it is at the server any more. At work, or asked twice: a second fetch would be the next loss.
      if (row.stage === 'done' || running.has(id) || deciding.has(id) || stopping) return err(notNow)
      const server = serverOf(ports, row)
      if (server === null) return err(notEnrolled)
      return deciding.alone(id, async () => {
        const renewed = await renew({ ...ports, server }, row, ports.settings().operatorName)
        if (!renewed.ok) return renewed
        const { held, next, instead } = renewed.value
        if (next !== null) await moveAndGo(id, move(ports, id, { kind: next }))
        else if (held) ports.publish('requests.changed', { requestId: id })
        else await letGo(id, row)
        took(instead)
        return held ? ok(null) : err(renewalRefused)
      })
    },
    takeExternal: async (of) => {
      if (stopping) return err(notNow)
      const taken = await takeExternalDebsign(ports, of)
      if (!taken.ok) return taken
      if (taken.value.fresh) took({ kind: 'taken', requestId: taken.value.id })
      return ok(taken.value.id)
    },
    watchHeld: async () => {
      lookout.lookIfOwed()
      for (const row of await unfinishedRequests(ports.db)) {
        if (row.stage === 'signing') await takeUp(requestId.parse(row.id))
        if (row.stage === 'returning') await returnWhenDue(row)
        if (row.stage !== 'review' && row.stage !== 'unprepared' && row.stage !== 'interrupted') continue
        // A dead token would say "gone" of a request that the server still waits for: a person renews it.
        if (tokenEnded(row, ports.now())) continue
        const id = requestId.parse(row.id)
        if (isExternalDebsign(row) && !seldom(row.id)) continue
        const still = await serverOf(ports, row)?.stillHeld(heldReference(row))
        if (still?.ok !== true || still.value !== 'gone' || running.has(id)) continue
        await letGo(id, row)
      }
    },
    keysMayBeBack: async () => {
      for (const row of await unfinishedRequests(ports.db)) {
        const id = requestId.parse(row.id)
        if (running.has(id) || deciding.has(id) || stopping) continue
        if (!(await keyIsAwaited(ports.db, row))) continue
        const usable = await allUsable(ports.keys, row)
        if (usable && !running.has(id)) await moveAndGo(id, move(ports, id, { kind: 'prepare-again' }))
      }
    },
    stop: async () => {
      stopping = true
      await Promise.all([hand.stop(), standing.stop()])
      const all = [...deciding.all(), ...running.values()]
      for (const { abort } of all) abort.abort()
      await Promise.all([lookout.stop(), ...all.map(({ done }) => done)])
    },
  }
}
