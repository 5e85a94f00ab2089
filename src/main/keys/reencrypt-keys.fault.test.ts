import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { readLogKey } from '../audit/log-key.ts'
import { createKeyRegistry } from './key-registry.ts'
import { reencryptKeys } from './reencrypt-keys.ts'
import { addServiceKey, printOf } from './service-key-desk.ts'
import { operator, type SoftwareBench, softwareBench } from './testing/software-bench.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const program = new URL('testing/reencrypt.child.ts', import.meta.url).pathname

describe('a station killed while it seals its keys anew', () => {
  let template = ''
  beforeAll(async () => {
    template = mkdtempSync(join(tmpdir(), 'reencrypt-'))
    const bench = await softwareBench(template)
    await bench.makeKey('First')
    await bench.makeKey('Second')
    await bench.makeLogKey()
    await addServiceKey(bench.ports, operator)
    await bench.close()
  })
  afterAll(() => rmSync(template, { recursive: true, force: true }))

  /** Service key and log entry of each record: what is on disk must be what the log says, for each of the three. */
  async function stateOf(bench: SoftwareBench) {
    const [newest] = (await bench.tokens.listServiceKeys().then((list) => (list.ok ? list.value : []))).map((file) =>
      printOf(Buffer.from(file.publicKey ?? []).toString('base64')),
    )
    const logKey = readLogKey(bench.ports.logKeyPath)
    const records = (await bench.rows()).map(
      ({ private_key }) => (JSON.parse(private_key) as { public_key: string }).public_key, // ours
    )
    const anew = [...records, logKey.ok ? logKey.value.sealed.publicKey : ''].map((key) => printOf(key) === newest)
    const entries = await bench.entries('key-reencrypted')
    return {
      anew,
      logged: [
        ...(await bench.rows()).map(
          (row) => entries.filter((entry) => entry['fingerprint'] === row.fingerprint).length,
        ),
        entries.filter((entry) => entry['what'] === 'log-key').length,
      ],
    }
  }

  test.each([
    ['before the first record is sealed', 'reseal:before:1', [false, false, false], [0, 0, 0]],
    ['after it is sealed, before it is stored', 'reseal:after:1', [false, false, false], [0, 0, 0]],
    ['after it is stored', 'reseal-commit:after:1', [true, false, false], [1, 0, 0]],
    ['before the second record is sealed', 'reseal:before:2', [true, false, false], [1, 0, 0]],
    ['after the second is stored', 'reseal-commit:after:2', [true, true, false], [1, 1, 0]],
    ['after the log’s key is sealed, before its entry', 'reseal:after:3', [true, true, false], [1, 1, 0]],
    ['after its entry, before its file is exchanged', 'log-key-exchange:before:1', [true, true, false], [1, 1, 1]],
    ['after its file is exchanged', 'log-key-exchange:after:1', [true, true, true], [1, 1, 1]],
  ])(
    '%s has a record of each key that opens, and ends what it began with one entry each',
    async (_, at, anew, logged) => {
      const folder = tempFolder()
      cpSync(template, folder, { recursive: true, preserveTimestamps: true })
      const killed = spawnSync(process.execPath, [program, folder, at], { encoding: 'utf8' })
      expect(killed).toMatchObject({ signal: 'SIGKILL', stdout: '' })

      const bench = await softwareBench(folder)
      try {
        expect(await stateOf(bench)).toEqual({ anew, logged })
        const registry = createKeyRegistry({
          ...bench.ports,
          opensSealed: (sealed) => bench.tokens.opensSealed(sealed),
        })
        expect((await registry.list()).map(({ usableNow }) => usableNow)).toEqual([true, true])
        const again = await reencryptKeys(bench.ports, {
          operator,
          onProgress: () => {},
          signal: new AbortController().signal,
        })
        const left = anew.filter((done) => !done).length
        expect(again).toMatchObject({ ok: true, value: { reencrypted: left, already: 3 - left, kept: [] } })
        expect(await stateOf(bench)).toEqual({ anew: [true, true, true], logged: [1, 1, 1] })
        expect(existsSync(`${bench.ports.logKeyPath}.next`)).toBe(false)
        expect(await bench.station.log.check()).toMatchObject({ kind: 'whole' })
        // The old service key is of no use to anything any more.
        const files = readdirSync(bench.serviceKeys).sort()
        rmSync(join(bench.serviceKeys, files[1] ?? ''))
        await bench.tokens.reset()
        expect((await registry.list()).map(({ usableNow }) => usableNow)).toEqual([true, true])
      } finally {
        await bench.close()
      }
    },
  )
})
