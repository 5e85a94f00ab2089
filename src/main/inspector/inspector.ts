import type { Failure } from '../../shared/failure.ts'
import type { InputFacts } from '../../shared/input-facts.ts'
import type { Result } from '../../shared/result.ts'

export type InspectionFailureCode =
  | 'inspection-timeout'
  | 'inspection-crashed'
  | 'inspection-memory'
  | 'inspection-cancelled'
  | 'file-unreadable'

/** What a file is looked at as. `image` is the default; a text that is to be clear-signed is a text whatever it begins like. */
export type InspectedAs = 'image' | 'text'

/** Parses one file in a process of its own that holds no key, no socket and no path but the file's descriptor. */
export interface Inspector {
  inspect(
    file: { readonly path: string; readonly name: string; readonly as?: InspectedAs },
    signal: AbortSignal,
  ): Promise<Result<InputFacts, Failure<InspectionFailureCode>>>
}
