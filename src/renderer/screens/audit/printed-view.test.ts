import { expect, it } from 'vitest'
import { printedHead } from './printed-view.ts'

it('says which log, which part of it, who had the report made and when', () => {
  const about = {
    source: 'opened',
    origin: null,
    file: '/media/x.jsonl',
    by: null,
    madeAt: '2026-11-20T10:48:00.000Z',
    words: '“Signed”, from 2026-11-20 00:00:00 UTC',
    total: 1_204,
  } as const
  expect(printedHead(about)).toEqual([
    { label: 'Log', value: 'It names no station' },
    { label: 'Read from', value: '/media/x.jsonl' },
    { label: 'Entries', value: 'Those “Signed”, from 2026-11-20 00:00:00 UTC' },
    { label: 'Number', value: '1,204' },
    { label: 'Made at', value: '2026-11-20 10:48:00 UTC' },
  ])
})
