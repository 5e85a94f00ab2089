import { z } from 'zod'
import { inputFacts } from '../../shared/input-facts.ts'

/** The largest answer that is read, in bytes of its JSON. Facts of the largest real image need about 20 KiB. */
export const maxAnswerBytes = 1024 * 1024
/** The longest text in an answer, in UTF-16 units: the cut of a text section, and some room for the station's own sentences. */
export const maxTextLength = 4200

/** inspector → main: one JSON text on standard output, then the process ends. main → inspector: nothing but the file, as descriptor 3. */
export const inspectorAnswer = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('facts'), facts: inputFacts }),
  z.strictObject({ kind: z.literal('unreadable'), detail: z.string() }),
])
export type InspectorAnswer = z.infer<typeof inspectorAnswer>

export const inspectedDescriptor = 3
/** A second file, to compare the first with: the last `Release` that was signed. */
export const comparedDescriptor = 4

/** What a file is looked at as. The station knows it from the task; the process is told this word and no name. */
export const inspectedAs = ['image', 'text', 'changes', 'dsc', 'buildinfo', 'release'] as const
export type InspectedAs = (typeof inspectedAs)[number]

/**
 * Reads an answer. The process that gave it has parsed hostile bytes and may be in an attacker's hand: it can lie about facts, and that is all
 * it can do. Null when the answer is not one.
 */
export function parseAnswer(text: string): InspectorAnswer | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (!textsAreBounded(value, 0)) return null
  const answer = inspectorAnswer.safeParse(value)
  return answer.success ? answer.data : null
}

function textsAreBounded(value: unknown, depth: number): boolean {
  if (typeof value === 'string') return value.length <= maxTextLength && value.isWellFormed()
  if (typeof value !== 'object' || value === null) return true
  return depth < 8 && Object.values(value).every((member) => textsAreBounded(member, depth + 1))
}
