import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatVerifierKey } from '../audit/format/signed-note.ts'
import { checkpointedStation } from '../audit/testing/checkpointed-station.ts'
import { sampleIntent } from '../audit/testing/sample-entries.ts'
import { sampleKey } from '../audit/testing/sample-log.ts'
import { type CopyOptions, openForeign } from './open-database.ts'

// What somebody hands over is evidence: nothing may be written where it lies, not even the index that SQLite makes of a write-ahead log.

const vkey = formatVerifierKey(sampleKey().key)
const program = fileURLToPath(new URL('./verify-audit.ts', import.meta.url))
let base = ''
const at = (...names: readonly string[]) => join(base, ...names)

/** A database whose last entries are in its write-ahead log, as a program that was killed leaves it; without its index. */
beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'handed-over-'))
  chmodSync(base, 0o755)
  mkdirSync(at('there'))
  const station = await checkpointedStation(at('station.db'))
  await station.write(sampleIntent(1), sampleIntent(2))
  await station.checkpoint()
  await station.close()
  const again = await checkpointedStation(at('station.db'))
  await again.write(...Array.from({ length: 300 }, (_, index) => sampleIntent(index)))
  writeFileSync(at('checkpoint'), await again.checkpoint())
  for (const suffix of ['', '-wal']) copyFileSync(at(`station.db${suffix}`), at('there', `log.db${suffix}`))
  await again.close()
})
afterAll(() => rmSync(base, { recursive: true, force: true }))

/** Names, bytes and times: reading changes none. */
function stateOf(folder: string) {
  return [
    statSync(folder).mtimeMs,
    ...readdirSync(folder)
      .sort()
      .map((name) => [name, statSync(join(folder, name)).mtimeMs, readFileSync(join(folder, name)).toString('base64')]),
  ]
}

function open(options: Partial<CopyOptions> = {}) {
  const own = mkdtempSync(at('own-'))
  const result = openForeign(at('there', 'log.db'), { scratch: join(own, 'scratch'), ...options })
  return { result, own }
}

describe('a foreign database with a write-ahead log', () => {
  it('is read with it through a copy, and nothing is left of the copy', () => {
    const before = stateOf(at('there'))
    const told: number[] = []
    const { result, own } = open({ onBytes: (done, total) => told.push(done / total) })
    if (!result.ok) throw new Error(result.error)
    expect(result.value.file.prepare('SELECT count(*) AS n FROM audit_entry').get()).toEqual({ n: 302 })
    expect(readdirSync(own)).toContain('scratch')
    result.value.close()
    expect(readdirSync(own)).toEqual([])
    expect(told.at(-1)).toBe(1)
    expect(stateOf(at('there'))).toEqual(before)
  })

  it('that is larger than the limit is not copied, and nothing is left', () => {
    const { result, own } = open({ limit: 100_000 })
    expect(result).toMatchObject({ ok: false, error: expect.stringContaining('more than 100000') })
    expect(readdirSync(own)).toEqual([])
  })

  it('that is written whenever it is copied is refused, as its copy would be of no state that it had', () => {
    mkdirSync(at('busy'))
    for (const suffix of ['', '-wal']) copyFileSync(at('there', `log.db${suffix}`), at('busy', `log.db${suffix}`))
    const own = mkdtempSync(at('own-'))
    const result = openForeign(at('busy', 'log.db'), {
      scratch: join(own, 'scratch'),
      onBytes: () => appendFileSync(at('busy', 'log.db-wal'), 'x'),
    })
    expect(result).toMatchObject({ ok: false, error: expect.stringContaining('written while it was copied') })
    expect(readdirSync(own)).toEqual([])
    expect(readdirSync(at('busy')).sort()).toEqual(['log.db', 'log.db-wal'])
  })

  it.each([
    ['a folder that can be written', 0o777],
    ['a folder that is for reading only', 0o555],
  ])('in %s is verified on the command line, and nothing appears there', (_name, mode) => {
    const before = stateOf(at('there'))
    chmodSync(at('there'), mode)
    for (const name of ['log.db', 'log.db-wal']) chmodSync(at('there', name), 0o444)
    const own = mkdtempSync(at('tmp-'))
    chmodSync(own, 0o777)
    // Root writes where it likes; somebody else asks for what the folder allows.
    const as =
      process.getuid?.() === 0
        ? ['setpriv', '--reuid=20001', '--regid=20001', '--clear-groups', '--no-new-privs', process.execPath]
        : [process.execPath]
    const [command = '', ...rest] = as
    const run = spawnSync(
      command,
      [...rest, program, '--vkey', vkey, '--checkpoint', at('checkpoint'), at('there', 'log.db')],
      {
        encoding: 'utf8',
        env: { ...process.env, TMPDIR: own },
      },
    )
    expect(run.stdout + run.stderr).toContain('302')
    expect(run.status, run.stderr).toBe(0)
    expect(readdirSync(own)).toEqual([])
    expect(stateOf(at('there'))).toEqual(before)
    chmodSync(at('there'), 0o755)
  })

  it('has an index already where a program writes it: that one is used when no copy can be made', async () => {
    const live = await checkpointedStation(at('live.db'))
    await live.write(sampleIntent(1))
    expect(existsSync(at('live.db-shm'))).toBe(true)
    const own = mkdtempSync(at('own-'))
    let turns = 0
    const result = openForeign(at('live.db'), {
      scratch: join(own, 'scratch'),
      onBytes: () => {
        turns += 1
        const now = new Date(Date.UTC(2026, 0, 1, 0, 0, turns))
        spawnSync('touch', ['-d', now.toISOString(), at('live.db')])
      },
    })
    if (!result.ok) throw new Error(result.error)
    expect(result.value.file.prepare('SELECT count(*) AS n FROM audit_entry').get()).toEqual({ n: 1 })
    result.value.close()
    await live.close()
  })
})
