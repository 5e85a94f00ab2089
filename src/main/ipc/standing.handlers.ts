import { ok } from '../../shared/result.ts'
import { Secret } from '../../shared/secret.ts'
import { changing, reading, type StationAccess } from './answers.ts'
import { bind } from './router.ts'

export function standingBindings(access: StationAccess) {
  return {
    'standing.list': bind('standing.list', () => reading(access, async ({ desk }) => ok([...desk.standing.list()]))),
    'standing.grant': bind('standing.grant', ({ pin, ...input }) =>
      changing(access, ({ desk }) => desk.standing.grant({ ...input, pin: Secret.fromText(pin) })),
    ),
    // Also while the log is not trusted: what ends the use of a key is never refused.
    'standing.withdraw': bind('standing.withdraw', ({ id }) =>
      reading(access, ({ desk }) => desk.standing.withdraw(id)),
    ),
  }
}
