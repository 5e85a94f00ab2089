import type { Failure } from '../../shared/failure.ts'
import { err, ok } from '../../shared/result.ts'
import { answered, reading, type StationAccess } from './answers.ts'
import { bind } from './router.ts'

const noSuchEntry: Failure = {
  kind: 'invalid',
  code: 'no-such-entry',
  message: 'The log has no entry with this number.',
}

export function auditBindings(access: StationAccess) {
  return {
    'audit.list': bind('audit.list', ({ filter, cursor, skip, limit }) =>
      reading(access, async ({ audit }) => {
        const page = await audit.list(filter, cursor, limit, skip)
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
    ...notYet(),
  }
}

const nothing: Failure = { kind: 'unavailable', code: 'not-there-yet', message: 'The station cannot do this yet.' }

function notYet() {
  const refuse = () => answered<never>(err(nothing))
  return {
    'audit.verify': bind('audit.verify', refuse),
    'audit.verify-cancel': bind('audit.verify-cancel', refuse),
    'audit.export': bind('audit.export', refuse),
    'audit.export-cancel': bind('audit.export-cancel', refuse),
    'audit.checkpoint': bind('audit.checkpoint', refuse),
    'audit.last-checkpoint': bind('audit.last-checkpoint', refuse),
    'audit.add-cosignature': bind('audit.add-cosignature', refuse),
    'audit.open': bind('audit.open', refuse),
    'audit.opened': bind('audit.opened', () => ({ ok: true, value: null })),
    'audit.close-opened': bind('audit.close-opened', refuse),
    'audit.found': bind('audit.found', () => ({ ok: true, value: [] })),
    'audit.compare': bind('audit.compare', refuse),
    'log.create-key': bind('log.create-key', refuse),
  }
}
