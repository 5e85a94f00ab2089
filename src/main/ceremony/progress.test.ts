import { expect, it } from 'vitest'
import type { CeremonyRecord } from '../../shared/ceremony.ts'
import { deviationsIn, stepNow, stepStates } from './progress.ts'
import { planOf } from './script.ts'

const planned = planOf(
  Buffer.from(
    JSON.stringify({
      format: 'signing-station-ceremony/1',
      title: 'T',
      purpose: 'P',
      steps: ['one', 'two', 'three'].map((id) => ({ id, kind: 'note', title: id })),
    }),
  ),
  {},
)
if (!planned.ok) throw new Error(planned.error.message)
const { script } = planned.value

const at = (second: number) => `2026-01-02T03:04:${String(second).padStart(2, '0')}.000Z`
const about = (n: number) => ({ n, at: at(n), operator: 'O' })
const result = { facts: [], files: [], people: null, device: null, key: null }
const records: readonly CeremonyRecord[] = [
  { ...about(1), event: 'ceremony-step-begun', step: 'one', attempt: 1 },
  { ...about(2), event: 'ceremony-step-failed', step: 'one', code: 'no', message: 'No.' },
  { ...about(3), event: 'ceremony-step-begun', step: 'one', attempt: 2 },
  { ...about(4), event: 'ceremony-act-intended', step: 'one', act: 'export-wrapped', deviceSerial: '1', object: 'x' },
  { ...about(5), event: 'ceremony-step-ended', step: 'one', result },
  { ...about(6), event: 'ceremony-deviation', step: 'two', effect: 'skipped', by: 'W', reason: 'R' },
  { ...about(7), event: 'ceremony-deviation', step: 'three', effect: 'noted', by: 'W', reason: 'R' },
]

it('tells from the records alone where each step is', () => {
  expect(stepStates(script, [])).toEqual([{ kind: 'waiting' }, { kind: 'waiting' }, { kind: 'waiting' }])
  expect(stepStates(script, records.slice(0, 4))[0]).toEqual({
    kind: 'begun',
    at: at(1),
    attempt: 2,
    failure: { code: 'no', message: 'No.' },
    intended: 'export-wrapped',
  })
  expect(stepStates(script, records)).toEqual([
    { kind: 'done', startedAt: at(1), endedAt: at(5), result },
    { kind: 'skipped', at: at(6), by: 'W', reason: 'R' },
    { kind: 'waiting' },
  ])
  expect([0, 4, 5, 6, 7].map((count) => stepNow(stepStates(script, records.slice(0, count))))).toEqual([0, 0, 1, 2, 2])
  expect(deviationsIn(records)).toBe(2)
})
