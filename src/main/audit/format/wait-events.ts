import { z } from 'zod'
import { auditSeq, workRequestId } from '../../../shared/ids.ts'
import { operator, word } from './entry-fields.ts'
import { exactText, messageText } from './text.ts'

// Answers that a person gives to a task of a server that waits for one (docs/flows/waiting.md).

/** The answer is about to be sent, in the name of the user whose API token is set. */
export const confirmationIntended = z.strictObject({
  event: z.literal('confirmation-intended'),
  server: exactText(400),
  workRequestId,
  scope: exactText(500).nullable(),
  workspace: exactText(500),
  /** True: yes. */
  confirm: z.boolean(),
  /** The words of the answer, as they were shown. */
  label: exactText(300),
  /** What a no does there. */
  denyAction: word,
  comment: exactText(1000).nullable(),
  /** The user, as the server names them. */
  user: exactText(400),
  operator,
})

/**
 * What became of it. `taken`: the task ended as it was answered; `not-taken`: the server said no; `overtaken`: it ended otherwise before;
 * `not-delivered`: it still waits, nothing arrived.
 */
export const confirmationAnswered = z.strictObject({
  event: z.literal('confirmation-answered'),
  /** Number of the intent. */
  intentSeq: auditSeq,
  server: exactText(400),
  workRequestId,
  outcome: z.enum(['taken', 'not-taken', 'overtaken', 'not-delivered']),
  /** True: no answer came, or none that could be read, and the task was looked at. */
  askedAgain: z.boolean(),
  /** Status and result of the task as the server gives them; null: not looked at. */
  status: messageText(50).nullable(),
  result: messageText(50).nullable(),
  /** Id of the user who ended it, at the server; null: nobody, or it does not tell. */
  endedBy: z.int().positive().nullable(),
  message: messageText(1000).nullable(),
})
