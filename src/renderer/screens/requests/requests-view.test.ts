import { expect, it } from 'vitest'
import { sampleSheet, sampleSummary } from '../../testing/sample-data.ts'
import { scenarios } from '../../testing/scenarios.ts'
import { gettingStarted } from './getting-started-view.ts'
import { pendingRow, requestRow } from './requests-view.ts'

const summary = sampleSummary(sampleSheet())

it('shows stage and worst check of a request in hand, and only the outcome of a decided one', () => {
  expect(requestRow({ ...summary, worstCheck: 'unknown' })).toMatchObject({
    state: { text: 'To review' },
    worst: { text: 'Unknown', tone: 'unknown' },
  })
  expect(requestRow({ ...summary, stage: 'done', outcome: 'signed' })).toMatchObject({
    state: { text: 'Signed', tone: 'passed' },
    worst: null,
  })
})

it('says of a request that only its key is missing, instead of “unknown”', () => {
  expect(requestRow({ ...summary, worstCheck: 'unknown', waitsForKey: true }).worst).toEqual({
    text: 'Waits for its key',
    tone: 'attention',
  })
  expect(requestRow({ ...summary, stage: 'done', outcome: 'declined', waitsForKey: true }).worst).toBeNull()
})

it('names a key that is not registered by its fingerprint, as unknown', () => {
  expect(requestRow({ ...summary, keyDescription: null }).key).toMatch(/^Unknown key [0-9A-F]{8}…$/)
  expect(requestRow({ ...summary, keyDescription: null, fingerprint: null }).key).toBe('No key named')
})

it('never says that waiting work is held here', () => {
  const { pending } = scenarios.next()
  if (!Array.isArray(pending)) throw new Error('the scenario has no work')
  expect(new Set(pending.map((work) => pendingRow(work).state.text))).toEqual(
    new Set(['Could come here', 'Held by worker 12', 'Not for this station']),
  )
})

it('leads a new station from the server to its first request, one step at a time', () => {
  const state = scenarios.new()
  expect(gettingStarted(state.status, []).map((step) => step.state)).toEqual([
    'now',
    'later',
    'later',
    'later',
    'later',
  ])
  const enrolled = {
    ...state.status,
    server: { kind: 'waiting-for-enable', apiUrl: 'https://x/api', workerFqdn: 'x' },
  } as const
  expect(gettingStarted(enrolled, []).map((step) => step.state)).toEqual(['done', 'done', 'now', 'later', 'later'])
  expect(gettingStarted(scenarios.fine().status, scenarios.fine().keys).every((step) => step.state === 'done')).toBe(
    true,
  )
})
