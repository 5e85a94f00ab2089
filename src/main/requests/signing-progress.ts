import type { EventPayload } from '../../shared/events.ts'
import type { RequestId } from '../../shared/ids.ts'
import type { SigningSession } from '../token/token-service.ts'

/** How far the signing of one request is. The window hears of it, with what the token waits for. */
export interface SigningProgress {
  /** The token says what it waits for. */
  waitsFor(signal: 'touch' | 'login'): void
  /** Outcomes of so many files are on disk, besides those that were signed when it began. */
  signed(count: number): void
  /** The same session. An answer of its token is the end of what it waited for. */
  watched(session: SigningSession): SigningSession
}

export function createProgress(
  begun: { readonly requestId: RequestId; readonly signed: number; readonly total: number },
  say: (progress: EventPayload<'signing.progress'>) => void,
): SigningProgress {
  const { requestId, total } = begun
  let signed = begun.signed
  let phase: 'login' | 'touch' | 'signing' = 'signing'
  const publish = () => say({ requestId, signed, total, phase })
  return {
    waitsFor: (signal) => {
      phase = signal
      publish()
    },
    signed: (count) => {
      signed = begun.signed + count
      // Opened by now. A touch may be waited for already: the next file is at the token before the last one is on disk.
      if (phase === 'login') phase = 'signing'
      publish()
    },
    watched: (session) => ({
      sign: async (request) => {
        const outcome = await session.sign(request)
        phase = 'signing'
        return outcome
      },
      signMany: (requests, onOutcome) =>
        session.signMany(requests, (index, outcome) => {
          phase = 'signing'
          onOutcome?.(index, outcome)
        }),
      close: () => session.close(),
    }),
  }
}
