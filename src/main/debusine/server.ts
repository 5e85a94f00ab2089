import type { Failure } from '../../shared/failure.ts'
import type { ArtifactId, Fingerprint, Sha256Hex, WorkRequestId } from '../../shared/ids.ts'
import type { Result } from '../../shared/result.ts'
import type { PermissionAnswer } from '../../shared/review-sheet.ts'
import type { Secret } from '../../shared/secret.ts'

/** The two dialects that are spoken, told apart at run time by `GET whoami/` (docs/flows/server.md). */
export type Dialect = '0.11' | '0.16'

export type ServerFailureCode =
  | 'server-unreachable' // DNS, refused, reset, time-out: nothing was changed that we know of
  | 'server-untrusted' // TLS: wrong CA, name, expired
  | 'server-error' // 5xx and HTML from the reverse proxy
  | 'server-answer-invalid' // an answer that cannot be right: JSON, shape, size, name, redirect
  | 'not-authenticated' // token missing, unknown, disabled, expired
  | 'not-found'
  | 'rejected' // 400: the server says why
  | 'no-longer-ours' // the work request was aborted or given to another worker
  | 'digest-mismatch'
  | 'name-unsafe'
  | 'too-large'
  | 'disk-full'
  | 'cancelled'
export type ServerFailure = Failure<ServerFailureCode>

/** A work request as the station uses it; unknown fields of the server's object are dropped, `raw` keeps the text for the log. */
export interface WorkRequest {
  readonly id: WorkRequestId
  readonly taskType: string
  readonly taskName: string
  readonly taskData: unknown
  readonly dynamicTaskData: unknown
  readonly status: string
  readonly result: string
  readonly worker: number | null
  readonly createdBy: number
  readonly createdAt: string
  readonly priority: number
  readonly retryCount: number
  readonly workspace: string
  readonly scope: string | null
}

/** What has to be kept to go on with a fetched request after a restart; persisted before anything is shown. */
export interface HeldWork {
  readonly request: WorkRequest
  /** The work-request token of 0.16, good for 7 days; null on 0.11, where the worker's own token is used. */
  readonly token: string | null
  readonly fetchedAt: string
  readonly raw: string
}

/** Names the request on whose behalf a call is made: it decides token and scope header. */
export type HeldReference = {
  readonly workRequestId: WorkRequestId
  readonly token: string | null
  readonly scope: string | null
  readonly workspace: string
  /** `WorkRequest.worker` as fetched: on 0.11 the only way to see that the request was given to another worker. */
  readonly worker?: number | null
}

export interface ArtifactFile {
  /** As the server gave it: relative, no `..`, no control characters; never used as a path on this machine. */
  readonly path: string
  readonly size: number
  readonly sha256: Sha256Hex
  readonly url: string
}
export interface Artifact {
  readonly id: ArtifactId
  readonly workspace: string
  readonly category: string
  readonly data: unknown
  readonly files: readonly ArtifactFile[]
}

export type CompletionResult = 'success' | 'failure' | 'error'
export interface Completion {
  readonly result: CompletionResult
  readonly errors: readonly { readonly code: string; readonly message: string }[]
  readonly durationSeconds: number
}

export interface OutputFile {
  /** Path inside the artifact. */
  readonly path: string
  /** Where the bytes are on this machine. */
  readonly file: string
  readonly size: number
  readonly sha256: Sha256Hex
}

/** What a server knows of a signing key. */
export interface KeyOfAsset {
  readonly purpose: string
  readonly fingerprint: Fingerprint
  /** The bytes of the PEM certificate. */
  readonly publicKey: Uint8Array
  readonly description: string
}

/** Calls to one debusine server with this station's worker token. Every call is safe to repeat unless it says otherwise. */
export interface DebusineServer {
  readonly apiUrl: string
  dialect(): Promise<Result<Dialect, ServerFailure>>
  /** Tells the scheduler what can be served now; replaces what was told before. */
  offer(offer: Offer): Promise<Result<null, ServerFailure>>
  /**
   * Takes the assigned work request; null: nothing is assigned. NOT safe to repeat while a request is held: the server takes
   * a second fetch to mean that the first was lost, and aborts it (0.11) or kills its token (0.16).
   */
  fetchNext(): Promise<Result<HeldWork | null, ServerFailure>>
  /** Whether the request is still ours and running. */
  stillHeld(held: HeldReference): Promise<Result<'held' | 'gone', ServerFailure>>
  artifact(held: HeldReference, id: ArtifactId): Promise<Result<Artifact, ServerFailure>>
  /** Category of an artifact, also of one whose files are not all there yet: `artifact` refuses it. */
  categoryOf(held: HeldReference, id: ArtifactId): Promise<Result<string, ServerFailure>>
  /** Files that were declared for an artifact and are not there yet. */
  missingFiles(held: HeldReference, id: ArtifactId): Promise<Result<readonly string[], ServerFailure>>
  /** Streams one file to `destination` (a name of our own), resumes where it stopped, checks size and SHA-256, fsyncs. */
  download(
    held: HeldReference,
    file: ArtifactFile,
    destination: string,
    options: { readonly signal: AbortSignal },
  ): Promise<Result<null, ServerFailure>>
  signPermission(
    held: HeldReference,
    key: { readonly purpose: string; readonly fingerprint: string },
    artifact: ArtifactId,
  ): Promise<Result<PermissionAnswer, ServerFailure>>
  /** Safe to repeat: the same files give a new artifact with the same content; the caller persists the id it got. */
  createArtifact(
    held: HeldReference,
    artifact: { readonly category: string; readonly data: unknown; readonly files: readonly OutputFile[] },
  ): Promise<Result<{ readonly id: ArtifactId; readonly missing: readonly string[] }, ServerFailure>>
  upload(
    held: HeldReference,
    artifact: ArtifactId,
    file: OutputFile,
    options: { readonly signal: AbortSignal },
  ): Promise<Result<null, ServerFailure>>
  relate(
    held: HeldReference,
    relation: { readonly artifact: ArtifactId; readonly target: ArtifactId; readonly type: 'relates-to' | 'extends' },
  ): Promise<Result<null, ServerFailure>>
  /**
   * Makes the asset of a new key, as debusine's own worker does for a GenerateKey. Safe to repeat: the same key again is answered
   * with its asset.
   */
  createKeyAsset(held: HeldReference, key: KeyOfAsset): Promise<Result<{ readonly id: number }, ServerFailure>>
  /** A second completion is harmless: 0.11 ignores it; 0.16 too while the first is queued, then answers `no-longer-ours`. */
  complete(held: HeldReference, completion: Completion): Promise<Result<null, ServerFailure>>
  /** Ids of artifacts that this request has produced already, where the server says so: found again after a crash during upload. */
  producedArtifacts(held: HeldReference): Promise<Result<readonly ArtifactId[], ServerFailure>>
}

/** A key that could sign now, by the two words that name it at the server. */
export interface OfferedKey {
  readonly purpose: string
  readonly fingerprint: Fingerprint
}

/** What the station can do now; turned into metadata keys (0.11) or `provided_tags` (0.16). */
export interface Offer {
  /** Only purposes with a key that could sign now. Empty: nothing but presence is reported. */
  readonly signPurposes: readonly string[]
  readonly usableKeys: readonly OfferedKey[]
  /** Whether keys may be asked for. */
  readonly generatesKeys: boolean
  readonly version: string
}

export type BellState =
  | { readonly kind: 'closed' }
  | { readonly kind: 'connecting'; readonly failure: ServerFailure | null }
  | { readonly kind: 'rejected'; readonly reason: string }
  | { readonly kind: 'connected' }

/** The WebSocket: only a bell. It never carries facts; `onRing` means "look again". Reconnects by itself until closed. */
export interface Bell {
  readonly state: BellState
  /** A live-log line (0.16 only; dropped on 0.11 and while closed). */
  say(workRequestId: WorkRequestId, line: string): void
  sayEnd(workRequestId: WorkRequestId, exitCode: number): void
  close(): Promise<void>
}
export interface BellListener {
  readonly onState: (state: BellState) => void
  readonly onRing: () => void
  readonly onMetadataWanted: () => void
}

/** Work that waits, as a user's API token sees it (way A of docs/flows/server.md). */
export interface PendingWorkList {
  pending(userToken: Secret, scope: string | null): Promise<Result<readonly WorkRequest[], ServerFailure>>
}
