import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { importKeys } from './import-keys.ts'
import { judgeDump } from './import-preview.ts'
import { createKeyRegistry } from './key-registry.ts'
import { operator, softwareBench } from './testing/software-bench.ts'

vi.setConfig({ testTimeout: 120_000 })

const program = new URL('testing/import.child.ts', import.meta.url).pathname
const testdata = (name: string) => new URL(`testdata/debusine-signing/${name}`, import.meta.url).pathname

describe('a station killed while it takes keys from a dump', () => {
  test.each([
    ['before the first proof', 'key-import:before:1', 0, 0],
    ['after the first proof, before the key is stored', 'key-import:after:1', 0, 1],
    ['before the second proof', 'key-import:before:2', 1, 1],
    ['after the second proof, before the key is stored', 'key-import:after:2', 1, 2],
  ])('%s has whole keys only, each marked as imported, and takes the rest', async (_, at, stored, challenged) => {
    const folder = tempFolder()
    const path = testdata('pg_dump.sql')
    mkdirSync(join(folder, 'service-keys'), { mode: 0o700 })
    const secret = Buffer.from(readFileSync(testdata('service-key.hex'), 'utf8').trim(), 'hex')
    writeFileSync(join(folder, 'service-keys', '0.key'), secret, { mode: 0o600 })
    const killed = spawnSync(process.execPath, [program, folder, path, at], { encoding: 'utf8' })
    expect(killed.signal).toBe('SIGKILL')

    const bench = await softwareBench(folder)
    try {
      const imported = async () => (await bench.station.db.selectFrom('imported_key').selectAll().execute()).length
      expect([(await bench.rows()).length, await imported()]).toEqual([stored, stored])
      expect(await bench.entries('key-registered')).toHaveLength(stored)
      // No use of a key without its entry before it.
      expect(await bench.entries('possession-challenged')).toHaveLength(challenged)
      const { signal } = new AbortController()
      const judged = await judgeDump(bench.ports, path, signal)
      if (!judged.ok) throw new Error(judged.error.message)
      const { dumpSha256 } = judged.value.preview
      const rest = await importKeys(bench.ports, { path, dumpSha256, operator, onProgress: () => {}, signal })
      expect(rest).toMatchObject({ ok: true, value: { taken: 2 - stored, failed: [] } })
      const registry = createKeyRegistry({ ...bench.ports, opensSealed: (sealed) => bench.tokens.opensSealed(sealed) })
      expect((await registry.list()).map(({ origin, usableNow }) => [origin, usableNow])).toEqual([
        ['imported', true],
        ['imported', true],
      ])
      expect(await bench.station.log.check()).toMatchObject({ kind: 'whole' })
    } finally {
      await bench.close()
    }
  })
})
