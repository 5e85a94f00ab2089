import { randomBytes } from 'node:crypto'
import type { Artifact, Asset, Dialect, Relation, TokenHolder, User, Worker, WorkRequest } from './model.ts'
import { createRecord, type ServerRecord, type ViolationCode } from './record.ts'
import type { ServerClock } from './server-clock.ts'

export const defaultScope = 'debusine'

export interface NextIds {
  workRequest: number
  artifact: number
  relation: number
  asset: number
  worker: number
}

/** All that the server knows; it survives a stop and a start of the listener. */
export interface ServerState {
  readonly dialect: Dialect
  readonly clock: ServerClock
  readonly record: ServerRecord
  readonly users: { readonly operator: User; readonly submitter: User; readonly intruder: User }
  readonly tokens: Map<string, TokenHolder>
  /** Every token ever registered: sending one of them again is what hangs 0.11.3. */
  readonly everRegistered: Set<string>
  readonly workers: Map<number, Worker>
  readonly scopes: Map<string, Set<string>>
  readonly workRequests: Map<number, WorkRequest>
  readonly artifacts: Map<number, Artifact>
  readonly relations: Relation[]
  readonly assets: Map<number, Asset>
  readonly next: NextIds
  /** `https://localhost:PORT`; URLs in answers are built from it. */
  origin: string
  /** Set by the bell: a request was assigned to this worker. */
  onAssigned: (worker: Worker) => void
  /** Set by the bell: this worker's token is no longer good. */
  onDisabled: (worker: Worker) => void
}

export function newToken(): string {
  return randomBytes(32).toString('hex')
}

export function createState(options: {
  readonly dialect: Dialect
  readonly clock: ServerClock
  readonly firstIds?: Partial<NextIds>
}): ServerState {
  const user = (id: number, name: string, owner: boolean): User => ({ id, name, owner, token: newToken() })
  const users = {
    operator: user(2, 'operator', true),
    submitter: user(3, 'submitter', false),
    intruder: user(4, 'intruder', false),
  }
  return {
    dialect: options.dialect,
    clock: options.clock,
    record: createRecord(),
    users,
    tokens: new Map(Object.values(users).map((user) => [user.token, { kind: 'user', user }])),
    everRegistered: new Set(),
    workers: new Map(),
    scopes: new Map([[defaultScope, new Set(['System', 'signing'])]]),
    workRequests: new Map(),
    artifacts: new Map(),
    relations: [],
    assets: new Map(),
    next: { workRequest: 1, artifact: 1, relation: 1, asset: 1, worker: 1, ...options.firstIds },
    origin: '',
    onAssigned: () => {},
    onDisabled: () => {},
  }
}

export function violation(state: ServerState, code: ViolationCode, text: string): void {
  state.record.violations.push({ code, text })
}

export function takeId(state: ServerState, of: keyof NextIds): number {
  const id = state.next[of]
  state.next[of] += 1
  return id
}

/** The request that a worker holds (running) or was given and did not fetch yet (pending); at most one. */
export function heldBy(state: ServerState, worker: Worker): WorkRequest | null {
  for (const request of state.workRequests.values()) {
    const open = request.status === 'pending' || request.status === 'running'
    if (open && request.worker === worker.id) return request
  }
  return null
}

/** Ids of the artifacts that a request works on, as resolved when a worker was assigned; empty before that. */
export function inputIds(request: WorkRequest): readonly number[] {
  const data = request.dynamicTaskData
  if (data === null) return []
  const many = data['unsigned_ids']
  const one = data['unsigned_id']
  return Array.isArray(many) ? (many as readonly number[]) : typeof one === 'number' ? [one] : []
}
