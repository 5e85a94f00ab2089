import type { DoctorFinding } from '../../shared/doctor.ts'
import { type Machine, readText } from './machine.ts'
import { cannotTell, finding, ok } from './verdict.ts'

/** The login session as logind keeps it. */
export type Session = {
  readonly active: boolean
  readonly remote: boolean
  readonly seat: string | null
}

/** Lines `NAME=value`, as in /run/systemd/sessions/N and /run/systemd/users/UID. */
function fields(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(line) ?? []
      return name === undefined || value === undefined ? [] : [[name, value] as const]
    }),
  )
}

/** The session that this program belongs to; null where logind does not say. Over ssh without logind, the environment tells. */
export async function readSession(machine: Machine): Promise<Session | null> {
  const byEnvironment = machine.environment['SSH_CONNECTION'] !== undefined
  const cgroup = (await readText(machine, '/proc/self/cgroup')) ?? ''
  const [, own] = /\/session-([A-Za-z0-9]+)\.scope/.exec(cgroup) ?? []
  // What a desktop starts belongs to the user's manager and to no session; polkit then takes the user's display session, too.
  const user = fields((await readText(machine, `/run/systemd/users/${machine.uid}`)) ?? '')
  const id = own ?? user.get('DISPLAY') ?? ''
  const text = /^[A-Za-z0-9]+$/.test(id) ? await readText(machine, `/run/systemd/sessions/${id}`) : null
  if (text === null) return byEnvironment ? { active: false, remote: true, seat: null } : null
  const session = fields(text)
  const seat = session.get('SEAT') ?? ''
  return {
    active: session.get('ACTIVE') === '1' || session.get('STATE') === 'active',
    remote: session.get('REMOTE') === '1' || byEnvironment,
    seat: seat === '' ? null : seat,
  }
}

/** Never a problem by itself: what it forbids is told where it is forbidden. */
export function sessionFinding(session: Session | null): DoctorFinding {
  if (session === null)
    return finding(
      'session',
      null,
      cannotTell('No login session is known (there is no logind here, or this was started as a service).'),
    )
  if (session.remote)
    return finding(
      'session',
      null,
      ok('You are logged in over the network. Rights that belong to the one who sits at the machine are not yours.'),
    )
  if (session.seat === null || !session.active)
    return finding(
      'session',
      null,
      ok(
        'Your session has no seat, or is not the one in front. Rights that belong to the one who sits at the machine are not yours.',
      ),
    )
  return finding('session', null, ok(`Your session is the one in front, at ${session.seat}.`))
}
