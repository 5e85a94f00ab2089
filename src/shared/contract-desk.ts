import { z } from 'zod'
import { answer, done, pin } from './answer.ts'
import { handDelivery, handPath, maxHandFiles, openByHand } from './by-hand.ts'
import { requestId, sha256Hex } from './ids.ts'
import { standingApproval } from './standing.ts'
import { standingLimits } from './standing-limits.ts'

/** Channels of what a person does at the desk without a server's asking: files by hand, approvals ahead. */
export const deskContract = {
  /** Files that were named on the command line or handed over by a second start, and that nobody has taken yet. Taken with the answer. */
  'hand.offered': { input: z.null(), output: answer(z.array(handPath).max(maxHandFiles)) },
  /** Opens files at this station: a request in hand like any other. Answers when they are copied and on record. */
  'hand.open': { input: openByHand, output: answer(z.strictObject({ requestId })) },
  /** Where signatures could not be written: replace the file that was asked about, another folder, or keep them here. */
  'hand.deliver': { input: z.strictObject({ requestId, delivery: handDelivery }), output: done },
  'standing.list': { input: z.null(), output: answer(z.array(standingApproval)) },
  /** Approves ahead what is like the sheet that is shown: its key and its suite, so often, so long, while the token and the desk stay as they are. */
  'standing.grant': {
    input: z.strictObject({
      requestId,
      sheetDigest: sha256Hex,
      uses: z.int().min(1).max(standingLimits.uses),
      minutes: z.int().min(1).max(standingLimits.minutes),
      pin,
      useLastTry: z.boolean(),
    }),
    output: answer(standingApproval),
  },
  'standing.withdraw': { input: z.strictObject({ id: requestId }), output: done },
} as const
