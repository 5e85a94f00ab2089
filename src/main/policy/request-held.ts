import type { Check } from '../../shared/check.ts'
import type { PolicyInput } from './policy-input.ts'

/** The server tells nobody when it aborts a running request: it has to be asked. */
export function checkRequestHeld({ held }: PolicyInput): Check {
  const base = { id: 'request-held', evidence: [] } as const
  switch (held.kind) {
    case 'held':
      return {
        ...base,
        outcome: 'passed',
        sentence: 'The server still waits for this station to answer the request.',
        evidence: [],
      }
    case 'gone':
      return {
        ...base,
        outcome: 'refused',
        sentence: 'The server has aborted the request or given it to another worker. Nobody waits for the signature.',
        evidence: [],
      }
    case 'by-hand':
      return {
        ...base,
        outcome: 'not-applicable',
        sentence: `No server waits for this: ${held.openedBy} opened the files at this station.`,
        evidence: [],
      }
    case 'not-answered':
      return {
        ...base,
        outcome: 'unknown',
        sentence: 'The server could not be asked whether it still wants this. Check again when it can be reached.',
        evidence: [{ subject: 'server', found: held.failure.message, outcome: 'unknown', source: 'server' }],
      }
  }
}
