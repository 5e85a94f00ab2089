import type { Check } from '../../shared/check.ts'
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
