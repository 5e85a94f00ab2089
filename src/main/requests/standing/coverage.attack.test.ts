import { describe, expect, it } from 'vitest'
import { fingerprint } from '../../../shared/ids.ts'
import type { ReviewSheet } from '../../../shared/review-sheet.ts'
import { coverageOf, endedByTime, type Grant } from './coverage.ts'

const print = fingerprint.parse('C3'.repeat(32))
const hour = 3_600_000
const grant: Grant = {
  purpose: 'openpgp-repository',
  fingerprint: print,
  scope: 'forky',
  uses: 5,
  grantedAt: 1_000 * hour,
  endsAt: 1_004 * hour,
  steadyFrom: 50,
  lockSeen: true,
}

describe('what a standing approval covers', () => {
  const sheet = (...outcomes: ReviewSheet['checks'][number]['outcome'][]) => ({
    purpose: 'openpgp-repository' as const,
    key: { fingerprint: print, registered: null },
    checks: outcomes.map((outcome, index) => ({
      id: index === 0 ? ('permission' as const) : ('index-progress' as const),
      outcome,
      sentence: '',
      evidence: [],
    })),
  })

  const other = { fingerprint: fingerprint.parse('D4'.repeat(32)), registered: null }

  it('is a sheet of its key and scope on which every check passed', () => {
    expect(coverageOf(grant, sheet('passed', 'not-applicable'), 'forky')).toEqual({ kind: 'covered' })
  })

  it('is never a sheet with a refused or unknown check: that ends it, of whatever scope the sheet is', () => {
    for (const scope of ['forky', 'trixie', null]) {
      expect(coverageOf(grant, sheet('passed', 'refused'), scope)).toEqual({ kind: 'ends', why: 'check-refused' })
      expect(coverageOf(grant, sheet('unknown', 'passed'), scope)).toEqual({ kind: 'ends', why: 'check-unknown' })
      expect(coverageOf(grant, sheet('refused', 'unknown'), scope)).toEqual({ kind: 'ends', why: 'check-refused' })
    }
  })

  it('is never what needs attention, nor a sheet without checks', () => {
    expect(coverageOf(grant, sheet('passed', 'attention'), 'forky')).toEqual({ kind: 'for-a-person' })
    expect(coverageOf(grant, sheet(), 'forky')).toEqual({ kind: 'for-a-person' })
  })

  it('is no other scope, purpose or key', () => {
    expect(coverageOf(grant, sheet('passed'), 'forky-updates')).toEqual({ kind: 'other' })
    expect(coverageOf(grant, sheet('passed'), null)).toEqual({ kind: 'other' })
    expect(coverageOf(grant, { ...sheet('passed'), purpose: 'openpgp' }, 'forky')).toEqual({ kind: 'other' })
    expect(coverageOf(grant, { ...sheet('passed'), key: other }, 'forky')).toEqual({ kind: 'other' })
  })

  it('is no sheet that more keys sign, wherever its key stands there, and a refused check of that ends it', () => {
    const permission = { kind: 'no-such-key' } as const
    const first = { furtherKeys: [{ key: other, permission, signedBefore: [] }] }
    const second = { key: other, furtherKeys: [{ key: sheet().key, permission, signedBefore: [] }] }
    for (const several of [first, second]) {
      expect(coverageOf(grant, { ...sheet('passed'), ...several }, 'forky')).toEqual({ kind: 'for-a-person' })
      expect(coverageOf(grant, { ...sheet('refused'), ...several }, 'forky')).toMatchObject({ kind: 'ends' })
    }
  })
})

describe('how long a standing approval lasts', () => {
  const at = (hours: number, change: Partial<Parameters<typeof endedByTime>[1]> = {}) =>
    endedByTime(grant, {
      now: grant.grantedAt + hours * hour,
      lastNow: grant.grantedAt,
      steady: grant.steadyFrom + hours * hour,
      seesLock: true,
      unseenMs: hour / 4,
      ...change,
    })

  it('is until its end', () => {
    expect(at(3.99)).toBeNull()
    expect(at(4)).toBe('time-over')
  })

  it('is not longer for a clock that is set back, by whatever little', () => {
    expect(at(1, { lastNow: grant.grantedAt + hour + 1 })).toBe('clock-moved-back')
    expect(at(-1, { lastNow: 0, steady: grant.steadyFrom })).toBe('clock-moved-back')
    // Set back between two looks and forward again: the steady clock has gone on.
    expect(at(1, { steady: grant.steadyFrom + 4 * hour })).toBe('time-over')
  })

  it('is shorter where the clock is set forward, and where the machine slept', () => {
    expect(at(5, { steady: grant.steadyFrom })).toBe('time-over')
  })

  it('is short where the lock of the desk is not seen, from the beginning or from later on', () => {
    expect(at(0.2, { seesLock: false })).toBeNull()
    expect(at(0.25, { seesLock: false })).toBe('lock-not-seen')
    expect(at(3, { seesLock: false })).toBe('lock-not-seen')
  })
})
