import { expect, it } from 'vitest'
import type { CeremonyRecord } from '../../shared/ceremony.ts'
import { ceremonyId, ceremonyRecord } from '../../shared/ceremony.ts'
import { plainLine } from '../../shared/ceremony-script.ts'
import { auditSeq } from '../../shared/ids.ts'
import { planOf } from './script.ts'
import { readTranscript, type Transcript } from './transcript.ts'
import { transcriptHtml } from './transcript-html.ts'

// Names and texts are whatever somebody typed; on paper they must not become something else.

const hostile = `<script>alert(1)</script>"'&\u202egnp\u0007`

function transcriptWith(reason: string): Transcript {
  const plan = planOf(
    Buffer.from(
      JSON.stringify({
        format: 'signing-station-ceremony/1',
        title: '<b>Title</b> & "more"',
        purpose: "It's <i>this</i>",
        steps: [{ id: 'one', kind: 'note', title: '<img src=x onerror=alert(1)>' }],
      }),
    ),
    {},
  )
  if (!plan.ok) throw new Error(plan.error.message)
  const at = '2026-01-02T03:04:05.678Z'
  // Written by other hands than ours: the schema would not have taken it.
  const record = {
    event: 'ceremony-deviation',
    n: 1,
    at,
    operator: 'O',
    step: 'one',
    effect: 'skipped',
    by: hostile,
    reason,
  } as CeremonyRecord
  return {
    format: 'signing-station-transcript/1',
    ceremonyId: ceremonyId.parse('2b1c3a52-1a54-4c0e-8b0c-1f2f7f2f3c22'),
    stationName: hostile,
    logKey: null,
    plan: plan.value,
    outcome: 'abandoned',
    begunAt: at,
    endedAt: at,
    records: [{ seq: auditSeq.parse(1), record }],
  }
}

it('shows markup as text and what cannot be seen by its number', () => {
  const html = transcriptHtml(transcriptWith(hostile), 'a'.repeat(64))
  const tags = new Set([...html.matchAll(/<([a-z0-9]+)[\s>]/g)].map(([, tag]) => tag))
  for (const tag of ['script', 'img', 'b', 'i']) expect(tags).not.toContain(tag)
  for (const mark of ['\u202e', '\u0007']) expect(html).not.toContain(mark)
  expect(html).toContain('\\u{202e}')
  expect(html).toContain("default-src 'none'")
})

it.each(['A\u202eB', 'A\u0000B', 'A\nB', 'A\u2066B', '', ' ', 'x'.repeat(121), '\ud800'])(
  'takes no name %j',
  (name) => {
    expect(plainLine(120).safeParse(name).success).toBe(false)
  },
)

it.each(['Zoë Müller', '山田 太郎', 'محمد', 'ن\u200cام', "O'Neill-Smith, Jr."])('takes the name %s', (name) => {
  expect(plainLine(120).safeParse(name).success).toBe(true)
})

it('takes no record with a hidden mark, and no transcript that is not canonical', () => {
  const { record } = transcriptWith('x').records[0] ?? {}
  expect(ceremonyRecord.safeParse(record).success).toBe(false)
  expect(readTranscript(Buffer.from(JSON.stringify(transcriptWith('x'))))).toBeNull()
})
