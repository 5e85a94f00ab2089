import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { softwareKeyBindings } from '../../src/main/ipc/software-keys.handlers.ts'
import type { Output } from '../../src/shared/contract.ts'
import { buildPe } from '../workbench/pe-files.ts'
import { DeskBench, orThrow } from './desk-bench.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

describe('a station whose service key is changed while a request is under review', () => {
  let bench: DeskBench
  beforeAll(async () => {
    bench = await DeskBench.make({ tokens: null })
  })
  afterAll(() => bench.dispose())

  test('seals its keys anew, then signs without the old service key, and goes on signing checkpoints', async () => {
    const progress: unknown[] = []
    const channels = softwareKeyBindings(
      { current: () => bench.station },
      (event, payload) => progress.push([event, payload]),
      () => new Date(),
    )
    async function ask<C extends 'keys.service-make' | 'keys.service-list' | 'keys.reencrypt'>(channel: C) {
      const called = await channels[channel].call(null)
      if (called.kind !== 'answered') throw new Error(JSON.stringify(called))
      return called.answer as Output<C> // parsed by that channel's own schema
    }
    const work = await bench.ask(1, { files: [{ name: 'a.efi', bytes: buildPe(31) }] })
    const detail = await bench.until(work, 'review')
    await bench.showSheet(detail)

    const [old = ''] = readdirSync(bench.profile.serviceKeys)
    const made = orThrow(await ask('keys.service-make'))
    const first = ask('keys.reencrypt')
    // What changes many records runs alone.
    expect(await ask('keys.reencrypt')).toMatchObject({ ok: false, error: { code: 'keys-busy' } })
    expect(orThrow(await first)).toMatchObject({ to: made.fingerprint, reencrypted: 2, kept: [], stopped: false })
    expect(progress.at(-1)).toEqual(['keys.reencrypt-progress', { done: 2, total: 2 }])
    expect(orThrow(await ask('keys.service-list')).keys.map(({ opens }) => opens)).toEqual([2, 0])
    rmSync(join(bench.profile.serviceKeys, old))

    orThrow(await bench.station.desk.approve(bench.approval(detail, { pin: null })))
    expect(await bench.untilCompleted(work)).toBe('success')
    await bench.until(work, 'done')
    const written = orThrow(await bench.station.checkpoints.write())
    expect(written.size).toBe((await bench.entries()).length)
    await bench.restart()
    expect(bench.station.logState.kind).toBe('whole')
    orThrow(await bench.station.checkpoints.write())
  })
})
