import type { RouteName } from './route-names.ts'

/** Things a careful worker does not do. A test asserts that the list is empty, or that it holds exactly what the test provoked. */
export type ViolationCode =
  | 'token-sent-twice' // makes 0.11.3 hang for ever
  | 'fetch-while-holding' // destructive: the server takes the first as lost
  | 'fetch-with-wrong-verb'
  | 'slash-missing' // a POST or PUT would lose its body on the way
  | 'scope-header-missing' // 0.16: works in the default scope only
  | 'worker-token-after-fetch' // 0.16: the work-request token is the one that counts
  | 'foreign-work-request'
  | 'second-connection'
  | 'log-message-malformed'
  | 'skipped-lets-the-workflow-go-on'
  | 'success-without-permission-check'
  | 'success-in-spite-of-refused-permission'
  | 'output-missing'
  | 'output-incomplete'
  | 'output-not-related'
  | 'output-does-not-fit-input'
  | 'offer-not-understood' // passed over by the server: the worker gets no work and does not know why
  | 'outside-the-sandbox' // a call that a real server serves and this one does not

export interface Violation {
  readonly code: ViolationCode
  readonly text: string
}

export interface RecordedCall {
  readonly at: string
  readonly route: RouteName | 'unknown'
  readonly method: string
  readonly path: string
  readonly token: 'none' | 'unknown' | 'user' | 'worker' | 'activation' | 'work-request'
  readonly scope: string | null
  readonly range: string | null
  readonly json: unknown
  readonly bodyBytes: number
  /** What was answered; null: the connection was dropped first. */
  readonly status: number | null
}

export interface LogLine {
  readonly workRequestId: number
  readonly kind: 'log_data' | 'log_data_end'
  readonly data: string
}

export interface Completion {
  readonly workRequestId: number
  readonly result: string
  readonly outputData: unknown
}

export interface PermissionCheck {
  readonly workRequestId: number
  readonly artifactId: number
  readonly key: string
  readonly hasPermission: boolean
}

/** Everything the server received, in order. */
export interface ServerRecord {
  readonly calls: RecordedCall[]
  readonly violations: Violation[]
  readonly logLines: LogLine[]
  readonly completions: Completion[]
  readonly permissionChecks: PermissionCheck[]
  readonly metadata: { readonly worker: string; readonly value: unknown }[]
  readonly registrations: { readonly fqdn: string; readonly worker: string }[]
  readonly webSocketsOpened: { readonly worker: string | null }[]
}

export function createRecord(): ServerRecord {
  return {
    calls: [],
    violations: [],
    logLines: [],
    completions: [],
    permissionChecks: [],
    metadata: [],
    registrations: [],
    webSocketsOpened: [],
  }
}
