import { err, ok } from '../../../shared/result.ts'
import { type Bindings, bind } from '../router.ts'

const absent = err({ kind: 'unavailable', code: 'absent', message: 'There is nothing here.' } as const)

/** Every channel bound: those that give nothing succeed, lists are empty, the rest is absent. */
export function allChannels(): Bindings {
  return {
    'station.status': bind('station.status', () => absent),
    'station.create': bind('station.create', () => ok(null)),
    'requests.list': bind('requests.list', () => ok({ rows: [], total: 0, nextCursor: null })),
    'requests.next': bind('requests.next', () => ok({ work: [], asOf: '2026-01-01T00:00:00.000Z' })),
    'requests.show': bind('requests.show', () => absent),
    'review.open': bind('review.open', () => ok(null)),
    'review.recheck': bind('review.recheck', () => absent),
    'review.approve': bind('review.approve', () => ok(null)),
    'review.decline': bind('review.decline', () => ok(null)),
    'signing.cancel': bind('signing.cancel', () => ok(null)),
    'signing.resume': bind('signing.resume', () => ok(null)),
    'signing.stop': bind('signing.stop', () => ok(null)),
    'incident.close': bind('incident.close', () => ok(null)),
    'incident.close-device': bind('incident.close-device', () => ok(null)),
    'return.retry': bind('return.retry', () => ok(null)),
    'request.renew': bind('request.renew', () => ok(null)),
    'outputs.save': bind('outputs.save', () => ok({ folder: '/', files: 0, proofs: 0 })),
    'duty.set': bind('duty.set', () => ok(null)),
    'tokens.list': bind('tokens.list', () => ok({ tokens: [], modules: [] })),
    'keys.list': bind('keys.list', () => ok([])),
    'keys.register': bind('keys.register', () => absent),
    'keys.create-software': bind('keys.create-software', () => absent),
    'keys.set-state': bind('keys.set-state', () => ok(null)),
    'audit.list': bind('audit.list', () => ok({ rows: [], total: 0, nextCursor: null, anchor: null })),
    'audit.show': bind('audit.show', () => absent),
    'audit.verify': bind('audit.verify', () => absent),
    'audit.verify-cancel': bind('audit.verify-cancel', () => ok(null)),
    'audit.export': bind('audit.export', () => absent),
    'audit.export-cancel': bind('audit.export-cancel', () => ok(null)),
    'audit.checkpoint': bind('audit.checkpoint', () => absent),
    'audit.last-checkpoint': bind('audit.last-checkpoint', () => ok(null)),
    'audit.add-cosignature': bind('audit.add-cosignature', () => ok(null)),
    'audit.open': bind('audit.open', () => absent),
    'audit.opened': bind('audit.opened', () => ok(null)),
    'audit.close-opened': bind('audit.close-opened', () => ok(null)),
    'audit.found': bind('audit.found', () => ok([])),
    'audit.compare': bind('audit.compare', () => absent),
    'audit.close-contradiction': bind('audit.close-contradiction', () => ok(null)),
    'log.create-key': bind('log.create-key', () => ok(null)),
    'audit.check': bind('audit.check', () => ok({ kind: 'whole', entries: 0, head: null })),
    'settings.get': bind('settings.get', () => absent),
    'settings.set': bind('settings.set', () => ok(null)),
    'server.enrol': bind('server.enrol', () => ok(null)),
    'server.set-user-token': bind('server.set-user-token', () => ok(null)),
  }
}
