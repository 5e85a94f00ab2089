import type { Failure } from '../../shared/failure.ts'
import type { InputFacts } from '../../shared/input-facts.ts'
import type { Result } from '../../shared/result.ts'
import type { InspectedAs } from './protocol.ts'

export type InspectionFailureCode =
  | 'inspection-timeout'
  | 'inspection-crashed'
  | 'inspection-memory'
  | 'inspection-cancelled'
  | 'file-unreadable'

/** Parses one file in a process of its own that holds no key, no socket and no path but the file's descriptor. */
export interface Inspector {
  inspect(
    file: {
      readonly path: string
      readonly name: string
      /** As what it is looked at; an image where nothing is said. */
      readonly as?: InspectedAs
      /** A file to compare it with, read as the same. */
      readonly before?: string
    },
    signal: AbortSignal,
  ): Promise<Result<InputFacts, Failure<InspectionFailureCode>>>
}
