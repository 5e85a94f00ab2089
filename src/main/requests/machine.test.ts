import { describe, expect, it } from 'vitest'
import type { Sha256Hex } from '../../shared/ids.ts'
import { type Approval, initialStep, type RequestEvent, type RequestState, step } from './machine.ts'

const digestA = 'a'.repeat(64) as Sha256Hex
const digestB = 'b'.repeat(64) as Sha256Hex
const at = '2026-11-20T10:00:00.000Z'
const approval = (sheetDigest: Sha256Hex): Approval => ({ sheetDigest, operator: 'rm', at })
const failure = { kind: 'unavailable', code: 'token-removed', message: 'The token was removed.' } as const

const tallies = [
  { toSign: 2, signed: 0, failed: 0 },
  { toSign: 2, signed: 1, failed: 0 },
  { toSign: 2, signed: 1, failed: 1 },
  { toSign: 2, signed: 0, failed: 2 },
  { toSign: 2, signed: 2, failed: 0 },
]

const everyEvent: RequestEvent[] = [
  ...[digestA, digestB].flatMap((sheetDigest): RequestEvent[] => [
    { kind: 'prepared', sheetDigest, approvable: true },
    { kind: 'prepared', sheetDigest, approvable: false },
    { kind: 'approved', approval: approval(sheetDigest) },
    { kind: 'resumed', sheetDigest },
  ]),
  { kind: 'prepare-failed', failure },
  { kind: 'prepare-again' },
  { kind: 'declined', reason: 'no' },
  { kind: 'signing-stopped', failure },
  { kind: 'signing-lost', openOrdinals: [1] },
  { kind: 'return-failed', failure },
  { kind: 'return-again' },
  { kind: 'returned' },
  { kind: 'gone' },
  ...tallies.flatMap((tally): RequestEvent[] => [
    { kind: 'signing-finished', tally },
    { kind: 'given-up', tally, reason: 'enough' },
    { kind: 'incident-closed', tally, note: 'looked into' },
    { kind: 'recovered', openOrdinals: [], tally },
    { kind: 'recovered', openOrdinals: [1], tally },
  ]),
]

interface Reached {
  readonly from: RequestState
  readonly event: RequestEvent
  readonly to: RequestState
  readonly effects: readonly string[]
}

function walk(): Reached[] {
  const seen = new Map<string, RequestState>([[JSON.stringify(initialStep.state), initialStep.state]])
  const queue = [initialStep.state]
  const reached: Reached[] = []
  for (let from = queue.shift(); from !== undefined; from = queue.shift()) {
    for (const event of everyEvent) {
      const next = step(from, event)
      if (next === null) continue
      reached.push({ from, event, to: next.state, effects: next.effects.map((effect) => effect.kind) })
      const key = JSON.stringify(next.state)
      if (seen.has(key)) continue
      seen.set(key, next.state)
      queue.push(next.state)
    }
  }
  return reached
}

describe('the request machine, over every reachable state', () => {
  const reached = walk()

  it('reaches every kind of state', () => {
    expect(new Set(reached.map((r) => r.to.kind))).toEqual(
      new Set(['preparing', 'unprepared', 'review', 'signing', 'interrupted', 'incident', 'returning', 'done']),
    )
  })

  it('signs only after an approval of the very sheet under review, or on from an interruption of that approval', () => {
    const signing = reached.filter((r) => r.effects.includes('sign'))
    expect(signing.length).toBeGreaterThan(0)
    for (const { from, event, to } of signing) {
      expect(to.kind).toBe('signing')
      if (event.kind === 'approved') {
        expect(from).toMatchObject({ kind: 'review', approvable: true, sheetDigest: event.approval.sheetDigest })
      } else {
        expect(event.kind).toBe('resumed')
        expect(from).toMatchObject({
          kind: 'interrupted',
          approval: { sheetDigest: event.kind === 'resumed' ? event.sheetDigest : '' },
        })
      }
    }
  })

  it('never starts to sign by itself after a restart', () => {
    expect(reached.filter((r) => r.event.kind === 'recovered' && r.effects.includes('sign'))).toEqual([])
  })

  it('never leaves an incident but by a person who closes it', () => {
    const left = reached.filter((r) => r.from.kind === 'incident' && r.to.kind !== 'incident')
    expect(new Set(left.map((r) => r.event.kind))).toEqual(new Set(['incident-closed']))
  })

  it('never goes back from a decision to a review', () => {
    const decided = new Set(['signing', 'interrupted', 'incident', 'returning', 'done'])
    expect(reached.filter((r) => decided.has(r.from.kind) && !decided.has(r.to.kind))).toEqual([])
  })

  it('changes nothing any more once it is done', () => {
    expect(reached.filter((r) => r.from.kind === 'done' && (r.to.kind !== 'done' || r.effects.length > 0))).toEqual([])
  })

  it('calls a request signed only when every file is', () => {
    const finished = reached.filter(
      (r) => r.to.kind === 'returning' && r.to.verdict === 'signed' && r.from.kind === 'signing',
    )
    expect(finished.length).toBeGreaterThan(0)
    for (const { event } of finished) {
      expect(event).toMatchObject({ tally: { toSign: 2, signed: 2, failed: 0 } })
    }
  })
})

describe('what does not belong', () => {
  const review: RequestState = { kind: 'review', sheetDigest: digestA, approvable: true }

  it('ignores an approval of a sheet that is not the one under review', () => {
    expect(step(review, { kind: 'approved', approval: approval(digestB) })).toBeNull()
  })

  it('ignores an approval of a sheet that is blocked', () => {
    expect(step({ ...review, approvable: false }, { kind: 'approved', approval: approval(digestA) })).toBeNull()
  })

  it('ignores a second approval', () => {
    const signing = step(review, { kind: 'approved', approval: approval(digestA) })
    expect(signing?.state.kind).toBe('signing')
    expect(signing && step(signing.state, { kind: 'approved', approval: approval(digestA) })).toBeNull()
  })
})
