import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { checkpointFileOf } from '../../src/main/audit/checkpoint-file.ts'
import { formatVerifierKey } from '../../src/main/audit/format/signed-note.ts'
import { createStation } from '../../src/main/station/log-key.ts'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import { codeOf, DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

describe.skipIf(softHsmModule() === null)(
  'a station that is older than the keys of logs (needs SoftHSM: apt-get install softhsm2)',
  () => {
    let tokens: SharedTokens
    let bench: DeskBench
    beforeAll(async () => {
      tokens = await makeSharedTokens()
    })
    afterAll(() => tokens.dispose())
    beforeEach(async () => {
      bench = await DeskBench.make({ tokens, logKey: false })
    })
    afterEach(() => bench.dispose())

    test('works without checkpoints, and signs them once its operator had the key made', async () => {
      expect({ key: bench.station.checkpoints.key(), state: bench.station.checkpoints.state() }).toEqual({
        key: null,
        state: null,
      })
      expect(codeOf(await bench.station.checkpoints.write())).toBe('log-key-absent')
      const before = await bench.ask(1)
      await bench.approve(before)
      expect(await bench.untilCompleted(before)).toBe('success')
      const [log] = (await bench.server.outputs(before)).filter(({ category }) => category.endsWith('debug-logs'))
      expect(log?.files.map(({ path }) => path)).toEqual(['signing-station.log'])
      await bench.until(before, 'done')

      // Of a try that the program did not live through: no log names it.
      writeFileSync(bench.profile.logKey, 'unfinished')
      orThrow(await bench.station.createLogKey())
      const key = bench.station.checkpoints.key()
      if (key === null) throw new Error('there is no key')
      expect(readFileSync(bench.profile.logKey, 'utf8')).toContain(formatVerifierKey(key))
      const aside = readdirSync(dirname(bench.profile.logKey)).filter((name) =>
        name.startsWith(`${basename(bench.profile.logKey)}.unused-`),
      )
      expect(aside).toHaveLength(1)
      expect((await bench.entries('log-key-created')).map((entry) => entry['vkey'])).toEqual([formatVerifierKey(key)])
      const written = orThrow(await bench.station.checkpoints.write())
      expect(written.size).toBe((await bench.entries()).length)
      expect(codeOf(await bench.station.createLogKey())).toBe('log-key-exists')

      await bench.restart()
      expect(bench.station.logState.kind).toBe('whole')
      expect(orThrow(await bench.station.checkpoints.write()).size).toBeGreaterThan(written.size)
    })

    test('has one key made when its operator asks twice at once, and starts with it again', async () => {
      const made = await Promise.all([bench.station.createLogKey(), bench.station.createLogKey()])
      expect(made).toMatchObject([{ ok: true }, { ok: false, error: { code: 'log-key-exists' } }])
      orThrow(await bench.station.checkpoints.write())
      await bench.restart()
      expect(bench.station.logState.kind).toBe('whole')
      orThrow(await bench.station.checkpoints.write())
    })

    test('whose key file is gone says so, signs what is approved, and goes on with its key when it is back', async () => {
      orThrow(await bench.station.createLogKey())
      orThrow(await bench.station.checkpoints.write())
      await bench.close()
      renameSync(bench.profile.logKey, `${bench.profile.logKey}.away`)
      await bench.start()
      expect(bench.station.logState.kind).toBe('whole')
      expect(bench.station.checkpoints.state()).toMatchObject({ warnings: [{ code: 'log-key-absent' }] })
      // No second key is made for a log that has one.
      expect(codeOf(await bench.station.createLogKey())).toBe('log-key-exists')
      expect(existsSync(bench.profile.logKey)).toBe(false)
      await bench.close()
      renameSync(`${bench.profile.logKey}.away`, bench.profile.logKey)
      await bench.start()
      const { size } = orThrow(await bench.station.checkpoints.write())
      expect(bench.station.checkpoints.state()).toMatchObject({ size, warnings: [] })
    })

    test('is not made anew over the remains of one', async () => {
      orThrow(await bench.station.createLogKey())
      orThrow(await bench.station.checkpoints.write())
      const { profile, tokens: service } = bench.station
      const parts = { profile, tokens: service, version: '0', now: () => new Date() }
      const names = { stationName: 'again', operatorName: 'Mallory' }
      expect(codeOf(await createStation(parts, names))).toBe('database-exists')
      const key = readFileSync(profile.logKey, 'utf8')
      await bench.close()
      for (const suffix of ['', '-wal', '-shm']) rmSync(`${profile.database}${suffix}`, { force: true })
      expect(codeOf(await createStation(parts, names))).toBe('station-remains')
      expect(existsSync(checkpointFileOf(profile.database))).toBe(true)
      expect({ database: existsSync(profile.database), key: readFileSync(profile.logKey, 'utf8') }).toEqual({
        database: false,
        key,
      })
    })
  },
)
