import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import { codeOf, DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'

// What was true when the sheet was made and is not any more when the operator says yes.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

describe.skipIf(softHsmModule() === null)(
  'an approval of what is no longer so (needs SoftHSM: apt-get install softhsm2)',
  () => {
    const trusted = 'AB'.repeat(32)
    let tokens: SharedTokens
    let bench: DeskBench
    beforeAll(async () => {
      tokens = await makeSharedTokens()
      bench = await DeskBench.make({ tokens, trustedCerts: [trusted] })
    })
    afterAll(async () => {
      await bench.dispose()
      await tokens.dispose()
    })

    test('because a certificate was taken off the list is refused, and so is the next sheet', async () => {
      const work = await bench.ask(1, { trustedCerts: [trusted] })
      const detail = await bench.until(work, 'review')
      await bench.showSheet(detail)
      orThrow(await bench.station.saveSettings({ ...bench.station.settings(), trustedCerts: [] }))
      expect(codeOf(await bench.station.desk.approve(bench.approval(detail)))).toBe('checks-changed')
      expect(await bench.signatures(work)).toEqual([])
      orThrow(await bench.station.desk.recheck(detail.summary.id))
      expect((await bench.show(work)).approvability).toMatchObject({ kind: 'blocked', by: ['trusted-certs'] })
      orThrow(await bench.station.desk.decline(detail.summary.id, 'not trusted any more'))
      await bench.until(work, 'done')
    })

    test('because the server now names another person is refused', async () => {
      const work = await bench.ask(2)
      const detail = await bench.until(work, 'review')
      await bench.showSheet(detail)
      bench.server.faults.add({
        route: 'asset.permission',
        fault: { kind: 'json', value: { has_permission: true, username: 'mallory', user_id: 66, resource: {} } },
      })
      expect(codeOf(await bench.station.desk.approve(bench.approval(detail)))).toBe('permission-changed')
      expect(await bench.signatures(work)).toEqual([])
      orThrow(await bench.station.desk.approve(bench.approval(detail)))
      expect(await bench.untilCompleted(work)).toBe('success')
    })
  },
)
