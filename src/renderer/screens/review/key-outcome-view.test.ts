import { describe, expect, it } from 'vitest'
import type { FurtherOutcome, RequestDetail } from '../../../shared/request.ts'
import { minutesAgo, sampleFingerprint } from '../../testing/sample-data.ts'
import { signedFile } from '../../testing/sample-sheets.ts'
import { type ScenarioName, scenarios, theRequest } from '../../testing/scenarios.ts'
import {
  type FileState,
  fileOutcomeView,
  keyOutcomes,
  keysToSign,
  openSignatures,
  showsSignatures,
} from './key-outcome-view.ts'
import { progressView, stageView } from './stage-view.ts'

function detailIn(name: ScenarioName): RequestDetail {
  const detail = scenarios[name]().requests.get(theRequest)
  if (detail === undefined) throw new Error('the scenario has no request')
  return detail
}

function file(outcome: FileState['outcome'], ...others: readonly FurtherOutcome[]): FileState {
  return {
    ordinal: 0,
    path: 'Release',
    outcome,
    further: others.map((each) => ({ fingerprint: sampleFingerprint, outcome: each })),
  }
}
const waiting = { kind: 'waiting' } as const
const unknown = { kind: 'unknown' } as const
const made = { kind: 'made', at: minutesAgo(1) } as const
const failed = {
  kind: 'failed',
  failure: { kind: 'unavailable', code: 'token-removed', message: 'It was removed.' },
  at: minutesAgo(1),
} as const

describe('the signatures of several keys', () => {
  it('are told key by key: made, waiting, failed, not known', () => {
    const words = (state: FileState, over = false) =>
      keyOutcomes(state, over).map(({ number, text, tone }) => `${number} ${text} ${tone}`)
    expect(words(file(waiting, made, unknown, failed))).toEqual([
      '1 Waiting neutral',
      '2 Signed accent',
      '3 In doubt refused',
      '4 Not signed refused',
    ])
    expect(words(file(signedFile('Release'), made))).toEqual(['1 Signed passed', '2 Signed passed'])
    // Once it is over, a key that waited was never used, and what the other made is no good news.
    expect(words(file(waiting, made), true)).toEqual(['1 Not signed neutral', '2 Signed neutral'])
    // What became of a further key is the file's outcome until the first one is asked: it is not the first one's.
    expect(words(file(unknown, made, unknown))[0]).toBe('1 Waiting neutral')
    expect(words(file({ kind: 'begun' }, made, { kind: 'begun' }))).toEqual([
      '1 Waiting neutral',
      '2 Signed accent',
      '3 Begun accent',
    ])
    // A signature that was begun is one whose end nobody knows.
    expect(words(file({ kind: 'begun' }, made), true)).toEqual(['1 In doubt refused', '2 Signed neutral'])
  })

  it('are not spoken of where one key signs', () => {
    const [first] = detailIn('interrupted').files
    if (first === undefined) throw new Error('there is a file')
    expect(keyOutcomes(first, false)).toEqual([])
    expect(showsSignatures(detailIn('interrupted'))).toBe(false)
    expect(openSignatures(detailIn('incident'))).toEqual({ several: false, doubtful: [], held: [] })
  })

  it('say whether what a key made goes out', () => {
    const second = (state: FileState, over: boolean) => keyOutcomes(state, over)[1]?.detail
    expect(second(file(waiting, made), false)).toContain('Kept here until the file is complete.')
    expect(second(file(waiting, made), true)).toContain('never released')
    expect(second(file(signedFile('Release'), made), true)).not.toContain('released')
  })
})

describe('the row of a file', () => {
  it('is in doubt as soon as one signature is, whatever else is known', () => {
    expect(fileOutcomeView(file(waiting, made, unknown))).toMatchObject({ text: 'In doubt', tone: 'refused' })
    expect(fileOutcomeView(file(failed, failed, unknown))).toMatchObject({
      text: 'In doubt',
      detail: expect.stringMatching(/^Key 3:/),
    })
  })

  it('is never called signed before the first key has signed', () => {
    expect(fileOutcomeView(file(waiting, made, made))).toMatchObject({ text: '2 of 3 keys', tone: 'accent' })
    expect(fileOutcomeView(file(waiting, made, failed))).toMatchObject({
      text: 'Not signed',
      detail: expect.stringMatching(/^Key 3: It was/),
    })
    expect(fileOutcomeView(file(signedFile('Release'), made))).toMatchObject({ text: 'Signed', tone: 'passed' })
    expect(fileOutcomeView(file(waiting, waiting))).toBeNull()
  })
})

describe('a request that several keys sign', () => {
  it('asks no key again that has signed', () => {
    expect(keysToSign({ files: [file(waiting, made, waiting)] })).toEqual([1, 3])
    expect(keysToSign({ files: [file(waiting, waiting, made)] })).toEqual([1, 2])
    expect(keysToSign(detailIn('interrupted'))).toEqual([1])
  })

  it('that was interrupted says who has signed and that nothing went out', () => {
    const view = stageView(detailIn('several-interrupted-three'))
    expect(view?.title).toBe('Interrupted: key 2 has signed')
    expect(view?.sentence).toMatch(/^Key 2 has signed; continue with the PIN\..*out only with the complete file/)
    expect(view?.actions).toEqual(['resume', 'stop'])
    const before = detailIn('several-interrupted')
    const none = { ...before, files: [file(waiting, waiting)] }
    expect(stageView(none)?.sentence).toContain('before the next key was used')
  })

  it('in an incident names the key in doubt, a further one or the first', () => {
    expect(stageView(detailIn('several-incident'))).toMatchObject({
      title: 'A signature by key 3 is in doubt',
      sentence: expect.stringMatching(
        /signature by key 3 and its answer never arrived.*Key 2 has signed: that is kept, too, and not released/,
      ),
      actions: ['close-incident'],
    })
    expect(stageView(detailIn('several-incident-first'))?.title).toBe('A signature by key 1 is in doubt')
    const two = { ...detailIn('several-incident'), files: [file(unknown, made, unknown, unknown)] }
    expect(stageView(two)?.title).toBe('2 signatures by keys 3 and 4 are in doubt')
  })

  it('that failed does not say that nothing was signed when a key has signed', () => {
    expect(stageView(detailIn('several-failed'))?.sentence).toBe(
      'No file was signed. The server was told why. Key 2 has signed: that signature is on record and is never released, because the file was not completed.',
    )
    const detail = detailIn('several-failed')
    const withdrawn = { ...detail, summary: { ...detail.summary, outcome: 'aborted-by-server' as const } }
    expect(stageView(withdrawn)?.sentence).not.toContain('Nothing was signed')
  })

  it('counts keys while it is signed', () => {
    expect(progressView(detailIn('several-signing'), null)).toMatchObject({
      keys: { done: 1, total: 3 },
      sentence: 'Signing file 1 of 1 with 3 keys',
      announce: '0 of 1 signed, 1 of 3 keys for this file',
    })
    const before = { ...detailIn('several-signing'), files: [file(waiting, waiting, waiting)] }
    expect(progressView(before, null).sentence).toBe('Unlocking the tokens …')
  })

  it('that waits for a key names every token, because any may be the one that is not here', () => {
    expect(stageView(detailIn('several-waits'))).toMatchObject({
      title: 'One of its keys cannot be used now',
      sentence: expect.stringMatching(/YubiKey YK5, serial 18204417; YubiHSM, serial 07550140/),
    })
  })
})
