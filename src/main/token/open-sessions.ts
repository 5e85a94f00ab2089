import { err, ok, type Result } from '../../shared/result.ts'
import { Secret } from '../../shared/secret.ts'
import type { KeyReference, OpenFailure, SigningSession, TokenPin, TokenService } from './token-service.ts'

/** Opens the keys one after another. All or none: what was opened before one that fails is closed. */
export async function openSessions(
  openSession: TokenService['openSession'],
  keys: readonly KeyReference[],
  pins: readonly TokenPin[],
  options: Parameters<TokenService['openSessions']>[2],
): Promise<Result<readonly SigningSession[], OpenFailure>> {
  const opened: SigningSession[] = []
  let failure: OpenFailure | null = null
  try {
    for (const [position, key] of keys.entries()) {
      const typed = pinFor(key, pins)
      const session = await openSession(key, typed === null ? null : copyOf(typed.pin), {
        ...options,
        useLastTry: typed?.useLastTry ?? false,
      })
      if (!session.ok) {
        failure = { ...session.error, position }
        break
      }
      opened.push(session.value)
    }
  } finally {
    for (const { pin } of pins) pin.wipe()
  }
  if (failure === null) return ok(opened)
  await Promise.all(opened.map((session) => session.close()))
  return err(failure)
}

function pinFor({ home }: KeyReference, pins: readonly TokenPin[]): TokenPin | null {
  if (home.kind === 'software') return null
  const { manufacturer, model, serial } = home.token
  return (
    pins.find(({ token }) => token.serial === serial && token.model === model && token.manufacturer === manufacturer) ??
    null
  )
}

function copyOf(pin: Secret): Secret {
  return new Secret(Uint8Array.from(pin.reveal()))
}
