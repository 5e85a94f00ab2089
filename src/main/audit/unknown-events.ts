import type { ExpressionBuilder } from 'kysely'
import type { Database } from '../../../db/database.ts'
import { auditEvent } from '../../shared/audit.ts'

const known = [...auditEvent.options].sort()

/**
 * Entries of which the column says no event of this version: written by a newer one, or by somebody who wants them overlooked. In the
 * index of a foreign log these are all that cannot be read (log-review/process). As ranges between the known names, so that the
 * index of the column serves.
 */
export function ofNoKnownEvent(eb: ExpressionBuilder<Database, 'audit_entry'>) {
  const between = known.map((name, index) => {
    const next = known[index + 1]
    const after = eb('event', '>', name)
    return next === undefined ? after : eb.and([after, eb('event', '<', next)])
  })
  return eb.or([eb('event', '<', known[0] ?? ''), ...between])
}
