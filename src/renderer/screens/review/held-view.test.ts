import { describe, expect, it } from 'vitest'
import type { RequestDetail } from '../../../shared/request.ts'
import { minutesAgo, sampleDetail, sampleNow, sampleSheet } from '../../testing/sample-data.ts'
import { heldView } from './held-view.ts'

const hours = (amount: number) => minutesAgo(-60 * amount)
const held = (
  change: Partial<NonNullable<RequestDetail['held']>>,
  stage: RequestDetail['summary']['stage'] = 'review',
) =>
  heldView(
    sampleDetail(
      sampleSheet(),
      { stage },
      { held: { since: minutesAgo(180), tokenEndsAt: hours(150), renewalsLeft: 3, ...change } },
    ),
    sampleNow,
  )

describe('a request that is held', () => {
  it('says for how long, that others wait, and when the token ends', () => {
    expect(held({})).toEqual({
      tone: 'neutral',
      title: null,
      sentence:
        'Held for 3 h. While it is held, the server gives this station nothing else. The server’s token for it ends in 6 days, 2026-11-26 16:48:00 UTC.',
      renewal: null,
    })
  })

  it('speaks of no token where the server has none', () => {
    expect(held({ tokenEndsAt: null, renewalsLeft: null })).toMatchObject({
      sentence: 'Held for 3 h. While it is held, the server gives this station nothing else.',
      renewal: null,
    })
  })

  it.each([
    [24, null],
    [23.9, 'Renew …'],
    [0.1, 'Renew …'],
    [-1, 'Renew …'],
  ])('whose token ends in %d hours is offered to be renewed: %s', (end, label) => {
    expect(held({ tokenEndsAt: hours(end) })?.renewal?.label ?? null).toBe(label)
  })

  it.each([
    [3, '3 renewals are left'],
    [1, '1 renewal is left'],
  ])('names the price of a renewal when %d are left', (renewalsLeft, words) => {
    expect(held({ tokenEndsAt: hours(2), renewalsLeft })?.renewal?.price.join(' ')).toContain(words)
  })

  it('that cannot be renewed any more is offered nothing while its token is good, and to be let go when it is dead', () => {
    expect(held({ tokenEndsAt: hours(2), renewalsLeft: 0 })?.renewal).toBeNull()
    expect(held({ tokenEndsAt: hours(-2), renewalsLeft: 0 })?.renewal?.label).toBe('Let it go …')
  })

  it('says of a dead token what does not work, what is kept and what to do', () => {
    const view = held({ tokenEndsAt: hours(-2) })
    expect(view?.title).toBe('The server’s token for this request has ended')
    expect(view?.sentence).toMatch(/Nothing can be approved.*is kept\. Renew it to go on\.$/)
  })

  it('whose result is half at the server is warned that a copy takes its place', () => {
    expect(held({ tokenEndsAt: hours(-2) }, 'returning')?.renewal?.price.join(' ')).toContain(
      'a copy under a new number',
    )
    expect(held({ tokenEndsAt: hours(-2) })?.renewal?.price.join(' ')).not.toContain('copy')
  })

  it('is silent when it is done', () => {
    expect(heldView(sampleDetail(sampleSheet(), { stage: 'done' }, { held: null }), sampleNow)).toBeNull()
  })
})
