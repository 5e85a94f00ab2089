import { describe, expect, it } from 'vitest'
import type { RequestDetail } from '../../../shared/request.ts'
import type { FakeState } from '../../testing/fake-station.ts'
import { scenarios, theRequest } from '../../testing/scenarios.ts'
import { outcomeView } from './outcome-view.ts'
import { absentKeyReason, progressView, savedWords, stageView } from './stage-view.ts'

function detailIn(make: () => FakeState): RequestDetail {
  const detail = make().requests.get(theRequest)
  if (detail === undefined) throw new Error('the scenario has no request')
  return detail
}

describe('the stage of a request', () => {
  it.each([
    ['preparing', 'Being prepared', []],
    ['unprepared', 'There is no sheet to review', ['recheck', 'decline']],
    ['token-absent', 'Its key cannot be used now', ['recheck', 'decline-for-key']],
    ['signing', 'Signing', ['cancel']],
    ['interrupted', 'Interrupted: 1 of 3 files signed', ['resume', 'stop']],
    ['incident', 'A signature is in doubt', ['close-incident']],
    ['returning', 'Not returned yet', ['retry-return']],
    ['token-died', 'Not returned yet', ['retry-return']],
    ['signed', 'Signed: 3 files', ['save-outputs']],
    ['partly-signed', 'Partly signed: 1 of 3 files', ['save-outputs']],
    ['declined', 'Declined', []],
  ] as const)('%s says what happened and what can be done', (scenario, title, actions) => {
    expect(stageView(detailIn(scenarios[scenario]))).toMatchObject({ title, actions })
  })

  it('names the token that is to be inserted, and promises no signature for it', () => {
    const detail = detailIn(scenarios['token-absent'])
    expect(stageView(detail)?.sentence).toMatch(/^Insert the token \(.*18204417\).*Nothing is signed without you/)
    expect(absentKeyReason(detail)).toContain(detail.sheet?.key.fingerprint)
    expect(stageView({ ...detail, summary: { ...detail.summary, waitsForKey: false } })).toBeNull()
  })

  it('has nothing to say beside a sheet that is up for review', () => {
    expect(stageView(detailIn(scenarios.fine))).toBeNull()
  })

  it('offers no way to sign while a signature is in doubt', () => {
    expect(stageView(detailIn(scenarios.incident))?.actions).not.toContain('resume')
  })

  it('never calls a request good whose outcome it was not told', () => {
    const detail = detailIn(scenarios.signed)
    expect(stageView({ ...detail, summary: { ...detail.summary, outcome: null } })?.tone).toBe('refused')
  })
})

describe('the progress', () => {
  const detail = detailIn(scenarios['forty-files'])

  it('asks for the touch in words that are read out', () => {
    const view = progressView(detail, { requestId: theRequest, signed: 2, total: 40, phase: 'touch' })
    expect(view).toEqual({
      done: 2,
      total: 40,
      sentence: 'Touch the token now if it blinks: file 3 of 40 waits',
      touch: true,
      announce: 'Touch the token now if it blinks: file 3 of 40 waits',
      keys: null,
    })
  })

  it('announces forty files in tenths', () => {
    const announced = Array.from(
      { length: 41 },
      (_, signed) => progressView(detail, { requestId: theRequest, signed, total: 40, phase: 'signing' }).announce,
    )
    expect(new Set(announced).size).toBe(11)
  })

  it('never counts past the end', () => {
    expect(progressView(detail, { requestId: theRequest, signed: 99, total: 40, phase: 'signing' })).toMatchObject({
      done: 40,
      sentence: 'Signing file 40 of 40',
    })
  })
})

it('shows a file whose outcome is not known as in doubt, never as waiting', () => {
  expect(outcomeView({ kind: 'unknown' })).toMatchObject({ text: 'In doubt', tone: 'refused' })
  expect(outcomeView({ kind: 'waiting' })).toBeNull()
})

it('says of saved files whether their proofs are with them', () => {
  expect([
    savedWords({ files: 3, proofs: 3 }),
    savedWords({ files: 3, proofs: 1 }),
    savedWords({ files: 1, proofs: 0 }),
  ]).toEqual([
    '3 files and the proofs that they are in the log written to',
    '3 files written, only 1 of them with the proof that they are in the log, to',
    '1 file written, without a proof that they are in the log, to',
  ])
})
