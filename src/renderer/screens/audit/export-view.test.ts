import { expect, it } from 'vitest'
import { exportChoice } from './export-view.ts'

it('narrows an export by time, key and request, and says what is left of the filter', () => {
  const fingerprint = 'AB'.repeat(32)
  expect(exportChoice({ since: '2026-11-20T00:00:00.000Z', fingerprint, event: 'signed' })).toEqual({
    selection: { since: '2026-11-20T00:00:00.000Z', until: null, fingerprint, requestId: null },
    words: `Entries with key ${fingerprint}, from 2026-11-20 00:00:00 UTC. The others are shown to be only left out. The rest of the filter does not narrow an export.`,
  })
})

it('offers no part where the filter holds nothing that an export can be narrowed by', () => {
  for (const filter of [{}, { operator: 'Zoë', event: 'signed' }, { fingerprint: 'ABCDEF12' }] as const)
    expect(exportChoice(filter).selection).toBeNull()
})
