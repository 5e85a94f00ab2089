import { z } from 'zod'

// What main asks the process that reads logs, and what it answers: one job as JSON on its standard input, lines of JSON on its
// standard output. The process read bytes that somebody else wrote; main believes an answer only so far as it can be checked.

/** A verifier key and texts of checkpoints, as they were kept outside the log. */
const known = {
  /** Null: the key that the log itself names. */
  vkey: z.string().max(1000).nullable(),
  checkpoints: z.array(z.strictObject({ path: z.string(), text: z.string().max(100_000) })).max(50),
  witnesses: z.array(z.string().max(1000)).max(50),
}

/** A file as it was when it was read: `state` is of the same text as long as neither it nor its write-ahead log was changed. */
export interface LogState {
  readonly bytes: number
  readonly state: string
}

export const readJob = z.discriminatedUnion('op', [
  /** `state`: the one that the file must still have; null: any. `scratch` null: our own database, which main has open. */
  z.strictObject({
    op: z.literal('verify'),
    path: z.string(),
    scratch: z.string().nullable(),
    state: z.string().max(400).nullable(),
    ...known,
  }),
  /** `index`: where the index is to be made; `scratch`: where the log may be copied to. Nothing is there yet. */
  z.strictObject({ op: z.literal('open'), path: z.string(), scratch: z.string(), index: z.string(), ...known }),
  z.strictObject({
    op: z.literal('compare'),
    older: z.string(),
    newer: z.string(),
    scratch: z.strictObject({ older: z.string(), newer: z.string() }),
  }),
])
export type ReadJob = z.infer<typeof readJob>

const size = z.int().nonnegative()
const findingForm = z.strictObject({
  code: z.string().max(64),
  first: z.int().nullable(),
  last: z.int().nullable(),
  sentence: z.string().max(4000),
})
const factsForm = z.strictObject({
  origin: z.string().max(1000).nullable(),
  size,
  read: size,
  omitted: size,
  checkpoints: size,
  lastCheckpoint: size.nullable(),
  lastRoot: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  known: z.array(size).max(100),
  cosigned: z.array(z.strictObject({ witness: z.string().max(1000), size, time: z.number().nonnegative() })).max(100),
  openIntents: z.strictObject({ count: size, first: z.array(z.int().positive()).max(100) }).nullable(),
})

/** What the verifier says of a log (cli/verify-output.ts), without the part about a signed file. */
export const readOutcome = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('verified'), sentence: z.string().max(4000), facts: factsForm.nullable() }),
  z.strictObject({ kind: z.literal('tampered'), finding: findingForm, facts: factsForm.nullable() }),
  z.strictObject({
    kind: z.literal('cannot-tell'),
    doubts: z.array(z.strictObject({ code: z.string().max(64), sentence: z.string().max(4000) })).max(100),
    facts: factsForm.nullable(),
  }),
])
export type ReadOutcome = z.infer<typeof readOutcome>

/** Why there is nothing to say. `sentence` is for people. */
const unreadable = z.strictObject({ kind: z.literal('unreadable'), sentence: z.string().max(4000) })

export const readAnswers = {
  verify: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('report'), outcome: readOutcome }),
    unreadable,
  ]),
  open: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('opened'),
      what: z.enum(['export', 'database']),
      outcome: readOutcome,
      origin: z.string().max(1000).nullable(),
      selection: z.string().max(1000).nullable(),
      /** By which the file is known again. */
      state: z.string().max(400),
      /** Entries in the index. */
      entries: size,
      /** Entries are missing or left out between them. */
      gaps: z.boolean(),
    }),
    unreadable,
  ]),
  compare: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('compared'),
      verdict: z.enum(['verified', 'tampered', 'cannot-tell']),
      sentence: z.string().max(8000),
      origin: z.string().max(1000).nullable(),
      olderSize: size.nullable(),
      newerSize: size.nullable(),
      checkedBy: z.enum(['same-checkpoint', 'tree']).nullable(),
    }),
    unreadable,
  ]),
} as const satisfies Record<ReadJob['op'], z.ZodType>
export type ReadAnswer<O extends ReadJob['op']> = z.infer<(typeof readAnswers)[O]>

export const readMessage = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('progress'),
    done: size,
    total: size.nullable(),
    unit: z.enum(['entries', 'bytes']),
  }),
  z.strictObject({ kind: z.literal('done'), answer: z.unknown() }),
])
export type ReadMessage = z.infer<typeof readMessage>

/** No line of the process is longer. */
export const maxReadLine = 1_000_000
