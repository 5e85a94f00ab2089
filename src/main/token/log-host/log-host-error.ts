import { type HostFailure, type HostFailureCode } from '../host-failure.ts'

/** A failure that a log process reports as data; thrown inside of it only, caught once in `serve.ts`. `detail` is made of constants. */
export class LogHostError extends Error {
  readonly failure: HostFailure

  constructor(code: HostFailureCode, detail: string) {
    super(`${code}: ${detail}`)
    this.failure = { code, detail: detail.slice(0, 1000) }
  }
}
