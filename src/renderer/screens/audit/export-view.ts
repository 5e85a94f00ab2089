import type { AuditFilter } from '../../../shared/audit.ts'
import type { Input } from '../../../shared/contract.ts'
import type { Fingerprint } from '../../../shared/ids.ts'
import { filterWords } from './log-filter.ts'

export type ExportSelection = Input<'audit.export'>

export const wholeSelection: ExportSelection = { since: null, until: null, fingerprint: null, requestId: null }

export type ExportChoice = {
  /** Null: nothing of the filter is something that an export can be narrowed by. */
  readonly selection: ExportSelection | null
  readonly words: string
}

/**
 * What of the list's filter an export can hold: a time, a key, a request. The rest of the log is in it as hashes that show it to be
 * only left out; events, names and digests do not narrow an export, and that is said.
 */
export function exportChoice(filter: AuditFilter): ExportChoice {
  const { since, until, requestId, fingerprint, ...others } = filter
  const whole = fingerprint !== undefined && /^(?:[0-9A-F]{40}|[0-9A-F]{64})$/.test(fingerprint) ? fingerprint : null
  const part: AuditFilter = {
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(whole === null ? {} : { fingerprint: whole }),
  }
  if (Object.keys(part).length === 0)
    return {
      selection: null,
      words:
        'Set a time, a key or a request as the filter of the list first. What is left out is shown to be only left out.',
    }
  const ignored = Object.keys(others).length > 0 || (fingerprint !== undefined && whole === null)
  return {
    selection: {
      since: since ?? null,
      until: until ?? null,
      fingerprint: whole as Fingerprint | null,
      requestId: requestId ?? null,
    },
    words: `Entries ${filterWords(part)}. The others are shown to be only left out.${
      ignored ? ' The rest of the filter does not narrow an export.' : ''
    }`,
  }
}
