import { z } from 'zod'
import { sha256Hex } from '../../../shared/ids.ts'
import { operator, word } from './entry-fields.ts'
import { exactText, messageText } from './text.ts'

// Events of key ceremonies (docs/formats/ceremony.md).

/** The digest of a record is over its canonical bytes (docs/formats/ceremony.md). */
const ceremony = { ceremonyId: z.uuid(), recordSha256: sha256Hex, operator }
const ceremonyStep = exactText(40).min(1)
export const ceremonyBegun = z.strictObject({
  event: z.literal('ceremony-begun'),
  ...ceremony,
  title: exactText(200).min(1),
  scriptSha256: sha256Hex,
  planSha256: sha256Hex,
})
export const ceremonyStepBegun = z.strictObject({
  event: z.literal('ceremony-step-begun'),
  ...ceremony,
  step: ceremonyStep,
  kind: word,
  attempt: z.int().positive(),
})
/** A device is about to be asked for something that changes it, or takes something out of it. */
export const ceremonyActIntended = z.strictObject({
  event: z.literal('ceremony-act-intended'),
  ...ceremony,
  step: ceremonyStep,
  act: word,
  deviceSerial: exactText(64).min(1),
  object: exactText(200),
})
export const ceremonyStepFailed = z.strictObject({
  event: z.literal('ceremony-step-failed'),
  ...ceremony,
  step: ceremonyStep,
  code: word,
  message: messageText(2000),
})
export const ceremonyStepEnded = z.strictObject({
  event: z.literal('ceremony-step-ended'),
  ...ceremony,
  step: ceremonyStep,
})
export const ceremonyDeviation = z.strictObject({
  event: z.literal('ceremony-deviation'),
  ...ceremony,
  /** Null: it is about the whole. */
  step: ceremonyStep.nullable(),
  effect: z.enum(['skipped', 'noted']),
  by: exactText(200).min(1),
  reason: exactText(1000).min(1),
})
export const ceremonyEnded = z.strictObject({
  event: z.literal('ceremony-ended'),
  ceremonyId: z.uuid(),
  outcome: z.enum(['completed', 'abandoned']),
  deviations: z.int().nonnegative(),
  /** Of the transcript's canonical bytes: it is sealed by this entry. */
  transcriptSha256: sha256Hex,
  operator,
})
