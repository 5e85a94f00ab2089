import type { Failure } from '../../shared/failure.ts'
import type { Result } from '../../shared/result.ts'

/** Carries a failure through the query cache, which knows only exceptions. */
export class StationFailure extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.message)
    this.name = 'StationFailure'
    this.failure = failure
  }
}

/** The value of a successful answer; throws `StationFailure` for any other. */
export function valueOf<T>(answer: Result<T, Failure>): T {
  if (answer.ok) return answer.value
  throw new StationFailure(answer.error)
}

/** What to show for anything that was thrown: an expected failure as it is, everything else as a defect of the program. */
export function failureFrom(cause: unknown): Failure {
  if (cause instanceof StationFailure) return cause.failure
  return {
    kind: 'defect',
    code: 'window-call-failed',
    message:
      'The window could not reach the station’s main process, or got an answer that it does not understand. Nothing was approved. Close the window and start the station again; the audit log shows what was done.',
    detail: cause instanceof Error ? cause.message : String(cause),
  }
}
