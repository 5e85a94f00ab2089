import { z } from 'zod'
import { requestId, sha256Hex } from '../../../shared/ids.ts'
import { operator, word } from './entry-fields.ts'
import { messageText } from './text.ts'

// Events of files that a person opened at this station (docs/formats/audit-entry.md).

/** One for each file, after the `request-received` whose server is `by-hand`. Paths are for people: nothing is found by them. */
export const openedByHand = z.strictObject({
  event: z.literal('opened-by-hand'),
  requestId,
  ordinal: z.int().nonnegative(),
  signAs: word,
  named: messageText(4096),
  /** What was read, as the kernel named it: another path where links led elsewhere. */
  opened: messageText(4096),
  size: z.int().nonnegative(),
  inputSha256: sha256Hex,
  /** Null: it is not signed itself. */
  output: messageText(4400).nullable(),
  operator,
})
/** A signature that was made by hand left the station, or stayed by a person's word. */
export const outputDelivered = z.strictObject({
  event: z.literal('output-delivered'),
  requestId,
  ordinal: z.int().nonnegative(),
  /** `kept`: not written; `replaced`: over a file, as the person said when asked. */
  how: z.enum(['written', 'replaced', 'kept']),
  path: messageText(4400),
  outputSha256: sha256Hex,
  /** Of the file that was there before. */
  replacedSha256: sha256Hex.nullable(),
  operator,
})
