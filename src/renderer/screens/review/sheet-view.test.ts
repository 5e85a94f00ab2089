import { describe, expect, it } from 'vitest'
import type { ReviewSheet } from '../../../shared/review-sheet.ts'
import {
  requestIdOf,
  sampleArtifact,
  sampleChecks,
  sampleDetail,
  sampleFile,
  sampleNow,
  sampleSheet,
} from '../../testing/sample-data.ts'
import { scenarios, theRequest } from '../../testing/scenarios.ts'
import { decisionSentence, sheetView, trustedCertsView } from './sheet-view.ts'

function viewOf(sheet: ReviewSheet, change: Parameters<typeof sampleDetail>[2] = {}) {
  return sheetView(sampleDetail(sheet, {}, change), sheet, sampleNow)
}

describe('the head of the sheet', () => {
  it('says what, for whom and with which key', () => {
    const { headline, keys, production } = viewOf(sampleSheet())
    expect(headline).toEqual({
      files: '3 files',
      skipped: 0,
      from: 'work request 10423',
      workspace: 'debian/sid',
    })
    expect(keys.map(({ description }) => description)).toEqual(['Secure Boot signer 2026 (linux)'])
    expect(production).toBe(true)
  })

  it('counts only what would be signed, and says how much is skipped', () => {
    const files = [sampleFile(0), sampleFile(1, { disposition: 'skip', toBeSigned: null })]
    expect(viewOf(sampleSheet({ artifacts: [sampleArtifact(files)] })).headline).toMatchObject({
      files: '1 file',
      skipped: 1,
    })
  })
})

describe('who asks', () => {
  it('gives each fact with its source and what it is worth', () => {
    const worth = viewOf(sampleSheet()).asked.map(({ id, source, assurance }) => `${id} ${source} ${assurance}`)
    expect(worth).toEqual([
      'requested-by server claimed',
      'permission-8812 server claimed',
      'asked-at server claimed',
      'server station verified',
      'workspace server claimed',
    ])
  })

  it('shows a requester without a name as unknown, not as a claim', () => {
    const sheet = sampleSheet()
    const [who] = sheetView(sampleDetail(sheet, { requestedBy: null }), sheet, sampleNow).asked
    expect(who).toMatchObject({ id: 'requested-by', assurance: 'unknown' })
  })

  it('shows a permission that was not answered as unknown', () => {
    const sheet = sampleSheet({
      artifacts: [sampleArtifact([sampleFile(0)], { permission: { kind: 'not-answered', reason: 'time-out' } })],
    })
    expect(viewOf(sheet).asked[1]).toMatchObject({
      label: 'Permission',
      assurance: 'unknown',
      value: { text: 'No answer: time-out' },
    })
  })

  it('lists answers that differ between artifacts apart, each with its artifact', () => {
    const sheet = sampleSheet({
      artifacts: [
        sampleArtifact([sampleFile(0)]),
        sampleArtifact([sampleFile(1)], {
          artifactId: 8_813 as never,
          permission: { kind: 'answered', allowed: false, username: 'kernel-uploader', userId: 42, resource: {} },
        }),
        sampleArtifact([sampleFile(2)], { artifactId: 8_814 as never }),
      ],
    })
    expect(
      viewOf(sheet)
        .asked.filter((fact) => fact.id.startsWith('permission'))
        .map((fact) => fact.label),
    ).toEqual(['Permission (artifact 8812, 8814)', 'Permission (artifact 8813)'])
  })

  it('passes hostile names on as they are, for the component that makes them visible', () => {
    const sheet = sampleSheet()
    const [who] = sheetView(sampleDetail(sheet, { requestedBy: '<b>\u202Eroot' }), sheet, sampleNow).asked
    expect(who?.value).toEqual({ kind: 'name', text: '<b>\u202Eroot' })
  })
})

describe('trusted certificates', () => {
  it('never confuses not declared, declared empty and declared', () => {
    const views = [
      trustedCertsView({ trustedCerts: { kind: 'not-declared' } }),
      trustedCertsView({ trustedCerts: { kind: 'declared-empty' } }),
      trustedCertsView({ trustedCerts: { kind: 'declared', certificates: [{ fingerprint: 'aa', trusted: true }] } }),
      trustedCertsView({
        trustedCerts: {
          kind: 'declared',
          certificates: [
            { fingerprint: 'aa', trusted: true },
            { fingerprint: 'bb', trusted: false },
          ],
        },
      }),
    ]
    expect(views.map(({ tone, heading }) => `${tone}: ${heading}`)).toEqual([
      'attention: Not declared',
      'passed: Declared: none',
      'passed: Declared: 1 of 1 trusted',
      'refused: Declared: 1 of 2 trusted',
    ])
  })
})

describe('the decision', () => {
  it('is open when main says so and no check stands against it', () => {
    expect(viewOf(sampleSheet()).decision).toEqual({ kind: 'approvable', acknowledge: [] })
  })

  it('wants each check that needs a person acknowledged by name', () => {
    const sheet = sampleSheet({
      checks: sampleChecks({
        'file-explained': ['attention', '1 file cannot be explained.'],
        'signed-before': ['attention', 'Signed before.'],
      }),
    })
    const { decision } = viewOf(sheet)
    expect(decision).toMatchObject({
      kind: 'approvable',
      acknowledge: [{ id: 'file-explained' }, { id: 'signed-before' }],
    })
  })

  it.each(['refused', 'unknown'] as const)('is blocked by a check that is %s, with its sentence', (outcome) => {
    const sheet = sampleSheet({ checks: sampleChecks({ permission: [outcome, 'Not allowed.'] }) })
    expect(viewOf(sheet).decision).toEqual({
      kind: 'blocked',
      sentence: 'This request cannot be approved: 1 check does not allow it.',
      reasons: [{ id: 'permission', question: 'Requester’s permission', sentence: 'Not allowed.' }],
    })
  })

  it('stays blocked when main calls a sheet approvable that shows a refused check', () => {
    const sheet = sampleSheet({ checks: sampleChecks({ permission: ['refused', 'Not allowed.'] }) })
    expect(viewOf(sheet, { approvability: { kind: 'approvable', acknowledge: [] } }).decision.kind).toBe('blocked')
  })

  it('wants a check acknowledged that the sheet shows and main forgot', () => {
    const sheet = sampleSheet({ checks: sampleChecks({ 'signed-before': ['attention', 'Signed before.'] }) })
    expect(viewOf(sheet, { approvability: { kind: 'approvable', acknowledge: [] } }).decision).toMatchObject({
      acknowledge: [{ id: 'signed-before' }],
    })
  })

  it('is blocked when nobody said that it can be approved', () => {
    expect(viewOf(sampleSheet(), { approvability: null }).decision.kind).toBe('blocked')
  })

  it('is blocked when there is nothing to sign', () => {
    expect(viewOf(sampleSheet({ artifacts: [] })).decision.kind).toBe('blocked')
  })

  it('shows a reason even for a check that is not on the sheet', () => {
    expect(viewOf(sampleSheet(), { approvability: { kind: 'blocked', by: ['something-new'] } }).decision).toMatchObject(
      {
        kind: 'blocked',
        reasons: [{ id: 'something-new', sentence: 'This check is not on the sheet.' }],
      },
    )
  })

  it('is not open in any scenario with a check that refuses or is unknown', () => {
    for (const [name, make] of Object.entries(scenarios)) {
      const detail = make().requests.get(theRequest)
      if (detail?.sheet === null || detail === undefined) continue
      const blocks = detail.sheet.checks.some((check) => check.outcome === 'refused' || check.outcome === 'unknown')
      expect([name, sheetView(detail, detail.sheet, sampleNow).decision.kind]).toEqual([
        name,
        blocks ? 'blocked' : 'approvable',
      ])
    }
  })
})

it('says who decided and when', () => {
  expect(decisionSentence({ kind: 'declined', operator: 'R. M.', at: '2026-11-20T10:48:00.000Z', reason: null })).toBe(
    'Declined by R. M. at 2026-11-20 10:48:00 UTC',
  )
})

it('counts the outcomes of the checks', () => {
  const sheet = sampleSheet({
    requestId: requestIdOf(2),
    checks: sampleChecks({ permission: ['refused', ''], 'sbat-level': ['not-applicable', ''] }),
  })
  expect(viewOf(sheet).checkCounts).toEqual({ passed: 12, attention: 0, refused: 1, unknown: 0, 'not-applicable': 1 })
})
