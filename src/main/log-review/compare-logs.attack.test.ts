import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { formatVerifierKey } from '../audit/format/signed-note.ts'
import { auditStation } from '../audit/testing/audit-station.ts'
import { checkpointedStation } from '../audit/testing/checkpointed-station.ts'
import { sampleEntries, sampleIntent } from '../audit/testing/sample-entries.ts'
import { sampleKey } from '../audit/testing/sample-log.ts'
import { insertLogKey } from '../audit/tree.repository.ts'
import { orThrow, reviewBench } from './testing/review-bench.ts'

// Two logs of which more is claimed than anything signs.

const vkey = formatVerifierKey(sampleKey().key)
let folder = ''
let bench: ReturnType<typeof reviewBench>
const at = (name: string) => join(folder, name)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'compare-'))
  bench = reviewBench(folder)
})
afterEach(async () => {
  await bench.desk.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('a comparison', () => {
  async function twoLogs(name: string): Promise<readonly [older: string, newer: string]> {
    const station = await checkpointedStation(at(`${name}-older.db`))
    await station.write(...sampleEntries())
    await station.checkpoint()
    await station.close()
    copyFileSync(at(`${name}-older.db`), at(`${name}-newer.db`))
    return [at(`${name}-older.db`), at(`${name}-newer.db`)]
  }
  const size = sampleEntries().length

  it('does not vouch for entries of the older log that nothing signs, and that the newer one has replaced', async () => {
    const [older, newer] = await twoLogs('tail')
    const tail = await auditStation(older)
    await tail.write(...Array.from({ length: 7 }, (_, index) => sampleIntent(index)))
    await tail.close()
    const others = await checkpointedStation(newer)
    await others.write(...sampleEntries().slice(0, 9))
    await others.checkpoint()
    await others.close()
    expect(orThrow(await bench.desk.compare(older, newer))).toMatchObject({
      verdict: 'cannot-tell',
      sentence: expect.stringContaining(`Entry ${size + 1} is the first that is not the same in both`),
      checkedBy: null,
      olderSize: size + 7,
      newerSize: size + 9,
    })
  })

  it.each([
    [
      'signed there',
      true,
      7,
      (at: number) =>
        `Entries ${at} to ${at + 6}, which no checkpoint of the older log covers, are the same in both, compared one by one; a checkpoint of the newer log covers them.`,
    ],
    [
      'signed nowhere',
      false,
      7,
      (at: number) =>
        `Entries ${at} to ${at + 6}, which no checkpoint of the older log covers, are the same in both, compared one by one; no checkpoint of the newer log does either.`,
    ],
    [
      'fewer in the newer one',
      false,
      3,
      (at: number) => `From entry ${at + 3} on the older log was not compared: the newer log has no more.`,
    ],
  ])('compares what nothing in the older log signs entry by entry: %s', async (_name, sign, there, says) => {
    const [older, newer] = await twoLogs(`tail-${there}-${sign}`)
    const tail = await checkpointedStation(older)
    await tail.write(...Array.from({ length: 7 }, (_, index) => sampleIntent(index)))
    await tail.close()
    const same = await checkpointedStation(newer)
    await same.write(...Array.from({ length: there }, (_, index) => sampleIntent(index)))
    if (sign) await same.checkpoint()
    await same.close()
    expect(orThrow(await bench.desk.compare(older, newer))).toMatchObject({
      verdict: 'cannot-tell',
      sentence: expect.stringContaining(says(size + 1)),
      checkedBy: null,
    })
  })

  it('names the first entry that is not the same among those that nothing signs', async () => {
    const [older, newer] = await twoLogs('fifth')
    for (const [path, fifth] of [
      [older, 4],
      [newer, 40],
    ] as const) {
      const log = await checkpointedStation(path)
      await log.write(...[0, 1, 2, 3, fifth, 5].map(sampleIntent))
      await log.close()
    }
    const compared = orThrow(await bench.desk.compare(older, newer))
    expect(compared.verdict).toBe('cannot-tell')
    expect(compared.sentence).toContain(
      `Entries ${size + 1} to ${size + 4}, which no checkpoint of the older log covers, are the same`,
    )
    expect(compared.sentence).toContain(`Entry ${size + 5} is the first that is not the same in both`)
    expect(compared.sentence).toContain('In the older log: ')
  })

  it('compares two logs that nothing signs from the first entry on', async () => {
    const paths = [at('bare-older.db'), at('bare-newer.db')] as const
    for (const path of paths) {
      const log = await checkpointedStation(path)
      await log.db.transaction().execute((trx) => insertLogKey(trx, vkey, '2026-01-01T00:00:00.000Z'))
      await log.write(sampleIntent(1), sampleIntent(2), sampleIntent(path === paths[0] ? 3 : 4))
      await log.close()
    }
    const { sentence } = orThrow(await bench.desk.compare(...paths))
    expect(sentence).toContain('The older log has no checkpoint to compare with. Entries 1 to 2,')
    expect(sentence).toContain('Entry 3 is the first that is not the same in both')
  })

  it('does not vouch for what the newer log has behind its last checkpoint', async () => {
    const [older, newer] = await twoLogs('open')
    const more = await auditStation(newer)
    await more.write(sampleIntent(1))
    await more.close()
    expect(orThrow(await bench.desk.compare(older, newer))).toMatchObject({
      verdict: 'cannot-tell',
      sentence: expect.stringContaining(`In the newer log: Entries ${size + 1} to ${size + 1}`),
    })
    const signed = await checkpointedStation(newer)
    await signed.checkpoint()
    await signed.close()
    expect(orThrow(await bench.desk.compare(older, newer))).toMatchObject({ verdict: 'verified', checkedBy: 'tree' })
  })

  it('still finds a newer log that does not begin with the older one, however its end is signed', async () => {
    const [older, newer] = await twoLogs('other')
    const tail = await auditStation(older)
    await tail.write(sampleIntent(1))
    await tail.close()
    rmSync(newer)
    for (const suffix of ['-wal', '-shm']) rmSync(`${newer}${suffix}`, { force: true })
    const anew = await checkpointedStation(newer)
    await anew.write(...sampleEntries().toReversed())
    await anew.checkpoint()
    await anew.write(sampleIntent(1), sampleIntent(2))
    await anew.close()
    expect(orThrow(await bench.desk.compare(older, newer)).verdict).toBe('tampered')
  })
})
