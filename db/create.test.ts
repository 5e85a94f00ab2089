import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createStationDatabase } from './create.ts'
import { openStationDatabase } from './open.ts'
import { tempFolder } from './testing/temp-folder.ts'

const nothing = async () => {}

describe('creating a station database', () => {
  it('makes one file of mode 0600 with what a station begins with', async () => {
    const folder = tempFolder()
    const path = join(folder, 'station.db')
    const made = await createStationDatabase(path, async (trx) => {
      await trx
        .insertInto('setting')
        .values({ name: 'a', value: '1', updated_at: '2026-01-02T03:04:05.678Z' })
        .execute()
    })
    if (!made.ok) throw new Error(made.error.message)
    expect(await made.value.db.selectFrom('setting').select('value').execute()).toEqual([{ value: '1' }])
    expect((statSync(path).mode & 0o777).toString(8)).toBe('600')
    await made.value.close()
    expect(readdirSync(folder)).toEqual(['station.db'])
  })

  it('never replaces a file, whatever it is', async () => {
    const path = join(tempFolder(), 'station.db')
    writeFileSync(path, 'letters')
    expect(await createStationDatabase(path, nothing)).toMatchObject({ ok: false, error: { code: 'database-exists' } })
    expect(readFileSync(path, 'utf8')).toBe('letters')
  })

  it('lets one of two creations at the same time win, whole', async () => {
    const folder = tempFolder()
    const path = join(folder, 'station.db')
    const both = await Promise.all([createStationDatabase(path, nothing), createStationDatabase(path, nothing)])
    const made = both.filter((one) => one.ok)
    const refused = both.filter((one) => !one.ok)
    expect(made).toHaveLength(1)
    expect(refused).toMatchObject([{ error: { code: 'database-exists' } }])
    for (const one of made) await one.value.close()
    expect(readdirSync(folder)).toEqual(['station.db'])
  })

  it('leaves nothing when the beginning could not be written', async () => {
    const folder = tempFolder()
    const broken = createStationDatabase(join(folder, 'station.db'), async () => {
      throw new Error('no first entry')
    })
    await expect(broken).rejects.toThrow('no first entry')
    expect(readdirSync(folder)).toEqual([])
  })

  it('does not make the folder', async () => {
    const path = join(tempFolder(), 'absent', 'station.db')
    expect(await createStationDatabase(path, nothing)).toMatchObject({
      ok: false,
      error: { code: 'database-unreadable' },
    })
    expect(existsSync(path)).toBe(false)
  })

  it('syncs every commit and keeps a write-ahead log', async () => {
    const path = join(tempFolder(), 'station.db')
    const made = await createStationDatabase(path, nothing)
    if (!made.ok) throw new Error(made.error.message)
    expect(readdirSync(join(path, '..')).sort()).toContain('station.db')
    await made.value.close()
    // File format version 2 is WAL (sqlite.org/fileformat2.html §1.3.3), at offsets 18 and 19.
    expect([...readFileSync(path).subarray(18, 20)]).toEqual([2, 2])
    const opened = await openStationDatabase(path)
    expect(opened.ok).toBe(true)
    if (opened.ok) await opened.value.close()
  })
})
