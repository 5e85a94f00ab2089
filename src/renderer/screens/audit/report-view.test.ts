import { expect, it } from 'vitest'
import { cannotTell, sampleFacts, tampered, verified } from '../../testing/sample-log.ts'
import { comparisonFacts, comparisonView, reportView } from './report-view.ts'

const values = (view: ReturnType<typeof reportView>) =>
  Object.fromEntries(view.facts.map(({ label, value }) => [label, value]))

it('says of a verified log how much was read and what it was held against', () => {
  const view = reportView(verified, 'station')
  expect(view).toMatchObject({ tone: 'passed', title: 'Verified: 1,284 entries', doubts: [], bad: null, open: null })
  expect(values(view)).toEqual({
    Log: 'signing1.example.org/signing-log/0f1e2d3c4b5a6978',
    Entries: '1,284, all of them read',
    Checkpoints: '214 signed and right, the last of 1,284 entries',
    'Kept elsewhere': 'It begins with what was signed at 1,278, 1,284 entries',
    Key: 'This station’s own',
    Checked: '2026-11-20 10:48:00 UTC',
  })
})

it('names the first bad entry, and the range where more than one is in question', () => {
  expect(reportView(tampered(231), 'opened')).toMatchObject({
    tone: 'refused',
    title: 'Tampered with: entry 231',
    bad: 231,
    sentence: expect.stringContaining('Entry 231 was changed'),
  })
  const [finding] = tampered(231).findings
  const range = { ...tampered(231), findings: finding === undefined ? [] : [{ ...finding, last: 1_240 }] }
  expect(reportView(range, 'opened').title).toBe('Tampered with: entries 231 to 1,240')
})

it('names no entry where the fault is not in one', () => {
  const [finding] = tampered(1).findings
  const report = { ...tampered(1), findings: finding === undefined ? [] : [{ ...finding, first: null, last: null }] }
  expect(reportView(report, 'opened')).toMatchObject({ title: 'Tampered with', bad: null })
})

it('never calls a log verified that cannot be told, and gives every reason', () => {
  const view = reportView(cannotTell, 'opened')
  expect(view).toMatchObject({ tone: 'unknown', title: 'Cannot tell' })
  expect(view.doubts).toHaveLength(2)
  expect(values(view)).toMatchObject({
    'Kept elsewhere': 'No earlier checkpoint of this log is known here',
    Key: expect.stringContaining('From the file itself'),
  })
})

it('counts what was left out, names witnesses, and leads to an intent without outcome', () => {
  const facts = {
    ...sampleFacts(10),
    read: 4,
    omitted: 6,
    cosigned: [{ witness: 'witness.example.com/w1', size: 8, at: '2026-11-19T08:00:00.000Z' }],
    openIntents: { count: 2, first: [3, 7] as never },
  }
  const view = reportView({ ...verified, facts }, 'opened')
  expect(values(view)).toMatchObject({
    Entries: '10: 4 read, 6 left out',
    Witness: 'witness.example.com/w1, 8 entries, 2026-11-19 08:00:00 UTC',
    'Without outcome': expect.stringContaining('2 intents'),
  })
  expect(view.open).toBe(3)
})

it('bears a file of which nothing could be read', () => {
  const view = reportView({ ...tampered(1), facts: null, findings: [] }, 'opened')
  expect([view.title, view.sentence]).toEqual(['Tampered with', 'The log was tampered with.'])
})

it('says of a comparison what was compared and how', () => {
  const comparison = {
    verdict: 'tampered',
    sentence: 'Entry 3 differs.',
    origin: null,
    olderSize: 10,
    newerSize: 12,
    checkedBy: 'tree',
  } as const
  expect(comparisonView(comparison)).toEqual({
    tone: 'refused',
    title: 'The newer one does not continue the older one',
    sentence: 'Entry 3 differs.',
  })
  expect(comparisonFacts(comparison).map(({ label }) => label)).toEqual(['Older', 'Newer', 'How'])
})
