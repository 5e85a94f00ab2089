import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readerOf } from '../../../db/database.ts'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import type { AuditFilter } from '../../shared/audit.ts'
import { indexEntries, indexReach } from './entry-index.ts'
import { auditStation } from './testing/audit-station.ts'
import { sampleIntent, sampleRequest, sampleSigned } from './testing/sample-entries.ts'

const program = new URL('testing/index.child.ts', import.meta.url).pathname

const size = 500
const filters: readonly AuditFilter[] = [
  { event: 'signed' },
  { requestId: sampleRequest },
  { workRequestId: 42 },
  { digest: 'e5'.repeat(32) },
]

describe('a station killed while it indexes its log', () => {
  it.each([
    ['between two slices', 'between', 200],
    ['after the lines of one kind', 'first-kind', 200],
    ['after all lines', 'all-kinds', 200],
    ['before the reach is on disk', 'reach', 200],
    ['after it is', 'commit', 400],
  ])('%s finds every entry, and has a whole index when it went on', async (_name, point, reach) => {
    const path = join(tempFolder(), 'station.db')
    const before = await auditStation(path)
    await before.write(...Array.from({ length: size }, (_, n) => (n % 2 === 0 ? sampleIntent(n) : sampleSigned(n))))
    await before.close()

    expect(
      spawnSync(process.execPath, [program, path, point], { stdio: ['ignore', 'inherit', 'inherit'] }).signal,
    ).toBe('SIGKILL')
    const station = await auditStation(path)
    const totals = async () =>
      Promise.all(filters.map(async (filter) => (await station.log.list(filter, null, 1)).total))
    const expected = [size / 2, size, size, size / 2]
    expect(await indexReach(readerOf(station.db))).toBe(reach)
    expect(await totals()).toEqual(expected)
    expect(await station.log.check()).toMatchObject({ kind: 'whole', entries: size })

    expect(await indexEntries(station.db)).toEqual({ ok: true, value: size })
    expect(await totals()).toEqual(expected)
    expect(await station.log.check()).toMatchObject({ kind: 'whole', entries: size })
    await station.close()
  })
})
