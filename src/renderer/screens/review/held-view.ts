import type { RequestDetail } from '../../../shared/request.ts'
import type { Tone } from '../../design/Badge.tsx'
import { count, relative, utc } from '../../parts/format.ts'

export type HeldView = {
  readonly tone: Extract<Tone, 'neutral' | 'attention'>
  readonly title: string | null
  readonly sentence: string
  readonly renewal: { readonly label: string; readonly confirm: string; readonly price: readonly string[] } | null
}

/** From then on the token's end is near enough to offer a renewal; main refuses it before. */
const offeredMs = 24 * 60 * 60 * 1000

const others = 'While it is held, the server gives this station nothing else.'

/** How long the request is held, what that means for others, and when the server stops knowing the station for it. */
export function heldView({ held, summary }: RequestDetail, now: number): HeldView | null {
  if (held === null) return null
  const since = relative(held.since, now)
  const heldFor =
    since === 'just now' ? 'This request came just now.' : `Held for ${since.replace(/ ago$/, '')}. ${others}`
  if (held.tokenEndsAt === null) return { tone: 'neutral', title: null, sentence: heldFor, renewal: null }
  const left = Date.parse(held.tokenEndsAt) - now
  const renewals = held.renewalsLeft ?? 0
  if (left >= offeredMs) {
    const sentence = `${heldFor} The server’s token for it ends ${relative(held.tokenEndsAt, now)}, ${utc(held.tokenEndsAt)}.`
    return { tone: 'neutral', title: null, sentence, renewal: null }
  }
  const uploaded =
    summary.stage === 'returning'
      ? [
          'If part of the result is at the server already, it gives this request up now and makes a copy under a new number.',
        ]
      : []
  const renewal = {
    label: 'Renew …',
    confirm: 'Renew the request',
    price: [
      'The request is fetched again and gets a token for another 7 days. What was fetched, decided and signed stays as it is.',
      `The server counts this as a loss of the request. It bears three: ${count(renewals, 'renewal')} ${renewals === 1 ? 'is' : 'are'} left. After the third the server gives the request up.`,
      ...uploaded,
    ],
  }
  if (left > 0) {
    return {
      tone: 'attention',
      title: `The server’s token for this request ends ${relative(held.tokenEndsAt, now)} (${utc(held.tokenEndsAt)})`,
      sentence:
        renewals > 0
          ? `${heldFor} Decide before then, or renew the request.`
          : `${heldFor} It was renewed three times and cannot be renewed again. Decide before then.`,
      renewal: renewals > 0 ? renewal : null,
    }
  }
  return {
    tone: 'attention',
    title: 'The server’s token for this request has ended',
    sentence: `${heldFor} Nothing can be approved, signed or returned for this request now. What was fetched, decided and signed is kept. ${
      renewals > 0 ? 'Renew it to go on.' : 'It was renewed three times and cannot be renewed again.'
    }`,
    renewal:
      renewals > 0
        ? renewal
        : {
            label: 'Let it go …',
            confirm: 'Let the request go',
            price: [
              'The request is fetched once more, and the server gives it up: nobody waits for it any more. Then the next one can come.',
              'What was signed stays here and in the log.',
            ],
          },
  }
}
