import type { Failure } from '../../shared/failure.ts'
import type { Fingerprint } from '../../shared/ids.ts'
import type { RegisteredKey } from '../../shared/key.ts'
import type { PermissionAnswer, SheetArtifact, SheetFile, SigningTask } from '../../shared/review-sheet.ts'

/** Revocation level as firmware holds it: images with a lower generation of a component do not boot (shim SBAT.md). */
export interface SbatLevel {
  readonly date: string
  readonly minimumGenerations: Readonly<Record<string, number>>
}

/** What the checks rest on for one more key that signs the same file. */
export interface FurtherKeyInput {
  readonly fingerprint: Fingerprint
  readonly key: RegisteredKey | null
  readonly registeredFor: readonly string[]
  readonly token: { readonly kind: 'usable' } | { readonly kind: 'unusable'; readonly failure: Failure }
  readonly permission: PermissionAnswer
  readonly signedBefore: SheetFile['signedBefore']
}

/** Everything that the checks rest on, gathered beforehand: the checks themselves ask nobody. */
export interface PolicyInput {
  readonly now: Date
  readonly purpose: string
  /** `sign` where nothing is said. */
  readonly task?: SigningTask
  readonly fingerprint: Fingerprint
  readonly held:
    | { readonly kind: 'held' }
    | { readonly kind: 'gone' }
    /** Nobody waits at a server: the files were opened at this station. */
    | { readonly kind: 'by-hand'; readonly openedBy: string }
    | { readonly kind: 'not-answered'; readonly failure: Failure }
  readonly artifacts: readonly SheetArtifact[]
  /** Each file of the spool hashed anew, by ordinal. */
  readonly spool: ReadonlyMap<number, 'same' | 'changed' | 'unreadable'>
  readonly key: RegisteredKey | null
  /** Purposes for which a key with this fingerprint is registered, where the asked one is not among them. */
  readonly registeredFor: readonly string[]
  readonly token: { readonly kind: 'usable' } | { readonly kind: 'unusable'; readonly failure: Failure }
  /** Keys after the first, of an index that several keys sign. */
  readonly further?: readonly FurtherKeyInput[]
  readonly trustedList: readonly string[]
  readonly sbatLevel: SbatLevel
}
