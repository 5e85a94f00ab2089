import type { Failure } from '../../../shared/failure.ts'
import { err, type Result } from '../../../shared/result.ts'
import { Secret } from '../../../shared/secret.ts'
import type { Settings } from '../../../shared/settings.ts'
import type { Clock } from '../../debusine/clock.ts'
import { readPrivate } from '../../debusine/token-file.ts'
import { createUserServer, type UserServer } from '../../debusine/user-server.ts'
import type { Log } from '../../log/logger.ts'

export interface UserSessionPorts {
  readonly settings: () => Settings
  /** File with a user's API token, mode 0600. */
  readonly userTokenFile: string
  /** Ends every call: the station is being closed. */
  readonly signal?: AbortSignal
  /** Left out: the system's. */
  readonly clock?: Clock
  readonly log: Log
}

/**
 * Does something in the name of the user whose API token is set, at the server of the settings. The token is in memory while it lasts, and
 * goes to no other server than the one for which it was entered: `apiUrl`, where it is given, must still be the one of the settings.
 */
export async function asUser<T>(
  ports: UserSessionPorts,
  apiUrl: string | null,
  work: (
    server: UserServer,
    at: { readonly apiUrl: string; readonly scope: string | null },
  ) => Promise<Result<T, Failure>>,
): Promise<Result<T, Failure>> {
  const { server } = ports.settings()
  if (server.apiUrl === null) return err(noServer)
  if (apiUrl !== null && apiUrl !== server.apiUrl) return err(otherServer)
  const token = await readPrivate(ports.userTokenFile)
  if (!token.ok) return token
  if (token.value === null) return err(noUserToken)
  const secret = Secret.fromText(token.value)
  const user = createUserServer({
    apiUrl: server.apiUrl,
    caPem: server.caPem,
    log: ports.log,
    ...(ports.clock === undefined ? {} : { clock: ports.clock }),
    ...(ports.signal === undefined ? {} : { signal: ports.signal }),
    authority: { token: secret, scope: server.scope },
  })
  try {
    return await work(user, { apiUrl: server.apiUrl, scope: server.scope })
  } finally {
    secret.wipe()
    user.close()
  }
}

const noServer: Failure = {
  kind: 'refused',
  code: 'server-not-set',
  message: 'No server is set. Enter its address in the settings.',
}
const otherServer: Failure = {
  kind: 'refused',
  code: 'other-server',
  message:
    'This belongs to another server than the one in the settings. What was decided and signed is kept; set that server again to go on.',
}
export const noUserToken: Failure = {
  kind: 'refused',
  code: 'user-token-absent',
  message: 'What waits for you at the server is seen with your own API token. Enter it in the settings.',
}
