import { expect, it } from 'vitest'
import type { RequestStage } from '../../../shared/request.ts'
import { keyScenarios, sampleGeneration } from '../../testing/key-scenarios.ts'
import { sampleToken, sampleTokenSummary } from '../../testing/sample-data.ts'
import { continues, keyRequestStage, placeOptions, wantsPlace, wishFacts } from './key-request-view.ts'

function request(stage: RequestStage, made = null as ReturnType<typeof sampleGeneration> | null) {
  const [detail] = keyScenarios['key-request']().requests.values()
  if (detail?.generation == null) throw new Error('no request for a key')
  return { ...detail, summary: { ...detail.summary, stage }, generation: { ...detail.generation, made } }
}
const other = sampleTokenSummary({ id: { ...sampleToken, serial: '99' } })

it('shows what is asked for as the server’s word', () => {
  const { wish } = request('review').generation
  const facts = wishFacts(wish)
  expect(facts.every(({ source, assurance }) => source === 'server' && assurance === 'claimed')).toBe(true)
  expect(facts.map(({ id }) => id)).toEqual(['purpose', 'description', 'storage', 'workspace', 'asked'])
  const kept = (storage: string | null) => wishFacts({ ...wish, storage }).find(({ id }) => id === 'storage')?.value
  expect(kept('nacl')).toMatchObject({ text: expect.stringContaining('not what was asked for') })
  expect(kept(null)).toMatchObject({ text: expect.stringContaining('does not say') })
})

it('offers the places that the settings allow, of what is here', () => {
  const tokens = [sampleTokenSummary(), other]
  const labels = (policy: Parameters<typeof placeOptions>[0], purpose = 'uefi') =>
    placeOptions(policy, purpose, tokens).map(({ label }) => label)
  expect(labels({ accept: true, software: true, tokens: 'any' })).toEqual([
    'On YubiKey YK5, serial 18204417 …',
    'On YubiKey YK5, serial 99 …',
    'In software, as a test key …',
  ])
  expect(labels({ accept: true, software: true, tokens: ['99'] }, 'openpgp')).toEqual(['On YubiKey YK5, serial 99 …'])
  expect(labels({ accept: true, software: false, tokens: ['99'] })).toEqual(['On YubiKey YK5, serial 99 …'])
  expect(labels({ accept: true, software: false, tokens: [] })).toEqual([])
})

it.each([
  ['review', null, true, false],
  ['interrupted', null, true, false],
  ['interrupted', 'failed', true, false],
  ['interrupted', 'closed', true, false],
  ['interrupted', 'made', false, true],
  // Finished from the screen of keys: only the server is still to be told.
  ['interrupted', 'registered', false, true],
  ['signing', 'intended', false, false],
  ['incident', 'incident', false, false],
  ['done', 'registered', false, false],
] as const)('at %s with a key that is %s: a place %s, go on %s', (stage, state, place, goOn) => {
  const detail = request(stage, state === null ? null : sampleGeneration({ state }))
  expect([wantsPlace(detail), continues(detail)]).toEqual([place, goOn])
})

it('never says “signed” of a key, and offers no cancelling that does nothing', () => {
  const stages = ['unprepared', 'signing', 'interrupted', 'incident', 'returning', 'done'] as const
  const views = stages.map((stage) => keyRequestStage(request(stage), null))
  expect(views.map((view) => view?.actions)).toEqual([['recheck', 'decline'], [], ['stop'], ['close-incident'], [], []])
  for (const view of views) expect(`${view?.title} ${view?.sentence}`).not.toMatch(/signed|signature/i)
})
