import type { Failure } from '../../shared/failure.ts'
import { err, ok } from '../../shared/result.ts'
import { reading, type StationAccess } from './answers.ts'
import { bind } from './router.ts'

const noSuchEntry: Failure = {
  kind: 'invalid',
  code: 'no-such-entry',
  message: 'The log has no entry with this number.',
}

export function auditBindings(access: StationAccess) {
  return {
    'audit.list': bind('audit.list', ({ filter, cursor, limit }) =>
      reading(access, async ({ audit }) => {
        const page = await audit.list(filter, cursor, limit)
        return ok({ ...page, rows: [...page.rows] })
      }),
    ),
    'audit.show': bind('audit.show', ({ seq }) =>
      reading(access, async ({ audit }) => {
        const entry = await audit.show(seq)
        return entry === null ? err(noSuchEntry) : ok(entry)
      }),
    ),
    'audit.check': bind('audit.check', () => reading(access, async (station) => ok(await station.checkLog()))),
  }
}
