import type { KeyGeneration } from '../../../shared/key-generation.ts'
import { isOpenPgp } from '../../../shared/openpgp-purpose.ts'
import type { GenerationWish, RequestDetail } from '../../../shared/request.ts'
import type { Settings } from '../../../shared/settings.ts'
import type { TokenSummary } from '../../../shared/token.ts'
import { type Fact, name, text } from '../../parts/fact.ts'
import type { StageView } from './stage-view.ts'

/** What a request for a key asks for, each with who says so. */
export function wishFacts(wish: GenerationWish): readonly Fact[] {
  const claimed = { source: 'server', assurance: 'claimed' } as const
  return [
    { id: 'purpose', label: 'Purpose', value: text(wish.purpose), ...claimed },
    { id: 'description', label: 'Description', value: name(wish.description), ...claimed },
    {
      id: 'storage',
      label: 'Kept',
      value: text(
        wish.storage === null
          ? 'the request does not say; debusine’s own worker keeps such keys in software'
          : wish.storage === 'nacl'
            ? 'in software (nacl). A key on a token is safer, and is not what was asked for'
            : wish.storage,
      ),
      ...claimed,
    },
    { id: 'workspace', label: 'Workspace', value: name(wish.workspace), ...claimed },
    { id: 'asked', label: 'Asked by', value: text(`user ${wish.createdBy} of the server`), ...claimed },
  ]
}

export type PlaceOption =
  | { readonly kind: 'software'; readonly label: string }
  | { readonly kind: 'token'; readonly token: TokenSummary; readonly label: string }

/** Where the settings allow the key to be made, of what is here now. */
export function placeOptions(
  policy: Settings['keyRequests'],
  purpose: string,
  tokens: readonly TokenSummary[],
): readonly PlaceOption[] {
  const allowed = tokens.filter(({ id }) => policy.tokens === 'any' || policy.tokens.includes(id.serial))
  return [
    ...allowed.map(
      (token): PlaceOption => ({
        kind: 'token',
        token,
        label: `On ${token.id.model}, serial ${token.id.serial} …`,
      }),
    ),
    // Keys in software are made for UEFI alone.
    ...(policy.software && !isOpenPgp(purpose)
      ? [{ kind: 'software', label: 'In software, as a test key …' } as const]
      : []),
  ]
}

/** Whether a person has to say where the key is made. */
export function wantsPlace({ summary, generation }: RequestDetail): boolean {
  if (generation === null) return false
  return summary.stage === 'review' || (summary.stage === 'interrupted' && !isThere(generation.made))
}

/** Whether the key is on a token already, and what is missing is its certificate, or only the word to the server. */
export function continues({ summary, generation }: RequestDetail): boolean {
  return summary.stage === 'interrupted' && generation !== null && isThere(generation.made)
}

function isThere(made: KeyGeneration | null): boolean {
  return made?.state === 'made' || made?.state === 'registered'
}

/** Where the request for a key is; the words of signing requests do not fit it. */
export function keyRequestStage(detail: RequestDetail, made: KeyGeneration | null): StageView | null {
  switch (detail.summary.stage) {
    case 'preparing':
    case 'review':
      return null
    case 'unprepared':
      return {
        tone: 'refused',
        title: 'This request cannot be served',
        sentence: 'No key was made. It stays in hand until you try again or decline.',
        actions: ['recheck', 'decline'],
      }
    case 'signing':
      return {
        tone: 'neutral',
        title: 'The key is being made',
        sentence: 'A token cannot be asked to stop while it makes a key.',
        actions: [],
      }
    case 'interrupted':
      return {
        tone: 'attention',
        title: made?.state === 'made' ? 'The key is on the token, without a certificate' : 'No key yet',
        sentence:
          made?.state === 'made'
            ? 'Go on with it under the same approval, or stop here: the key stays on the token, and the server hears that it got none.'
            : 'Nothing was made, or what was made is settled. Try again under the same approval, or stop here.',
        actions: ['stop'],
      }
    case 'incident':
      return {
        tone: 'refused',
        title: 'A key may be on the token that nobody registered',
        sentence:
          'The token was asked for a key and its answer never arrived. Look at the token with its own tool, then close the incident with what you found. No key of this request is used.',
        actions: ['close-incident'],
      }
    case 'returning':
      return detail.failure === null
        ? { tone: 'neutral', title: 'Being returned', sentence: 'The server is being told.', actions: [] }
        : {
            tone: 'attention',
            title: 'Not returned yet',
            sentence: 'The server did not take the result. What was made is kept.',
            actions: ['retry-return'],
          }
    case 'done':
      return doneView(detail)
  }
}

function doneView({ summary, decision }: RequestDetail): StageView {
  switch (summary.outcome) {
    case 'signed':
      return {
        tone: 'passed',
        title: 'The key was made',
        sentence: 'It is registered here, and the server has it as an asset.',
        actions: [],
      }
    case 'declined':
      return {
        tone: 'neutral',
        title: 'Declined',
        sentence: `The server was told. No key was made.${decision?.reason == null ? '' : ` Reason: ${decision.reason}`}`,
        actions: [],
      }
    case 'aborted-by-server':
      return {
        tone: 'neutral',
        title: 'Withdrawn by the server',
        sentence: 'Nobody waits for this key any more.',
        actions: [],
      }
    default:
      return {
        tone: 'refused',
        title: 'No key was made',
        sentence: 'The server was told.',
        actions: [],
      }
  }
}
