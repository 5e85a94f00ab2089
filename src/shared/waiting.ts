import { z } from 'zod'
import { requestId, utcTime, workRequestId } from './ids.ts'
import { requestOutcome } from './request.ts'

// What waits at the server for the user whose API token is set: tasks that no worker gets.

/** What a no does: the task fails, is aborted, or its whole workflow is. `unknown`: a word that this version does not know. */
export const denyAction = z.enum(['fail', 'abort', 'abort-workflow', 'unknown'])
export type DenyAction = z.infer<typeof denyAction>

const common = {
  workRequestId,
  workspace: z.string(),
  /** As the server gives it. */
  createdAt: z.string(),
  /** Id of a user at the server. */
  createdBy: z.int(),
  /** The server's name for this step; null: it has none. */
  displayName: z.string().nullable(),
  /** What it holds up. Null: it is of no workflow, or the server does not tell (debusine 0.11). */
  workflow: z.strictObject({ id: workRequestId, name: z.string(), about: z.string().nullable() }).nullable(),
}

/** The words and the effect of an answer, as they were shown. Main compares them with what the server says then. */
export const confirmWords = z.strictObject({
  confirmLabel: z.string().max(300),
  denyLabel: z.string().max(300),
  denyAction,
})
export type ConfirmWords = z.infer<typeof confirmWords>

export const waitingTask = z.discriminatedUnion('kind', [
  /** An upload that waits for the signature of whoever made the task. */
  z.strictObject({
    kind: z.literal('external-debsign'),
    ...common,
    /** What it says of itself; what is signed is looked at when it is taken. Null: not to be read. */
    upload: z
      .strictObject({
        artifactId: z.int().positive(),
        source: z.string(),
        version: z.string(),
        distribution: z.string().nullable(),
      })
      .nullable(),
    /** The request in hand that it became. */
    inHand: requestId.nullable(),
    /** How it ended here although the server still waits: declined, or not signed whole. Final at this station. */
    endedHere: requestOutcome.nullable(),
  }),
  /** A question that holds up a workflow. */
  z.strictObject({
    kind: z.literal('confirm'),
    ...common,
    words: confirmWords,
    /** The server says yes by itself where nothing of the workflow failed. */
    autoConfirm: z.boolean(),
    /** An answer of which it is not known whether it arrived. No other is taken until it is. */
    unsettled: z.strictObject({ confirm: z.boolean(), operator: z.string(), at: utcTime }).nullable(),
  }),
])
export type WaitingTask = z.infer<typeof waitingTask>

export const waitingList = z.strictObject({
  /** The user's name at the server. */
  user: z.string(),
  tasks: z.array(waitingTask),
  /** Uploads that wait for the signatures of others. */
  ofOthers: z.int().nonnegative(),
  asOf: utcTime,
})
export type WaitingList = z.infer<typeof waitingList>

/** How an answer ended. */
export const confirmOutcome = z.strictObject({
  outcome: z.enum(['taken', 'not-taken', 'overtaken', 'not-delivered']),
  /** A plain sentence. */
  sentence: z.string(),
})
export type ConfirmOutcome = z.infer<typeof confirmOutcome>
