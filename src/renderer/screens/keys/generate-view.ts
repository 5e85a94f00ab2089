import type {
  GeneratedAlgorithm,
  GenerationPlan,
  KeyGeneration,
  KeyPolicies,
  OpenPgpForm,
  OpenPgpPlan,
} from '../../../shared/key-generation.ts'
import { algorithmsOf, idProblem, pivSlots, type TokenKind, tokenKind } from '../../../shared/key-place.ts'
import { isOpenPgp } from '../../../shared/openpgp-purpose.ts'
import type { Purpose } from '../../../shared/purpose.ts'
import type { TokenObject, TokenSummary } from '../../../shared/token.ts'
import type { Tone } from '../../design/Badge.tsx'
import { algorithmWords } from '../../parts/wording.ts'

/** What was typed and chosen so far, not yet checked. */
export type GenerateDraft = {
  readonly purpose: Purpose
  readonly description: string
  readonly kind: 'production' | 'test' | null
  readonly algorithm: GeneratedAlgorithm | null
  readonly ckaId: string
  readonly label: string
  readonly pinPolicy: KeyPolicies['pin']
  readonly touchPolicy: KeyPolicies['touch']
  readonly certificate: 'self-signed' | 'request'
  readonly commonName: string
  readonly organization: string
  readonly unit: string
  readonly country: string
  readonly years: string
  /** Of an OpenPGP certificate; no years: it does not expire. */
  readonly userId: string
  readonly expiryYears: string
  readonly form: OpenPgpForm
}

/** What a token can do, as it said. */
export type Abilities = { readonly algorithms: readonly GeneratedAlgorithm[]; readonly taken: readonly string[] }

export type GenerateProblems = Partial<Record<keyof GenerateDraft, string>>

/** Most values of a certificate's subject: ub-common-name and its neighbours, RFC 5280 Appendix A.1. */
const maxName = 64
/** A YubiHSM's label. */
const maxLabel = 40

export function emptyDraft(description: string, purpose: Purpose = 'uefi'): GenerateDraft {
  return {
    purpose,
    description,
    kind: null,
    algorithm: null,
    ckaId: '',
    label: '',
    pinPolicy: 'default',
    touchPolicy: 'default',
    certificate: 'self-signed',
    commonName: description.slice(0, maxName),
    organization: '',
    unit: '',
    country: '',
    years: '15',
    userId: description,
    expiryYears: '2',
    form: 'v4',
  }
}

/** What can be chosen: what the token makes and what signs for the purpose. */
export function algorithmOptions(abilities: Abilities, purpose: Purpose = 'uefi') {
  return algorithmsOf[purpose]
    .filter((algorithm) => abilities.algorithms.includes(algorithm))
    .map((algorithm) => ({ value: algorithm, label: algorithmWords[algorithm] }))
}

/** The slots of a YubiKey, with what is in them; a taken one is shown and cannot be chosen. */
export function slotOptions(abilities: Abilities, objects: readonly TokenObject[]) {
  return pivSlots.map(({ ckaId, slot, name }) => {
    const there = objects.find((object) => object.ckaId === ckaId)
    const taken = there !== undefined || abilities.taken.includes(ckaId)
    const what = there === undefined ? 'taken' : `holds ${algorithmWords[there.algorithm]}`
    return { value: ckaId, label: `${slot} ${name}${taken ? `, ${what}` : ''}`, isDisabled: taken }
  })
}

/** What is plainly wrong, said before anything is sent; main and the token check everything again. */
export function problemsOf(draft: GenerateDraft, kind: TokenKind, taken: readonly string[]): GenerateProblems {
  const ckaId = draft.ckaId.trim().toLowerCase()
  const problems: { -readonly [Field in keyof GenerateProblems]: string } = {}
  const wrongId = ckaId === '' ? null : idProblem(kind, ckaId)
  if (wrongId !== null) problems.ckaId = wrongId
  else if (taken.includes(ckaId)) problems.ckaId = 'Something is under this id already. It is never overwritten.'
  const tooLong = (['commonName', 'organization', 'unit'] as const).find(
    (field) => Array.from(draft[field].trim()).length > maxName,
  )
  if (tooLong !== undefined) problems[tooLong] = `At most ${maxName} characters.`
  if (draft.country.trim() !== '' && !/^[A-Za-z]{2}$/.test(draft.country.trim()))
    problems.country = 'Two letters, such as DE.'
  if (new TextEncoder().encode(draft.label.trim()).length > maxLabel) problems.label = `At most ${maxLabel} bytes.`
  if (isOpenPgp(draft.purpose)) {
    const wrong = openPgpProblems(draft.userId, draft.expiryYears)
    return { ...problems, ...wrong }
  }
  const years = Number(draft.years)
  if (draft.certificate === 'self-signed' && (!/^\d{1,2}$/.test(draft.years.trim()) || years < 1))
    problems.years = 'Whole years, 1 to 99.'
  return problems
}

const maxUserId = 200

/** What is wrong with what an OpenPGP certificate is to say. */
export function openPgpProblems(
  userId: string,
  expiryYears: string,
): { readonly userId?: string; readonly expiryYears?: string } {
  const years = expiryYears.trim()
  return {
    ...(Array.from(userId.trim()).length > maxUserId ? { userId: `At most ${maxUserId} characters.` } : {}),
    ...(years !== '' && (!/^\d{1,2}$/.test(years) || Number(years) < 1)
      ? { expiryYears: 'Whole years, 1 to 99, or nothing for a key that does not expire.' }
      : {}),
  }
}

/** Days as they are sent; null: it does not expire. */
export function daysOf(expiryYears: string): number | null {
  return expiryYears.trim() === '' ? null : Number(expiryYears) * 365
}

/** What an OpenPGP certificate is to be, as it is sent. The form that everybody takes is not named. */
export function openPgpPlanOf({
  userId,
  expiryYears,
  form,
}: Pick<GenerateDraft, 'userId' | 'expiryYears' | 'form'>): OpenPgpPlan {
  return { userId: userId.trim(), days: daysOf(expiryYears), ...(form === 'v4' ? {} : { form }) }
}

/** What is sent. Null: something is missing or wrong. */
export function planOf(draft: GenerateDraft, token: TokenSummary, taken: readonly string[]): GenerationPlan | null {
  const kind = tokenKind(token.id)
  const { algorithm } = draft
  const description = draft.description.trim()
  const commonName = draft.commonName.trim()
  const ckaId = draft.ckaId.trim().toLowerCase()
  const named = isOpenPgp(draft.purpose) ? draft.userId.trim() !== '' : commonName !== ''
  const complete = description !== '' && named && ckaId !== '' && draft.kind !== null
  if (algorithm !== null && !algorithmsOf[draft.purpose].includes(algorithm)) return null
  if (!complete || algorithm === null || Object.keys(problemsOf(draft, kind, taken)).length > 0) return null
  const orNull = (text: string) => (text.trim() === '' ? null : text.trim())
  const subject = {
    commonName,
    organization: orNull(draft.organization),
    unit: orNull(draft.unit),
    country: orNull(draft.country)?.toUpperCase() ?? null,
  }
  return {
    purpose: draft.purpose,
    description,
    production: draft.kind === 'production',
    token: token.id,
    ckaId,
    label: orNull(draft.label) ?? cut(description),
    algorithm,
    policies:
      kind === 'piv' ? { pin: draft.pinPolicy, touch: draft.touchPolicy } : { pin: 'default', touch: 'default' },
    certificate: isOpenPgp(draft.purpose)
      ? { kind: 'openpgp', ...openPgpPlanOf(draft) }
      : draft.certificate === 'request'
        ? { kind: 'request', subject }
        : { kind: 'self-signed', subject, days: Number(draft.years) * 365 },
  }
}

/** A label of the description where none was typed: as much of it as every token takes. */
function cut(description: string): string {
  let text = ''
  for (const character of description) {
    if (new TextEncoder().encode(text + character).length > maxLabel) break
    text += character
  }
  return text.trim()
}

/** What a person should know of where the key goes before he chooses. */
export function placeSentence(kind: TokenKind): string {
  switch (kind) {
    case 'piv':
      return 'The key is made in the slot and cannot leave it. A free slot is needed: a key that is there is never overwritten. Besides the PIN the token wants its management key.'
    case 'yubihsm':
      return 'The module gives the key all domains of your authentication key and the capabilities to sign; it cannot be exported, also not under wrap. For other domains, or a key with a backup, use the vendor’s shell and register the key here.'
    case 'generic':
      return 'The private half is sensitive and not extractable.'
  }
}

type Step = 'continue' | 'bring-certificate' | 'close'

/** One row of what this station set out to make. */
export type GenerationView = {
  readonly tone: Tone
  readonly state: string
  readonly sentence: string
  readonly steps: readonly Step[]
}

export function generationView({ state, failure, certificateNotOnToken }: KeyGeneration): GenerationView {
  switch (state) {
    case 'intended':
      return { tone: 'accent', state: 'Being made', sentence: 'The token is making the key.', steps: [] }
    case 'made':
      return {
        tone: 'attention',
        state: 'No certificate yet',
        sentence: `The key is on the token and is not registered. ${failure?.message ?? 'Its certificate was not made yet.'}`,
        steps: ['continue', 'close'],
      }
    case 'awaiting-certificate':
      return {
        tone: 'attention',
        state: 'Waits for its certificate',
        sentence: 'Give the request to the CA, and bring the certificate that comes back.',
        steps: ['bring-certificate', 'close'],
      }
    case 'incident':
      return {
        tone: 'refused',
        state: 'Incident',
        sentence: `A key that nobody registered may be on the token. ${failure?.message ?? ''} Look at the token with its own tool, then close this with what you found.`,
        steps: ['close'],
      }
    case 'registered':
      return {
        tone: certificateNotOnToken === null ? 'passed' : 'attention',
        state: 'Registered',
        sentence: certificateNotOnToken?.message ?? 'The key is registered, and its certificate is on the token.',
        steps: [],
      }
    case 'failed':
      return { tone: 'neutral', state: 'Not made', sentence: failure?.message ?? 'No key was made.', steps: [] }
    case 'closed':
      return {
        tone: 'neutral',
        state: 'Closed',
        sentence: 'A person ended it. Nothing was deleted on the token.',
        steps: [],
      }
  }
}

/** Those that somebody has to do something about. */
export function unsettled(generations: readonly KeyGeneration[]): readonly KeyGeneration[] {
  return generations.filter(
    (generation) => generationView(generation).steps.length > 0 || generation.state === 'intended',
  )
}

/** What is said while the token works. */
export const phaseWords: Readonly<Record<'login' | 'touch' | 'generating' | 'over', string>> = {
  login: 'Logging in to the token …',
  touch: 'Touch the token now.',
  generating: 'The token is making the key. RSA 4096 takes a YubiKey more than a minute.',
  over: '',
}
