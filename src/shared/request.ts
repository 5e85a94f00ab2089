import { z } from 'zod'
import { failure } from './failure.ts'
import { fingerprint, requestId, sha256Hex, utcTime, workRequestId } from './ids.ts'
import { keyGeneration } from './key-generation.ts'
import { reviewSheet } from './review-sheet.ts'

/** Where a request is. The transitions are in main/requests/machine.ts; docs/flows/sign.md draws them. */
export const requestStage = z.enum([
  'preparing', // inputs are being downloaded, inspected and checked
  'unprepared', // preparing failed; the operator may try again or decline
  'review', // a sheet waits for the operator
  'signing', // approved; the token is being used
  'interrupted', // approved and partly signed, no intent is open; the operator may go on (PIN again) or stop
  'incident', // a signature was begun and its outcome is not known; a person must close it
  'returning', // the outcome is being uploaded and reported
  'done',
])
export type RequestStage = z.infer<typeof requestStage>

export const requestOutcome = z.enum(['signed', 'partly-signed', 'declined', 'failed', 'aborted-by-server'])
export type RequestOutcome = z.infer<typeof requestOutcome>

export const fileOutcome = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('waiting') }),
  z.strictObject({ kind: z.literal('begun') }),
  z.strictObject({ kind: z.literal('signed'), outputSha256: sha256Hex, outputSize: z.int(), at: utcTime }),
  z.strictObject({ kind: z.literal('failed'), failure, at: utcTime }),
  z.strictObject({ kind: z.literal('unknown') }),
])
export type FileOutcome = z.infer<typeof fileOutcome>

/** The signature by a further key of a file: a part of its output, released with the output or never. */
export const furtherOutcome = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('waiting') }),
  z.strictObject({ kind: z.literal('begun') }),
  z.strictObject({ kind: z.literal('made'), at: utcTime }),
  z.strictObject({ kind: z.literal('failed'), failure, at: utcTime }),
  z.strictObject({ kind: z.literal('unknown') }),
])
export type FurtherOutcome = z.infer<typeof furtherOutcome>

/** A row of the Requests screen. */
export const requestSummary = z.strictObject({
  id: requestId,
  workRequestId,
  server: z.string(),
  scope: z.string().nullable(),
  workspace: z.string(),
  purpose: z.string(),
  fingerprint: fingerprint.nullable(),
  keyDescription: z.string().nullable(),
  stage: requestStage,
  outcome: requestOutcome.nullable(),
  title: z.string(),
  requestedBy: z.string().nullable(),
  fileCount: z.int().nonnegative(),
  signedCount: z.int().nonnegative(),
  /** Worst check of the sheet, null before there is one. */
  worstCheck: z.enum(['passed', 'attention', 'refused', 'unknown']).nullable(),
  /** Up for review as soon as its key can be used: its token, or the service key of its record, is not here. */
  waitsForKey: z.boolean(),
  receivedAt: utcTime,
  updatedAt: utcTime,
})
export type RequestSummary = z.infer<typeof requestSummary>

/** What a request for a key asks for, in its server's words. The sheet that is approved is made of this. */
export const generationWish = z.strictObject({
  v: z.literal(1),
  kind: z.literal('generate-key'),
  requestId,
  server: z.string(),
  workRequestId,
  scope: z.string().nullable(),
  workspace: z.string(),
  purpose: z.string(),
  description: z.string(),
  /** Where the server wants it kept (debusine 0.16.2: `nacl`). Null: it does not say. */
  storage: z.string().nullable(),
  /** Id of the user who asked, at the server. */
  createdBy: z.int(),
})
export type GenerationWish = z.infer<typeof generationWish>

/** Work that waits at the server and that the station does not hold: read-only, seen with a user's API token. */
export const pendingWork = z.strictObject({
  workRequestId,
  task: z.string(),
  purpose: z.string().nullable(),
  fingerprint: z.string().nullable(),
  workspace: z.string(),
  createdAt: z.string(),
  createdBy: z.int(),
  priority: z.int(),
  assignedTo: z.int().nullable(),
  /** Whether this station could serve it now, and if not, why. */
  servable: z.boolean(),
  note: z.string().nullable(),
})
export type PendingWork = z.infer<typeof pendingWork>

export const requestDetail = z.strictObject({
  summary: requestSummary,
  sheet: reviewSheet.nullable(),
  /** A request for a key: what it asks for, and the key that was begun for it on a token. */
  generation: z.strictObject({ wish: generationWish, made: keyGeneration.nullable() }).nullable(),
  sheetDigest: sha256Hex.nullable(),
  /** Ids of checks that have to be acknowledged, or of those that block. */
  approvability: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('approvable'), acknowledge: z.array(z.string()) }),
      z.strictObject({ kind: z.literal('blocked'), by: z.array(z.string()) }),
    ])
    .nullable(),
  /** One for each file of the sheet, by ordinal. */
  files: z.array(
    z.strictObject({
      ordinal: z.int().nonnegative(),
      path: z.string(),
      outcome: fileOutcome,
      /** Only where several keys sign the file: how far those after the first are, in their order. */
      further: z.array(z.strictObject({ fingerprint, outcome: furtherOutcome })).exactOptional(),
    }),
  ),
  /** Null when it is done. While it is held, the server gives this station nothing else. */
  held: z
    .strictObject({
      since: utcTime,
      /** When the server stops knowing us for this request. Null: it has no such limit (debusine 0.11). */
      tokenEndsAt: utcTime.nullable(),
      /** How often it can be fetched again before the server gives it up; null with `tokenEndsAt`. */
      renewalsLeft: z.int().min(0).max(3).nullable(),
    })
    .nullable(),
  /** Only of files that were opened by hand: where their signatures are, and the file for which a person is asked. */
  byHand: z
    .strictObject({
      outputs: z.array(
        z.strictObject({
          ordinal: z.int().nonnegative(),
          path: z.string(),
          state: z.enum(['intended', 'written', 'kept']),
        }),
      ),
      inTheWay: z.string().nullable(),
    })
    .optional(),
  failure: failure.nullable(),
  decision: z
    .strictObject({
      kind: z.enum(['approved', 'declined']),
      operator: z.string(),
      at: utcTime,
      reason: z.string().nullable(),
    })
    .nullable(),
  /** Numbers of the audit entries about this request, ascending. */
  auditSeqs: z.array(z.int().positive()),
})
export type RequestDetail = z.infer<typeof requestDetail>
