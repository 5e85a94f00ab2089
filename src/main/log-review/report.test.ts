import { expect, it } from 'vitest'
import { contradictedBeside, knownOnlyInside, reportOf } from './report.ts'

const facts = {
  origin: 'station.example.org/signing-log/0f1e2d3c4b5a6978',
  size: 3,
  read: 3,
  omitted: 0,
  checkpoints: 1,
  lastCheckpoint: 3,
  lastRoot: 'ab'.repeat(32),
  known: [3],
  cosigned: [],
  openIntents: null,
}
const now = new Date('2026-11-20T12:00:00.000Z')

it('does not call a log verified that only agrees with the checkpoint beside it', () => {
  const report = knownOnlyInside(reportOf({ kind: 'verified', sentence: 'All 3 entries.', facts }, 'station', now))
  expect(report).toMatchObject({ verdict: 'cannot-tell', doubts: [{ code: 'known-only-inside' }], facts: { size: 3 } })
})

it('leaves what was found as it is', () => {
  const finding = { code: 'log-shorter' as const, first: 2, last: 3, sentence: 'Entries 2 to 3 are missing.' }
  const report = reportOf({ kind: 'tampered', finding, facts }, 'station', now)
  expect(knownOnlyInside(report)).toBe(report)
})

it('calls a log tampered that the file beside it contradicts, unless something was found already', () => {
  const fine = reportOf({ kind: 'verified', sentence: 'All 3 entries.', facts }, 'station', now)
  expect(contradictedBeside(fine, 9, 'more-entries')).toMatchObject({
    verdict: 'tampered',
    findings: [{ code: 'log-shorter', sentence: expect.stringContaining('9 entries') }],
  })
  expect(contradictedBeside(fine, 2, 'other-entries')).toMatchObject({ findings: [{ code: 'log-rewritten' }] })
  const finding = { code: 'log-shorter' as const, first: 2, last: 3, sentence: 'Entries 2 to 3 are missing.' }
  const found = reportOf({ kind: 'tampered', finding, facts }, 'station', now)
  expect(contradictedBeside(found, 9, 'more-entries')).toBe(found)
})
