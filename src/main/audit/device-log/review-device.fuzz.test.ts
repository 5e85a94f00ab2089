import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defaultKey, type Happens, registerKey, type SigningDesk, signingDesk } from './testing/signing-desk.ts'

// Days at a desk, made by chance. What really happened is known, so what the two logs say of each other can be held to it.

type Act =
  | { readonly kind: 'batch'; readonly objectId: number; readonly happens: readonly Happens[] }
  | { readonly kind: 'drain'; readonly ends: 'freed' | 'not-freed' | 'twice' }
  /** Two requests at once with one key; `order` says whose turn it is, and where the device is drained meanwhile. */
  | {
      readonly kind: 'overlap'
      readonly objectId: number
      readonly happens: readonly Happens[]
      readonly also: readonly Happens[]
      readonly order: readonly ('first' | 'second' | 'drain')[]
    }
  | { readonly kind: 'restart' }
  /** Somebody else signs with a key of ours. */
  | { readonly kind: 'foreign'; readonly objectId: number }

const keys = [defaultKey, 0x65]
const batchOf = (...happens: readonly Happens[]) =>
  fc.record({
    kind: fc.constant('batch' as const),
    objectId: fc.constantFrom(...keys),
    happens: fc.array(fc.constantFrom(...happens), { minLength: 1, maxLength: 5 }),
  })
const overlapOf = (...happens: readonly Happens[]) =>
  fc.record({
    kind: fc.constant('overlap' as const),
    objectId: fc.constantFrom(...keys),
    happens: fc.array(fc.constantFrom(...happens), { minLength: 1, maxLength: 4 }),
    also: fc.array(fc.constantFrom(...happens), { minLength: 1, maxLength: 4 }),
    order: fc.array(fc.constantFrom('first' as const, 'second' as const, 'drain' as const), { maxLength: 8 }),
  })
const drain = fc.record({
  kind: fc.constant('drain' as const),
  ends: fc.constantFrom('freed' as const, 'freed' as const, 'not-freed' as const, 'twice' as const),
})
const restart = fc.constant({ kind: 'restart' } as const)
const foreign = fc.record({ kind: fc.constant('foreign' as const), objectId: fc.constantFrom(...keys) })
/** From a new device, or one whose number is about to begin anew. */
const firstNumber = fc.constantFrom(1, 65_500, 65_530, 65_535)

/** Lives through a day; gives the places of the signatures that were not ours. */
async function live(desk: SigningDesk, acts: readonly Act[]): Promise<readonly number[]> {
  const { device, station } = desk
  registerKey(station, 0x65)
  const theirs: string[] = []
  const drainNow = async (ends: 'freed' | 'not-freed' | 'twice') => {
    device.login()
    const stored = await station.store(device.answer())
    if (!stored.ok) throw new Error(stored.error.code)
    if (ends === 'twice') await station.store(device.answer())
    if (ends !== 'not-freed') device.free(stored.value.lastNumber)
  }
  for (const act of acts) {
    if (act.kind === 'batch') await desk.signBatch(act.happens, act.objectId)
    else if (act.kind === 'drain') await drainNow(act.ends)
    else if (act.kind === 'overlap') {
      const first = await desk.begin(act.happens, act.objectId)
      const second = await desk.begin(act.also, act.objectId)
      for (const turn of act.order)
        await (turn === 'drain' ? drainNow('freed') : turn === 'first' ? first.settleNext() : second.settleNext())
      for (let left = 0; left < 4; left++) {
        await second.settleNext()
        await first.settleNext()
      }
    } else if (act.kind === 'restart') await desk.restart()
    else theirs.push(Buffer.from(device.sign(act.objectId).raw).toString('hex'))
    // With force-audit a device would stop instead of overwriting.
    if (device.entries().length > 50) await drainNow('freed')
  }
  await drainNow('freed')
  return station.file
    .prepare<[], { place: number; raw: Buffer }>('SELECT place, raw FROM device_entry')
    .all()
    .flatMap(({ place, raw }) => (theirs.includes(raw.toString('hex')) ? [place] : []))
}

async function reviewOf(seed: number, first: number, acts: readonly Act[]) {
  const desk = await signingDesk(String(seed), first)
  const theirs = await live(desk, acts)
  const { findings, ...rest } = await desk.review()
  return { ...rest, theirs, findings: findings.filter(({ code }) => code !== 'log-begins-late'), desk }
}

const acts = (...kinds: readonly fc.Arbitrary<Act>[]) => fc.array(fc.oneof(...kinds), { maxLength: 14 })
const honest = [
  'signed',
  'signed',
  'refused',
  'refused-unlogged',
  'withdrawn',
  'lost-after',
  'lost-before',
  'signed-not-verified',
] as const
const anyHonest = batchOf(...honest)
const anyOverlap = overlapOf(...honest)
const happenedIn = (day: readonly Act[]) =>
  day.flatMap((act) =>
    act.kind === 'batch' ? act.happens : act.kind === 'overlap' ? [...act.happens, ...act.also] : [],
  )
const count = (findings: readonly { readonly count: number }[]) => findings.reduce((sum, each) => sum + each.count, 0)

describe('however honest work and drains come one after another', () => {
  it('there is no finding, and every signature has its entry', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), firstNumber, acts(anyHonest, anyOverlap, drain, restart), async (seed, first, day) => {
        const { findings, matched, pending, unconfirmed } = await reviewOf(seed, first, day)
        expect({ findings, pending }).toEqual({ findings: [], pending: [] })
        const happened = happenedIn(day)
        const made = (...what: readonly Happens[]) => happened.filter((each) => what.includes(each)).length
        expect(matched).toHaveLength(made('signed', 'refused', 'lost-after', 'signed-not-verified'))
        expect(matched.filter((each) => each.endsWith('signed done'))).toHaveLength(made('signed'))
        expect(unconfirmed).toEqual([])
      }),
      { numRuns: 80 },
    )
  })
})

describe('however signatures that are not ours are mixed in', () => {
  it('as many are found as there were, and each is among those that are named', async () => {
    const ours = batchOf('signed', 'signed', 'refused', 'refused-unlogged', 'withdrawn')
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        firstNumber,
        acts(ours, overlapOf('signed', 'refused', 'withdrawn'), drain, restart, foreign),
        async (seed, first, day) => {
          const { findings, theirs } = await reviewOf(seed, first, day)
          expect(findings.every(({ code }) => code === 'use-not-ours')).toBe(true)
          expect(count(findings)).toBe(theirs.length)
          const named = findings.flatMap(({ places }) => places)
          expect(theirs.filter((place) => !named.includes(place))).toEqual([])
        },
      ),
      { numRuns: 80 },
    )
  })

  it('no more are hidden than there are answers in doubt', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), firstNumber, acts(anyHonest, anyOverlap, drain, foreign), async (seed, first, day) => {
        const { findings, theirs } = await reviewOf(seed, first, day)
        const happened = happenedIn(day)
        const unmade = happened.filter((each) => each === 'lost-before').length
        expect(findings.every(({ code }) => code === 'use-not-ours' || code === 'failed-use-not-ours')).toBe(true)
        expect(count(findings)).toBeGreaterThanOrEqual(theirs.length - unmade)
        expect(count(findings)).toBeLessThanOrEqual(theirs.length)
      }),
      { numRuns: 80 },
    )
  })
})

describe('however signatures of others are claimed for the device', () => {
  it('as many are found as there were, and each is among those that are named', async () => {
    const claimed = batchOf('signed', 'signed-elsewhere', 'refused', 'withdrawn')
    await fc.assert(
      fc.asyncProperty(fc.nat(), acts(claimed, drain, restart), async (seed, day) => {
        const { findings, desk } = await reviewOf(seed, 1, day)
        expect(findings.every(({ code }) => code === 'signature-not-on-device')).toBe(true)
        const happened = happenedIn(day)
        expect(count(findings)).toBe(happened.filter((each) => each === 'signed-elsewhere').length)
        const intents = desk.station.file
          .prepare<[], { seq: number }>(`SELECT seq FROM audit_entry WHERE event = 'intent' ORDER BY seq`)
          .all()
        const elsewhere = intents.flatMap(({ seq }, index) => (happened[index] === 'signed-elsewhere' ? [seq] : []))
        const named = findings.flatMap(({ auditSeqs }) => auditSeqs)
        expect(elsewhere.filter((seq) => !named.includes(seq))).toEqual([])
      }),
      { numRuns: 80 },
    )
  })
})

describe('however entries of the device are lost', () => {
  it('the loss is an incident, and nothing of that time is said to be wrong', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 63, max: 90 }), acts(anyHonest, drain), async (seed, many, day) => {
        const desk = await signingDesk(String(seed))
        await live(desk, day)
        await desk.signBatch(Array.from({ length: many }, () => 'signed' as const))
        await desk.drain()
        await desk.sign('signed')
        await desk.drain()
        const { findings, unconfirmed } = await desk.review()
        expect(findings.map(({ code }) => code)).toEqual(['entries-missing'])
        // 62 entries are left, one of them of the login.
        expect(unconfirmed).toHaveLength(many - 61)
      }),
      { numRuns: 25 },
    )
  })
})

it('drains that are repeated change nothing in what is found', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), acts(anyHonest, drain, foreign), async (seed, day) => {
      const as = (ends: 'freed' | 'not-freed' | 'twice') =>
        day.map((act): Act => (act.kind === 'drain' ? { ...act, ends } : act))
      const [freed, twice] = [await reviewOf(seed, 1, as('freed')), await reviewOf(seed, 1, as('twice'))]
      expect({ ...twice, desk: null }).toEqual({ ...freed, desk: null })
    }),
    { numRuns: 30 },
  )
})
