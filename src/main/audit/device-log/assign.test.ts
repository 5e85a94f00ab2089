import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assign, type Job, type Slot } from './assign.ts'

const fits = (slot: Slot, job: Job) =>
  job.start <= slot.upTo && job.end > slot.after && (job.takes === 'either' || job.takes === slot.result)

/** Every way of pairing, tried. The best has the most musts, and of those the most pairs. */
function best(slots: readonly Slot[], jobs: readonly Job[]): { readonly musts: number; readonly pairs: number } {
  const better = (a: { musts: number; pairs: number }, b: { musts: number; pairs: number }) =>
    a.musts !== b.musts ? a.musts > b.musts : a.pairs > b.pairs
  const search = (index: number, free: readonly Job[]): { musts: number; pairs: number } => {
    const slot = slots[index]
    if (slot === undefined) return { musts: 0, pairs: 0 }
    let found = search(index + 1, free)
    for (const job of free.filter((each) => fits(slot, each))) {
      const rest = search(
        index + 1,
        free.filter((each) => each !== job),
      )
      const here = { musts: rest.musts + (job.must ? 1 : 0), pairs: rest.pairs + 1 }
      if (better(here, found)) found = here
    }
    return found
  }
  return search(0, jobs)
}

/** Drains with up to three entries each, as windows that grow. */
const slotLists = fc
  .array(
    fc.record({
      asked: fc.integer({ min: 0, max: 4 }),
      stored: fc.integer({ min: 0, max: 3 }),
      results: fc.array(fc.constantFrom('done' as const, 'done' as const, 'failed' as const), { maxLength: 3 }),
    }),
    { maxLength: 3 },
  )
  .map((drains) => {
    let after = 0
    let head = 0
    return drains.flatMap(({ asked, stored, results }) => {
      const askedSeq = head + asked
      const upTo = askedSeq + stored
      const made = results.map((result): Slot => ({ after, upTo, result }))
      after = askedSeq
      head = upTo
      return made
    })
  })
const jobLists = fc.array(
  fc
    .record({
      start: fc.integer({ min: 1, max: 16 }),
      lasts: fc.constantFrom(1, 2, 3, 6, Number.POSITIVE_INFINITY),
      said: fc.constantFrom('signed', 'in-doubt', 'refused'),
    })
    .map(
      ({ start, lasts, said }): Job => ({
        start,
        end: start + lasts,
        takes: said === 'signed' ? 'done' : said === 'refused' ? 'failed' : 'either',
        must: said === 'signed',
      }),
    ),
  { maxLength: 6 },
)

describe('whatever there is to assign', () => {
  it('is assigned as well as it can be, each slot and each job at most once, and only where it fits', () => {
    fc.assert(
      fc.property(slotLists, jobLists, (slots, jobs) => {
        const { jobOf, leftSlots, leftJobs } = assign(slots, jobs)
        const pairs = jobOf.flatMap((job, slot) => (job === null ? [] : [[slot, job] as const]))
        expect(new Set(pairs.map(([, job]) => job)).size).toBe(pairs.length)
        for (const [slot, job] of pairs) expect(fits(slots[slot] as Slot, jobs[job] as Job)).toBe(true)
        expect({ musts: pairs.filter(([, job]) => jobs[job]?.must).length, pairs: pairs.length }).toEqual(
          best(slots, jobs),
        )
        const left = (groups: typeof leftSlots) => groups.reduce((sum, { count }) => sum + count, 0)
        expect(left(leftSlots)).toBe(slots.length - pairs.length)
        expect(left(leftJobs)).toBe(jobs.filter(({ must }) => must).length - best(slots, jobs).musts)
        for (const { members } of leftJobs) expect(members.every((job) => jobs[job]?.must)).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })

  it('no slot gets a job that began after one ended that a later slot of its kind got', () => {
    fc.assert(
      fc.property(slotLists, jobLists, (slots, jobs) => {
        const { jobOf } = assign(slots, jobs)
        for (const [early, first] of jobOf.entries())
          for (const [late, second] of jobOf.entries()) {
            if (late <= early || first === null || second === null) continue
            if (slots[early]?.result !== slots[late]?.result) continue
            expect(jobs[first]?.start ?? 0).toBeLessThan(jobs[second]?.end ?? 0)
          }
      }),
      { numRuns: 3000 },
    )
  })

  it('any member of what is left over can be the one that is left over', () => {
    fc.assert(
      fc.property(slotLists, jobLists, (slots, jobs) => {
        const { leftSlots, leftJobs } = assign(slots, jobs)
        const whole = best(slots, jobs)
        for (const { members } of leftSlots)
          for (const member of members) expect(best(slots.toSpliced(member, 1), jobs)).toEqual(whole)
        for (const { members } of leftJobs)
          for (const member of members) expect(best(slots, jobs.toSpliced(member, 1)).musts).toBe(whole.musts)
      }),
      { numRuns: 1500 },
    )
  })
})

const slot = (after: number, upTo: number): Slot => ({ after, upTo, result: 'done' })
const signed = (start: number, end: number): Job => ({ start, end, takes: 'done', must: true })

it('one slot too many among three that look alike is one of three', () => {
  const { leftSlots } = assign([slot(0, 9), slot(0, 9), slot(0, 9)], [signed(1, 2), signed(3, 4)])
  expect(leftSlots).toEqual([{ count: 1, members: [0, 1, 2] }])
})

it('a drain between two uses tells which it was', () => {
  const { jobOf, leftSlots } = assign([slot(0, 2), slot(0, 2), slot(2, 9)], [signed(1, 2), signed(3, 4)])
  expect({ jobOf, leftSlots }).toEqual({ jobOf: [0, null, 1], leftSlots: [{ count: 1, members: [0, 1] }] })
})

it('fifty thousand uses are assigned in order', () => {
  const drains = Array.from({ length: 1000 }, (_, index) => index)
  const slots = drains.flatMap((drain) => Array.from({ length: 50 }, () => slot(drain * 100, (drain + 1) * 100)))
  const jobs = Array.from({ length: 50_000 }, (_, index) => signed(index * 2 + 1, index * 2 + 2))
  const { jobOf } = assign(slots, jobs)
  expect(jobOf.every((job, index) => job === index)).toBe(true)
})
