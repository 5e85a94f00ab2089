import type { Check } from '../../shared/check.ts'
import type { RegisteredKey } from '../../shared/key.ts'
import { worst } from './evidence.ts'
import type { PolicyInput } from './policy-input.ts'

/**
 * Asks a question about each key that signs, and gives one answer: the worst of them. No key's yes stands for another's: a check is passed
 * only where it is for all.
 */
export function ofEachKey(ask: (input: PolicyInput) => Check, input: PolicyInput): Check {
  return joined([input, ...(input.further ?? []).map((key) => withKey(input, key))].map(ask))
}

/** One check of the answers for each key, in their order. */
export function joined(answers: readonly Check[]): Check {
  const [first] = answers
  if (first === undefined) throw new Error('a check of no key')
  if (answers.length === 1) return first
  // What was not asked about one key does not hide what was found about another.
  const outcome = worst(answers.map((answer) => answer.outcome))
  const named = (index: number) => `key ${index + 1} of ${answers.length}`
  const saying = answers.flatMap((answer, index) =>
    answer.outcome === outcome ? [{ name: named(index), sentence: answer.sentence }] : [],
  )
  const same = saying.length === answers.length && saying.every(({ sentence }) => sentence === first.sentence)
  return {
    id: first.id,
    outcome,
    sentence: same
      ? `For each of the ${answers.length} keys: ${first.sentence}`
      : saying.map(({ name, sentence }) => `${capital(name)}: ${sentence}`).join(' '),
    evidence: answers.flatMap((answer, index) =>
      answer.evidence.map((piece) => ({ ...piece, subject: `${named(index)}, ${piece.subject}` })),
    ),
  }
}

/**
 * What can be wrong with the keys together though each is right alone. One private key under two certificates would sign a file twice, as if
 * two had (invariant I3). And readers of version 4 alone read a file that a key of version 6 has signed as well, or refuse all of it: gpgv
 * 2.2, and with it apt, where the packet of version 6 stands first.
 */
export function besideEachOther(check: Check, { key, further = [] }: PolicyInput): Check {
  const keys = [key, ...further.map((each) => each.key)]
  const places = keys.map((each, index) => (each === null ? `key ${index}` : placeOf(each, index)))
  const twice = places.findIndex((place, index) => places.indexOf(place) < index)
  if (twice !== -1) {
    const sentence = `Of the ${keys.length} keys, keys ${places.indexOf(places[twice] ?? '') + 1} and ${twice + 1} are the same key of a token, under two certificates. It would sign the index twice.`
    return worse(check, 'refused', sentence)
  }
  const versions = new Set(keys.flatMap((each) => each?.openpgp?.version ?? []))
  return versions.size < 2
    ? check
    : worse(
        check,
        'attention',
        'The keys are of OpenPGP version 4 and version 6. Readers that know version 4 alone, as gpgv and the apt that uses it, may refuse the whole file, certainly where the first key is of version 6.',
      )
}

function worse(check: Check, outcome: Check['outcome'], sentence: string): Check {
  const evidence = [
    ...check.evidence,
    { subject: 'keys together', found: sentence, outcome, source: 'station' as const },
  ]
  return worst([check.outcome, outcome]) === check.outcome && check.outcome !== outcome
    ? { ...check, evidence }
    : { ...check, outcome, sentence: check.outcome === outcome ? `${check.sentence} ${sentence}` : sentence, evidence }
}

/** Where a private key is. One that is kept in software is compared when it is opened. */
function placeOf({ home }: RegisteredKey, index: number): string {
  if (home.kind === 'software') return `key ${index}`
  const { manufacturer, model, serial } = home.token
  return JSON.stringify([manufacturer, model, serial, home.ckaId.toLowerCase()])
}

/** The request as if this were its only key. */
function withKey(input: PolicyInput, further: NonNullable<PolicyInput['further']>[number]): PolicyInput {
  const { fingerprint, key, registeredFor, token, permission, signedBefore } = further
  return {
    ...input,
    fingerprint,
    key,
    registeredFor,
    token,
    artifacts: input.artifacts.map((artifact) => ({
      ...artifact,
      permission,
      files: artifact.files.map((file) =>
        file.disposition === 'sign' ? { ...file, signedBefore: [...signedBefore] } : file,
      ),
    })),
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
