import type { Content } from './content.ts'

/** The two dialects a debusine server may speak; each is the behaviour of one packaged version (0.11.3, 0.16.2). */
export type Dialect = '0.11' | '0.16'

export interface User {
  readonly id: number
  readonly name: string
  readonly token: string
  /** Owner of the workspaces: may abort, retry and make assets. */
  readonly owner: boolean
}

export interface Worker {
  readonly id: number
  readonly name: string
  /** Empty while an administrator made the worker and its activation token was not used yet. */
  token: string
  enabled: boolean
  dynamicMetadata: Readonly<Record<string, unknown>>
  /** Whether it ever told any; a worker that did not is not looked at. */
  toldMetadata: boolean
  /** What an administrator set: wins over what the worker says. */
  staticMetadata: Readonly<Record<string, unknown>>
  /** As the server believes: with two connections, the first one that closes makes the worker count as disconnected. */
  connected: boolean
}

export type TokenHolder =
  | { readonly kind: 'user'; readonly user: User }
  | { readonly kind: 'worker'; readonly worker: Worker }
  | { readonly kind: 'activation'; readonly worker: Worker; used: boolean }
  | { readonly kind: 'work-request'; readonly workRequest: WorkRequest }

export type WorkRequestStatus = 'blocked' | 'pending' | 'running' | 'completed' | 'aborted'

export interface WorkRequest {
  readonly id: number
  readonly taskType: string
  readonly taskName: string
  readonly taskData: Readonly<Record<string, unknown>>
  dynamicTaskData: Readonly<Record<string, unknown>> | null
  status: WorkRequestStatus
  result: string
  worker: number | null
  readonly createdBy: User
  readonly createdAt: string
  startedAt: string | null
  completedAt: string | null
  abortedBy: number | null
  /** Who answered it, of a task that waits for a person. */
  completedBy: number | null
  /** The root of its workflow. Null: none, or it is the root. */
  readonly workflow: number | null
  readonly eventReactions: Readonly<Record<string, unknown>>
  /** Made behind the scheduler's back, which therefore has no tags for it. */
  readonly unscheduled: boolean
  priorityBase: number
  priorityAdjustment: number
  workflowData: Readonly<Record<string, unknown>>
  readonly artifacts: number[]
  readonly scope: string
  readonly workspace: string
  /** The work-request token of 0.16 that is good now; null: none yet, or dead. */
  token: string | null
  outputData: unknown
}

/** What one download delivers, and what the server says about it. The two may differ: that is what hostile servers do. */
export interface FileVersion {
  readonly content: Content
  readonly size: number
  readonly sha256: string
}

export interface StoredFile {
  readonly path: string
  /** The first is delivered first; with more than one, each later download gets the next one, and the last one repeats. */
  readonly versions: readonly FileVersion[]
  /** `first`: the declaration never changes; `current`: it follows what the next download delivers. */
  readonly declares: 'first' | 'current'
  downloads: number
  readonly contentType: string | null
  /** Replaces the URL that the server names, e.g. by one of another origin. */
  readonly claimedUrl: string | null
}

/** A file that a client announced and has to send. */
export interface Upload {
  readonly path: string
  readonly size: number
  readonly sha256: string
  readonly contentType: string | null
  received: Buffer
}

export interface Artifact {
  readonly id: number
  readonly scope: string
  readonly workspace: string
  readonly category: string
  readonly data: unknown
  readonly createdAt: string
  readonly expireAt: string | null
  /** In the order of creation; a file moves from `uploads` to `files` when its bytes are complete. */
  readonly paths: readonly string[]
  readonly files: Map<string, StoredFile>
  readonly uploads: Map<string, Upload>
  workRequest: number | null
}

export interface Relation {
  readonly id: number
  readonly artifact: number
  readonly target: number
  readonly type: string
}

export interface Asset {
  readonly id: number
  readonly createdAt: string
  readonly category: string
  readonly scope: string
  readonly workspace: string
  readonly data: { readonly purpose: string; readonly fingerprint: string; readonly [key: string]: unknown }
  readonly workRequest: number | null
  /** Users who have the role `signer` for it in its workspace. */
  readonly signers: ReadonlySet<string>
}
