import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import BetterSqlite3 from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { openStationDatabase } from '../../../db/open.ts'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import { createAuditLog } from './create-audit-log.ts'
import { auditStation } from './testing/audit-station.ts'
import { sampleIntent } from './testing/sample-entries.ts'

const program = new URL('testing/append.child.ts', import.meta.url).pathname

/** The last number that the child said was on disk. */
function lastCommitted(lines: readonly string[]): number {
  return Number(
    lines
      .filter((line) => line.startsWith('committed '))
      .at(-1)
      ?.split(' ')[1] ?? 0,
  )
}

async function expectWhole(path: string): Promise<number> {
  const station = await auditStation(path)
  const state = await station.log.check()
  await station.close()
  if (state.kind !== 'whole') throw new Error(JSON.stringify(state))
  return state.entries
}

/** Reads lines until `wanted` were read or the child ended; kills it in the middle of whatever it does then. */
async function killAfter(child: ChildProcessByStdio<null, Readable, null>, wanted: number): Promise<readonly string[]> {
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (lines.length === wanted) child.kill('SIGKILL')
  }
  await exited
  return lines
}

describe('a station killed while it writes the log', () => {
  it('has after each of 20 kills a whole log with every entry that it had said was written', async () => {
    const path = join(tempFolder(), 'station.db')
    await (await auditStation(path)).close()
    let before = 0
    for (let round = 0; round < 20; round += 1) {
      const batch = [1, 3, 32][round % 3] ?? 1
      const child = spawn(process.execPath, [program, path, String(batch)], { stdio: ['ignore', 'pipe', 'inherit'] })
      const lines = await killAfter(child, 1 + ((round * 7) % 23))
      expect(child.signalCode).toBe('SIGKILL')
      const entries = await expectWhole(path)
      // Nothing that was told is lost, and a batch is there as a whole or not at all.
      expect(entries).toBeGreaterThanOrEqual(lastCommitted(lines))
      expect((entries - before) % batch).toBe(0)
      before = entries
    }
    const file = new BetterSqlite3(path, { readonly: true })
    const counted = file
      .prepare('select count(*) as rows, count(distinct leaf_hash) as hashes, max(seq) as last from audit_entry')
      .get()
    file.close()
    expect(counted).toEqual({ rows: before, hashes: before, last: before })
  }, 120_000)
})

describe('a disk that does not take the log', () => {
  it('gives log-unwritable when it is full, keeps what was written, and goes on when there is room', (ctx) => {
    const mount = join(tempFolder(), 'disk')
    mkdirSync(mount)
    const inMountNamespace = (script: string) =>
      spawnSync(
        'unshare',
        [
          ...(process.getuid?.() === 0 ? ['-m'] : ['-mUr']),
          'sh',
          '-ec',
          script,
          'sh',
          mount,
          process.execPath,
          program,
        ],
        {
          encoding: 'utf8',
        },
      )
    if (inMountNamespace('mount -t tmpfs -o size=2m none "$1"').status !== 0)
      ctx.skip('cannot mount a small disk here (no mount namespace)')
    const run = inMountNamespace('mount -t tmpfs -o size=2m none "$1"; exec "$2" "$3" "$1/station.db" 8 "$1/filler"')
    const lines = run.stdout.trim().split('\n')
    const committed = lastCommitted(lines)
    expect(
      { committed: committed > 0, rest: lines.filter((line) => !line.startsWith('committed')) },
      run.stderr,
    ).toEqual({
      committed: true,
      rest: [
        expect.stringMatching(/^failed log-unwritable disk-full: SQLITE_FULL/),
        `whole ${committed}`,
        `again ${committed + 8}`,
      ],
    })
  })

  it('gives log-unwritable when the file may not grow, and keeps what was written', async (ctx) => {
    const path = join(tempFolder(), 'station.db')
    await (await auditStation(path)).close()
    if (spawnSync('prlimit', ['--version']).error !== undefined) ctx.skip('needs prlimit')
    const run = spawnSync('prlimit', ['--fsize=400000', process.execPath, program, path, '8'], { encoding: 'utf8' })
    const lines = run.stdout.trim().split('\n')
    const committed = lastCommitted(lines)
    expect(committed, run.stderr).toBeGreaterThan(0)
    expect(lines.filter((line) => !line.startsWith('committed'))).toEqual([
      expect.stringMatching(/^failed log-unwritable disk-error: SQLITE_IOERR/),
      `whole ${committed}`,
    ])
    expect(await expectWhole(path)).toBe(committed)
  })

  it('gives log-unwritable when the database was opened for reading', async () => {
    const path = join(tempFolder(), 'station.db')
    const station = await auditStation(path)
    await station.write(sampleIntent())
    const reader = await openStationDatabase(path, 'read')
    if (!reader.ok) throw new Error(reader.error.message)
    const log = createAuditLog(reader.value.db, () => new Date())
    expect(await writeTransaction(reader.value.db, (trx) => log.append(trx, [sampleIntent(1)]))).toMatchObject({
      ok: false,
      error: { code: 'log-unwritable', detail: expect.stringContaining('database-read-only') },
    })
    expect(await log.check()).toMatchObject({ kind: 'whole', entries: 1 })
    await reader.value.close()
    await station.close()
  })

  it('gives log-unwritable while another program holds the lock, and goes on afterwards without a gap', async () => {
    const path = join(tempFolder(), 'station.db')
    const station = await auditStation(path)
    await station.write(sampleIntent())
    const other = new BetterSqlite3(path)
    other.exec('begin immediate')
    const write = () => writeTransaction(station.db, (trx) => station.log.append(trx, [sampleIntent(1)]))
    expect(await write()).toMatchObject({ ok: false, error: { code: 'log-unwritable' } })
    other.exec('rollback')
    other.close()
    expect(await write()).toEqual({ ok: true, value: [2] })
    expect(await station.log.check()).toMatchObject({ kind: 'whole', entries: 2 })
    await station.close()
  })
})
