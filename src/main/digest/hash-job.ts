import type { HashRange } from './hash-ranges.ts'

/** main → hash worker. One job at a time for each worker. */
export interface HashJob extends HashPart {
  readonly path: string
  /** The size that the file must have. */
  readonly size: number
}

/** What one digest covers. */
export interface HashPart {
  readonly ranges: readonly HashRange[]
  /** Zero bytes hashed behind the last range. */
  readonly zeros: number
}

/** `changed`: the file has another size, or ended early. `unreadable`: it could not be opened or read. */
export type HashAnswer =
  | { readonly kind: 'digest'; readonly sha256: string }
  | { readonly kind: 'changed' }
  | { readonly kind: 'unreadable'; readonly detail: string }
