import type { Failure } from '../../../shared/failure.ts'
import { err, type Result } from '../../../shared/result.ts'
import type { ConfirmOutcome, WaitingList } from '../../../shared/waiting.ts'
import { answerConfirm, type ConfirmInput, type ConfirmPorts, settleConfirmations } from './confirm-task.ts'
import { createWaitingMemory, listWaitingTasks } from './waiting-list.ts'

export interface WaitingDeskPorts extends ConfirmPorts {
  /** Whether anything may be written: the log is whole. */
  readonly mayWrite: () => boolean
}

/** What waits at the server for the person at the desk, seen and answered with their API token. One thing at a time. */
export interface WaitingDesk {
  list(): Promise<Result<WaitingList, Failure>>
  answer(input: ConfirmInput): Promise<Result<ConfirmOutcome, Failure>>
  /** Looks up answers of which it is not known whether they arrived: after a start. Never fails. */
  settle(): Promise<void>
  /** Takes nothing more, and waits for what is under way. */
  stop(): Promise<void>
}

export function createWaitingDesk(given: WaitingDeskPorts): WaitingDesk {
  const closing = new AbortController()
  const ports: WaitingDeskPorts = { ...given, signal: closing.signal }
  const memory = createWaitingMemory()
  let last: Promise<unknown> = Promise.resolve()
  let stopped = false

  /** A second click finds the first at work, and waits: then the task has ended, or its answer is looked up. */
  function inTurn<T>(work: () => Promise<Result<T, Failure>>): Promise<Result<T, Failure>> {
    const turn = last.then(() => (stopped ? err(stopping) : work()))
    last = turn.catch(() => null)
    return turn
  }

  async function settleOpen(): Promise<void> {
    if (!ports.mayWrite()) return
    const settled = await settleConfirmations(ports)
    // It stays open, is shown as such, and is looked up with the next list.
    if (!settled.ok) ports.log('waiting.not-settled', { code: settled.error.code, detail: settled.error.detail })
  }

  return {
    list: () =>
      inTurn(async () => {
        await settleOpen()
        return listWaitingTasks(ports, memory)
      }),
    answer: (input) => inTurn(() => answerConfirm(ports, input)),
    settle: () =>
      inTurn(async () => {
        await settleOpen()
        return { ok: true, value: null }
      }).then(
        () => {},
        (error: unknown) => ports.log('waiting.defect', { error }),
      ),
    stop: async () => {
      stopped = true
      closing.abort()
      await last
    },
  }
}

const stopping: Failure = {
  kind: 'unavailable',
  code: 'station-stopping',
  message: 'The station is being closed. Nothing was asked of the server.',
}
