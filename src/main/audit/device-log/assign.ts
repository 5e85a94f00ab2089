import type { DeviceResult } from './device-commands.ts'

/** An entry of the device: it was written while the audit log had more than `after` and at most `upTo` entries. Both grow from slot to slot. */
export interface Slot {
  readonly after: number
  readonly upTo: number
  readonly result: DeviceResult
}

/** A use of ours, from entry `start` to entry `end` of the audit log. `must`: there is an entry of the device for it. */
export interface Job {
  readonly start: number
  readonly end: number
  readonly takes: DeviceResult | 'either'
  readonly must: boolean
}

/** `count` of `members`, and nobody can tell which. Indices of slots, or of jobs, ascending. */
export interface LeftOver {
  readonly count: number
  readonly members: readonly number[]
}

export interface Assignment {
  /** For each slot the index of its job; null: left over. */
  readonly jobOf: readonly (number | null)[]
  readonly leftSlots: readonly LeftOver[]
  /** Jobs that must have a slot and have none. */
  readonly leftJobs: readonly LeftOver[]
}

/**
 * Gives slots to jobs: first as many as possible of the jobs that must have one, then as many slots as possible; both at once can
 * always be had (Mendelsohn and Dulmage 1958). Jobs that a slot may belong to are those of a stretch of time, so that the one that ends first is
 * always a right choice (Glover 1967) and no two pairs stand in an order in which the uses cannot have happened.
 */
export function assign(slots: readonly Slot[], jobs: readonly Job[]): Assignment {
  const jobOf: (number | null)[] = slots.map(() => null)
  const slotOf: (number | null)[] = jobs.map(() => null)
  const pair = (slot: number, job: number) => {
    jobOf[slot] = job
    slotOf[job] = slot
  }
  const slotsOf = (job: number): number[] => {
    const wanted = jobs[job]
    if (wanted === undefined) return []
    const found: number[] = []
    for (let index = firstFrom(slots, wanted.start); index < slots.length; index++) {
      const slot = slots[index]
      if (slot === undefined || slot.after >= wanted.end) break
      if (wanted.takes === 'either' || wanted.takes === slot.result) found.push(index)
    }
    return found
  }
  const indices = (list: readonly unknown[]) => list.map((_, index) => index)

  const done = indices(slots).filter((slot) => slots[slot]?.result === 'done')
  const musts = indices(jobs).filter((job) => jobs[job]?.must)
  for (const [slot, job] of earliestEndFirst(slots, jobs, done, musts)) pair(slot, job)

  // A job that says what the device says is preferred to one that says nothing.
  const others = indices(jobs).filter((job) => !jobs[job]?.must)
  for (const job of others.filter((each) => jobs[each]?.takes !== 'either')) augment(job, slotsOf, jobOf, pair, slotOf)
  for (const job of others.filter((each) => jobs[each]?.takes === 'either')) augment(job, slotsOf, jobOf, pair, slotOf)

  // The same slots and the same jobs, in order.
  for (const result of ['done', 'failed'] as const) {
    const taken = indices(slots).filter((slot) => slots[slot]?.result === result && jobOf[slot] !== null)
    const taking = taken.map((slot) => jobOf[slot] ?? 0)
    for (const [slot, job] of earliestEndFirst(slots, jobs, taken, taking)) pair(slot, job)
  }

  const jobsOf = lazily(() => {
    const lists: number[][] = slots.map(() => [])
    for (const job of indices(jobs)) for (const slot of slotsOf(job)) lists[slot]?.push(job)
    return lists
  })
  return {
    jobOf,
    leftSlots: leftOver(
      indices(slots).filter((slot) => jobOf[slot] === null),
      // In place of a slot that got nothing, any slot could have got nothing whose job could have taken it.
      (slot) => (jobsOf()[slot] ?? []).flatMap((job) => slotOf[job] ?? []),
    ),
    leftJobs: leftOver(
      musts.filter((job) => slotOf[job] === null),
      (job) => slotsOf(job).flatMap((slot) => jobOf[slot] ?? []),
    ),
  }
}

/** Pairs as many of these slots and jobs as can be paired; each slot in turn takes the job that ends first. */
function earliestEndFirst(
  slots: readonly Slot[],
  jobs: readonly Job[],
  someSlots: readonly number[],
  someJobs: readonly number[],
): (readonly [slot: number, job: number])[] {
  const pairs: [number, number][] = []
  const start = (job: number) => jobs[job]?.start ?? 0
  const end = (job: number) => jobs[job]?.end ?? 0
  const waiting = someJobs.toSorted((a, b) => start(b) - start(a))
  /** Begun, the one that ends first at the end of the list. */
  const ready: number[] = []
  for (const slot of someSlots) {
    const { after, upTo } = slots[slot] ?? { after: 0, upTo: 0 }
    for (let job = waiting.at(-1); job !== undefined && start(job) <= upTo; job = waiting.at(-1)) {
      waiting.pop()
      const later = ready.findLastIndex((other) => end(other) > end(job))
      ready.splice(later + 1, 0, job)
    }
    let job = ready.pop()
    while (job !== undefined && end(job) <= after) job = ready.pop()
    if (job !== undefined) pairs.push([slot, job])
  }
  return pairs
}

/** Finds a slot for one more job, moving others where they have another choice; none of them loses its slot. */
function augment(
  job: number,
  slotsOf: (job: number) => readonly number[],
  jobOf: readonly (number | null)[],
  pair: (slot: number, job: number) => void,
  slotOf: readonly (number | null)[],
): void {
  const reachedBy = new Map<number, number>()
  const asking = [job]
  for (const asker of asking) {
    for (const slot of slotsOf(asker)) {
      if (reachedBy.has(slot)) continue
      reachedBy.set(slot, asker)
      const holder = jobOf[slot] ?? null
      if (holder !== null) {
        asking.push(holder)
        continue
      }
      let free: number | null = slot
      while (free !== null) {
        const taker: number = reachedBy.get(free) ?? job
        const before: number | null = taker === job ? null : (slotOf[taker] ?? null)
        pair(free, taker)
        free = before
      }
      return
    }
  }
}

/** Groups what is left over with everything that could have been left over in its place. */
function leftOver(left: readonly number[], inPlaceOf: (member: number) => readonly number[]): readonly LeftOver[] {
  const groups: { count: number; readonly members: Set<number> }[] = []
  for (const first of left) {
    const members = new Set([first])
    for (const member of members) for (const other of inPlaceOf(member)) members.add(other)
    let count = 1
    for (let index = groups.length - 1; index >= 0; index--) {
      const group = groups[index]
      if (group === undefined || ![...group.members].some((member) => members.has(member))) continue
      for (const member of group.members) members.add(member)
      count += group.count
      groups.splice(index, 1)
    }
    groups.push({ count, members })
  }
  return groups.map(({ count, members }) => ({ count, members: [...members].toSorted((a, b) => a - b) }))
}

/** First slot that was not over before entry `start`. */
function firstFrom(slots: readonly Slot[], start: number): number {
  let low = 0
  let high = slots.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((slots[middle]?.upTo ?? 0) < start) low = middle + 1
    else high = middle
  }
  return low
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
