import { z } from 'zod'
import { fingerprint, utcTime } from './ids.ts'

/**
 * What an opened file can be signed as. Closed: each is a row of `handModes` in main, with the purpose of the keys that fit and the
 * name of what comes out.
 */
export const signAs = z.enum([
  'uefi-detached',
  'openpgp-clear',
  'openpgp-detached',
  'debian-upload',
  'release-clear',
  'release-detached',
])
export type SignAs = z.infer<typeof signAs>

/** An absolute path as it was typed, chosen or dropped. Shown as text; main opens it, nobody else. */
export const handPath = z
  .string()
  .max(4096)
  .regex(/^\/[^\0]*$/)
  .refine((path) => path.isWellFormed(), 'not valid text')

/** Files of one request by hand: as many as a person can read. */
export const maxHandFiles = 200

/** What a second start of the program hands to the first. */
export const handedOver = z.strictObject({ open: z.array(handPath).max(maxHandFiles) })

/** Where each file of a request by hand came from, and where its signature goes. */
export const handFile = z.strictObject({
  ordinal: z.int().nonnegative(),
  /** As it was named. */
  named: z.string(),
  /** What was read, as the kernel names it: another path where links led elsewhere. */
  opened: z.string(),
  /** File that its signature is written to; it is never written over without asking. Null: it is not signed itself. */
  output: z.string().nullable(),
})
export type HandFile = z.infer<typeof handFile>

/** The part of a review sheet that says who opened which files at this station. */
export const handOrigin = z.strictObject({
  /** Counted at this station from 1. */
  number: z.int().positive(),
  openedBy: z.string(),
  openedAt: utcTime,
  signAs,
  files: z.array(handFile).max(maxHandFiles),
})
export type HandOrigin = z.infer<typeof handOrigin>

export const openByHand = z.strictObject({
  paths: z.array(handPath).min(1).max(maxHandFiles),
  signAs,
  fingerprint,
  /** Folder for what comes out. Null: beside each file, in the folder in which it was named. */
  folder: handPath.nullable(),
})
export type OpenByHand = z.infer<typeof openByHand>

/** What to do with signed files that could not be written where they were to go. */
export const handDelivery = z.discriminatedUnion('kind', [
  /** The person was asked about this very file and said that it may be replaced. */
  z.strictObject({ kind: z.literal('replace'), path: handPath }),
  z.strictObject({ kind: z.literal('folder'), folder: handPath }),
  /** Writes nothing; the signed files stay in the station, and can be saved from there. */
  z.strictObject({ kind: z.literal('keep') }),
])
export type HandDelivery = z.infer<typeof handDelivery>
