import type { Failure } from '../../shared/failure.ts'
import { err, type Result } from '../../shared/result.ts'
import { Secret } from '../../shared/secret.ts'
import type { TokenId } from '../../shared/token.ts'
import type { SigningSession, TokenFailure } from '../token/token-service.ts'

/** The log of the device on which one run signs. */
export interface RunLog {
  /**
   * Before the first signature, and before each batch of `signatures`: takes the log out of the device, where it might not have room for
   * them. An error means that nothing more may be signed; what is merely worth knowing is none.
   */
  makeRoom(signatures: number): Promise<Result<null, TokenFailure>>
  /** After the last outcome is on disk: takes it out once more, and forgets the PIN. Never fails. */
  end(): Promise<void>
}

export interface RunLogs {
  /** Takes the PIN over: it is wiped when the log was logged in to, or at the end. Null, at once: the token keeps no log. */
  begin(token: TokenId, pin: Secret): RunLog | null
}

/** A copy for the log's own session, made before the token takes the PIN and wipes it. */
export function copyOf(pin: Secret): Secret {
  return new Secret(Uint8Array.from(pin.reveal()))
}

/** yubihsm_pkcs11 has no better word for it (CKR_DEVICE_MEMORY), whichever command was refused. */
export function saysThatLogIsFull(failure: Failure): boolean {
  return failure.detail?.startsWith('CKR_DEVICE_MEMORY') === true
}

/** The session of a run whose device's log is taken out in between; what was logged last is taken out when all sessions are closed. */
export function drainedSession(session: SigningSession, runLog: RunLog): SigningSession {
  return {
    sign: async (request) => {
      const room = await runLog.makeRoom(1)
      return room.ok ? session.sign(request) : room
    },
    signMany: async (requests, onOutcome) => {
      const room = await runLog.makeRoom(requests.length)
      return room.ok ? session.signMany(requests, onOutcome) : [err(room.error)]
    },
    close: () => session.close(),
  }
}
