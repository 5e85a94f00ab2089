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
  expect(contradictedBeside(fine, { size: 9, signedHere: 3, how: 'more-entries' })).toMatchObject({
    verdict: 'tampered',
    findings: [{ code: 'log-shorter', first: 4, last: 9 }],
  })
  const finding = { code: 'log-shorter' as const, first: 2, last: 3, sentence: 'Entries 2 to 3 are missing.' }
  const found = reportOf({ kind: 'tampered', finding, facts }, 'station', now)
  expect(contradictedBeside(found, { size: 9, signedHere: 3, how: 'more-entries' })).toBe(found)
})

it.each([
  [
    'more entries, and one from elsewhere',
    { known: [2, 5], size: 7 },
    { size: 12, signedHere: 6, how: 'more-entries' },
    { first: 6, last: 12 },
    'This log has 7 entries, of which 6 were signed for. Entries 8 to 12 are not here. Entries 1 to 5 are vouched for by a checkpoint from elsewhere; from entry 6 on nothing vouches for them.',
  ],
  [
    'other entries, and none from elsewhere',
    { known: [], size: 7 },
    { size: 4, signedHere: 7, how: 'other-entries' },
    { first: 1, last: 4 },
    'This log has 7 entries, of which 7 were signed for. No checkpoint from elsewhere vouches for any of them, so not for entry 1 either.',
  ],
  [
    'other entries, and a later one from elsewhere',
    { known: [6], size: 7 },
    { size: 4, signedHere: 7, how: 'other-entries' },
    { first: null, last: null },
    'Entries 1 to 6 are vouched for by a checkpoint from elsewhere: the one beside the database was signed for a second log.',
  ],
] as const)(
  'names what the copy has, what the log has, and the first entry in doubt: %s',
  (_name, more, beside, place, says) => {
    const fine = reportOf(
      { kind: 'verified', sentence: '', facts: { ...facts, ...more, known: [...more.known] } },
      'station',
      now,
    )
    const [finding] = contradictedBeside(fine, beside).findings
    expect(finding).toMatchObject({ ...place, sentence: expect.stringContaining(says) })
    expect(finding?.sentence).toContain(`${beside.size} entries`)
  },
)
