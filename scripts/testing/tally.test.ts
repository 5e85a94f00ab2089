import { describe, expect, it } from 'vitest'
import { closingLine, nothing, playwrightTally, skipLines, sum } from './tally.ts'

describe('a tally', () => {
  it('closes a run with one plain line', () => {
    const skipped = [{ name: 'signs with a YubiKey', reason: 'no YubiKey is attached' }]
    expect(
      closingLine(
        sum([
          { ...nothing, passed: 2 },
          { passed: 1, failed: 1, skipped },
        ]),
      ),
    ).toBe('3 passed, 1 failed, 1 skipped')
  })

  it('counts a flaky test, and an error outside of tests, as failed', () => {
    const test = (status: 'expected' | 'unexpected' | 'flaky' | 'skipped', description?: string) => ({
      title: status,
      tests: [
        {
          projectName: 'window',
          status,
          annotations: description === undefined ? [] : [{ type: 'skip', description }],
        },
      ],
    })
    const report = {
      errors: [{ message: 'the configuration could not be read' }],
      suites: [
        {
          title: 'review.spec.ts',
          specs: [test('expected'), test('flaky')],
          suites: [
            { title: 'a sheet', specs: [test('unexpected'), test('skipped', 'no Electron binary'), test('skipped')] },
          ],
        },
      ],
    }
    expect(playwrightTally(report)).toEqual({
      passed: 1,
      failed: 3,
      skipped: [
        { name: 'window > review.spec.ts > a sheet > skipped', reason: 'no Electron binary' },
        { name: 'window > review.spec.ts > a sheet > skipped', reason: 'no reason given' },
      ],
    })
  })
})

describe('what was skipped', () => {
  const tests = (count: number, reason: string) =>
    Array.from({ length: count }, (_, index) => ({ name: `${reason} ${index + 1}`, reason }))

  it('is told one by one, and together where many have the same reason', () => {
    expect(skipLines([...tests(2, 'no token'), ...tests(5, 'no binary')])).toEqual([
      'no token 1: no token',
      'no token 2: no token',
      '5 tests, from no binary 1 to no binary 5: no binary',
    ])
  })
})
