import type { RegisteredKey } from '../../../shared/key.ts'
import { tokenKind } from '../../../shared/key-place.ts'
import type { TokenId, TokenObject, TokenSummary } from '../../../shared/token.ts'
import { type AskedToken, sameToken, tokenName } from '../../parts/pin-view.ts'
import { algorithmWords } from '../../parts/wording.ts'
import { attestationSlotId, objectIdOf, placeOf } from './keys-view.ts'

/** A key on a token. `spkiSha256` null: the token shows its public key only after the PIN. */
export type KeyPlace = {
  readonly token: TokenId
  readonly ckaId: string
  readonly spkiSha256: Extract<TokenObject['spkiSha256'], string> | null
}

/** Which key signs, as it was chosen so far. */
export type SigningKeyDraft = {
  readonly who: 'own' | 'subkey'
  /** A value of `subkeyOptions`. */
  readonly choice: string | null
  /** Of a key that its token does not show. */
  readonly typedId: string
  readonly primarySigns: boolean
}

export const ownSigningKey: SigningKeyDraft = { who: 'own', choice: null, typedId: '', primarySigns: false }

type SeenToken = { readonly token: TokenSummary; readonly objects: readonly TokenObject[] }

type SubkeyOption = {
  readonly value: string
  readonly label: string
  readonly isDisabled: boolean
  readonly place: Omit<KeyPlace, 'ckaId'> & { readonly ckaId: string | null }
  /** As its token shows it. */
  readonly object: TokenObject | null
}

/** All keys of all tokens but the one that certifies. What cannot be bound is shown with its reason, and cannot be chosen. */
export function subkeyOptions(
  tokens: readonly SeenToken[],
  primary: { readonly token: TokenId; readonly ckaId: string | null },
  keys: readonly RegisteredKey[],
): readonly SubkeyOption[] {
  return tokens.flatMap(({ token: { id }, objects }) => {
    const shown = objects
      .filter(({ ckaId }) => !(sameToken(id, primary.token) && ckaId === primary.ckaId))
      .filter(({ ckaId }) => !(tokenKind(id) === 'piv' && ckaId === attestationSlotId))
      .map((object): SubkeyOption => {
        const obstacle = obstacleOf(id, object, keys)
        const name = object.label === '' ? '(no label)' : object.label
        return {
          value: JSON.stringify([id.manufacturer, id.model, id.serial, object.ckaId, object.spkiSha256]),
          // Where it is comes first: a label is as long as somebody likes, and the list shows no more than its width.
          label: `${tokenName(id)}, ${placeOf(id, object.ckaId)}${obstacle === null ? '' : ` (${obstacle})`}: ${algorithmWords[object.algorithm]}, ${name}`,
          isDisabled: obstacle !== null,
          place: { token: id, ckaId: object.ckaId, spkiSha256: object.spkiSha256 },
          object,
        }
      })
    if (tokenKind(id) !== 'yubihsm') return shown
    const byId: SubkeyOption = {
      value: JSON.stringify([id.manufacturer, id.model, id.serial]),
      label: `${tokenName(id)}: a key by its id`,
      isDisabled: false,
      place: { token: id, ckaId: null, spkiSha256: null },
      object: null,
    }
    return [...shown, byId]
  })
}

function obstacleOf(token: TokenId, { ckaId, algorithm }: TokenObject, keys: readonly RegisteredKey[]): string | null {
  if (algorithm === 'unsupported') return 'no kind that signs here'
  const here = (home: { readonly token: TokenId; readonly ckaId: string }) =>
    sameToken(home.token, token) && home.ckaId === ckaId
  const taken = keys.some(
    ({ home, openpgp }) =>
      (home.kind === 'token' && here(home)) || (openpgp !== null && openpgp.primary !== null && here(openpgp.primary)),
  )
  return taken ? 'registered already' : null
}

export type SigningKeyView = {
  /** The subkey; null: there is none, or it is not named completely yet. */
  readonly subkey: KeyPlace | null
  /** As its token shows it. */
  readonly object: TokenObject | null
  /** Its id has to be typed. */
  readonly wantsId: boolean
  readonly problem: string | null
  readonly isComplete: boolean
}

export function signingKeyView(
  draft: SigningKeyDraft,
  options: readonly SubkeyOption[],
  primary: { readonly token: TokenId; readonly ckaId: string | null },
): SigningKeyView {
  if (draft.who === 'own') return { subkey: null, object: null, wantsId: false, problem: null, isComplete: true }
  const chosen = options.find(({ value, isDisabled }) => value === draft.choice && !isDisabled)
  const incomplete = { subkey: null, object: null, wantsId: false, problem: null, isComplete: false }
  if (chosen === undefined) return incomplete
  const { token, ckaId, spkiSha256 } = chosen.place
  const { object } = chosen
  if (ckaId !== null)
    return { subkey: { token, ckaId, spkiSha256 }, object, wantsId: false, problem: null, isComplete: true }
  const typed = objectIdOf(token, draft.typedId)
  if (typed.ckaId === null) return { ...incomplete, wantsId: true, problem: typed.problem }
  if (sameToken(token, primary.token) && typed.ckaId === primary.ckaId)
    return { ...incomplete, wantsId: true, problem: 'This is the key that certifies. A key cannot be its own subkey.' }
  return { subkey: { token, ckaId: typed.ckaId, spkiSha256 }, object, wantsId: true, problem: null, isComplete: true }
}

/** Whose PINs are asked for: the certifying key's token first. One PIN a token. */
export function askedTokens(primary: TokenId, subkey: TokenId | null): readonly AskedToken[] {
  if (subkey === null) return [{ token: primary, opens: null }]
  if (sameToken(primary, subkey)) return [{ token: primary, opens: 'For both keys.' }]
  return [
    { token: primary, opens: 'For the key that certifies.' },
    { token: subkey, opens: 'For the signing subkey.' },
  ]
}

/** Whether one of the keys is Ed25519, or is of a kind that its token does not show yet. */
export function mayBeEd25519(primary: TokenObject | null, { subkey, object }: SigningKeyView): boolean {
  const ofSubkey = subkey !== null && (object === null || object.algorithm === 'ed25519')
  return primary === null || primary.algorithm === 'ed25519' || ofSubkey
}
