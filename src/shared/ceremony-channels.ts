import { z } from 'zod'
import { answer, done, pin } from './answer.ts'
import {
  ceremonyDetail,
  ceremonyId,
  ceremonyPlan,
  ceremonySummary,
  readScript,
  readyScript,
  scriptSource,
  stepInput,
} from './ceremony.ts'
import { plainLine, plainLines } from './ceremony-script.ts'
import { sha256Hex } from './ids.ts'

/** By the parameters’ names. */
const ceremonyParameters = z.record(z.string().max(40), z.string().max(200))

/** The part of the contract that is about ceremonies. */
export const ceremonyChannels = {
  /** Scripts of ceremonies that come with the program. */
  'ceremony.scripts': { input: z.null(), output: answer(z.array(readyScript)) },
  'ceremony.read-script': { input: z.strictObject({ source: scriptSource }), output: answer(readScript) },
  /** What would be done: the script with its parameters filled in. Begins nothing. */
  'ceremony.plan': {
    input: z.strictObject({ source: scriptSource, parameters: ceremonyParameters }),
    output: answer(ceremonyPlan),
  },
  /** `planSha256`: of the plan that was shown. One ceremony at a time. */
  'ceremony.begin': {
    input: z.strictObject({ source: scriptSource, parameters: ceremonyParameters, planSha256: sha256Hex }),
    output: answer(z.strictObject({ id: ceremonyId })),
  },
  'ceremony.list': { input: z.null(), output: answer(z.array(ceremonySummary)) },
  'ceremony.show': { input: z.strictObject({ id: ceremonyId }), output: answer(ceremonyDetail) },
  /** From here on the step's time runs. Only the step that is due. */
  'ceremony.start-step': { input: z.strictObject({ id: ceremonyId, step: z.string().max(40) }), output: done },
  /** Carries the step out. A failure is on record, and leaves the step open. */
  'ceremony.finish-step': {
    input: z.strictObject({
      id: ceremonyId,
      step: z.string().max(40),
      input: stepInput,
      /** Null: the step asks no device that wants one. */
      pin: pin.nullable(),
      officerPin: pin.nullable(),
      useLastTry: z.boolean(),
    }),
    output: done,
  },
  /** Something goes otherwise than the script says; `skipped`: the step that is due is left out. */
  'ceremony.deviate': {
    input: z.strictObject({
      id: ceremonyId,
      step: z.string().max(40).nullable(),
      effect: z.enum(['skipped', 'noted']),
      by: plainLine(120),
      reason: plainLines(1000),
    }),
    output: done,
  },
  /** Seals the transcript into the log. */
  'ceremony.end': {
    input: z.strictObject({ id: ceremonyId, outcome: z.enum(['completed', 'abandoned']) }),
    output: done,
  },
  /** Writes the evidence into the exports folder, and backups beside it. */
  'ceremony.save-evidence': {
    input: z.strictObject({ id: ceremonyId }),
    output: answer(z.strictObject({ folder: z.string(), bundle: z.string(), backups: z.array(z.string()) })),
  },
} as const
