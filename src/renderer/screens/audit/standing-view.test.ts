import { expect, it } from 'vitest'
import { sampleNow } from '../../testing/sample-data.ts'
import { scenarios } from '../../testing/scenarios.ts'
import { standingView, witnessName } from './standing-view.ts'

const { status } = scenarios.fine()

it('says how much of the log is signed, and since when', () => {
  expect(standingView(status, sampleNow)).toEqual({
    tone: 'passed',
    sentence: 'Last checkpoint 7 min ago: 1,284 entries signed, all of them.',
    needsKey: false,
  })
})

it('counts what came after the last checkpoint', () => {
  const behind = { ...status, checkpoint: { size: 1_283, at: status.checkpoint?.at ?? null, warnings: [] } }
  expect(standingView(behind, sampleNow).sentence).toContain('1 entry since then is not signed yet')
})

it('never calls a log signed that has no key or no checkpoint', () => {
  const none = standingView({ ...status, logKey: null, checkpoint: null }, sampleNow)
  const unsigned = standingView({ ...status, checkpoint: { size: 0, at: null, warnings: [] } }, sampleNow)
  expect([none.tone, none.needsKey, unsigned.tone, unsigned.needsKey]).toEqual(['attention', true, 'attention', false])
})

it('knows a witness by the name in its key', () => {
  expect(witnessName('witness.example.com/w1+9ef720b7+BK8f')).toBe('witness.example.com/w1')
})
