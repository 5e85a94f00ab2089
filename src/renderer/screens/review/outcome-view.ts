import type { FileOutcome } from '../../../shared/request.ts'
import type { Tone } from '../../design/Badge.tsx'

export type OutcomeView = {
  readonly text: string
  readonly tone: Tone
  readonly detail: string | null
  readonly outputSha256: string | null
}

/** What became of one file. Waiting says nothing: the badge would stand on every row. */
export function outcomeView(outcome: FileOutcome): OutcomeView | null {
  switch (outcome.kind) {
    case 'waiting':
      return null
    case 'begun':
      return { text: 'Begun', tone: 'accent', detail: null, outputSha256: null }
    case 'signed':
      return { text: 'Signed', tone: 'passed', detail: null, outputSha256: outcome.outputSha256 }
    case 'failed':
      return { text: 'Not signed', tone: 'refused', detail: outcome.failure.message, outputSha256: null }
    case 'unknown':
      return {
        text: 'In doubt',
        tone: 'refused',
        detail: 'The token was asked and its answer never arrived.',
        outputSha256: null,
      }
  }
}
