import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import { codeOf, DeskBench, type DeskBenchOptions, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'

describe.skipIf(softHsmModule() === null).each(['0.11', '0.16'] as const)(
  'requests of a debusine %s (needs SoftHSM: apt-get install softhsm2)',
  (dialect) => {
    let tokens: SharedTokens
    let bench: DeskBench
    beforeAll(async () => {
      tokens = await makeSharedTokens()
    })
    afterAll(() => tokens.dispose())
    afterEach(() => bench.dispose())
    const open = async (options: Partial<DeskBenchOptions> = {}) => {
      bench = await DeskBench.make({ tokens, dialect, ...options })
    }

    test('a fine one is reviewed, approved, signed and returned', async () => {
      await open()
      const work = await bench.ask(2)
      await bench.approve(work)
      expect(await bench.untilCompleted(work)).toBe('success')
      await bench.until(work, 'done')
      expect(await bench.story(work)).toEqual([
        'request-received',
        'sheet-shown',
        'approved',
        'intent',
        'intent',
        'signed',
        'signed',
        'returned',
      ])
      expect(bench.server.record.violations).toEqual([])
    })
  },
)
void codeOf
void orThrow
