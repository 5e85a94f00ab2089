import { cpSync, mkdirSync, readFileSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readerOf } from '../../../db/database.ts'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { testMedia } from '../media/testing/test-media.ts'
import { type CopyWarning, checkpointFileName, checkpointFileOf, readCheckpointFile } from './checkpoint-file.ts'
import { createCheckpointer } from './checkpointer.ts'
import { keptElsewhere } from './kept-elsewhere.ts'
import { checkCheckpoints } from './startup-checkpoint.ts'
import { auditStation } from './testing/audit-station.ts'
import { logKeyOf } from './testing/checkpointed-station.ts'
import { sampleEntries, sampleIntent } from './testing/sample-entries.ts'
import { sampleKey } from './testing/sample-log.ts'

// What a program can do with the key of the log and an older copy of the profile; the copy on the medium is all that tells.

const { key } = sampleKey()
const intents = (count: number) => Array.from({ length: count }, (_, index) => sampleIntent(index))

function places() {
  const base = tempFolder()
  const profile = join(base, 'profile')
  const medium = join(base, 'medium')
  for (const folder of [profile, medium]) mkdirSync(folder)
  return { base, profile, medium, copy: join(medium, checkpointFileName(key)) }
}

async function running(profile: string, folders: () => readonly string[]) {
  const station = await auditStation(join(profile, 'station.db'))
  const told: CopyWarning[] = []
  const checkpointer = createCheckpointer({
    media: testMedia(),
    db: station.db,
    key: logKeyOf(sampleKey()),
    file: checkpointFileOf(station.path),
    folders,
    onContradiction: (warning) => told.push(warning),
    now: () => new Date(0),
  })
  return {
    ...station,
    checkpointer,
    told,
    signed: async () => {
      const written = await checkpointer.write()
      await checkpointer.copied()
      return written
    },
  }
}

describe('the checkpoint on the operator’s medium', () => {
  it.each([
    ['more entries than it', 9],
    ['as many entries', 6],
    ['fewer entries', 3],
  ])('is not written over by a log that was put back and went on differently, with %s', async (_name, more) => {
    const { base, profile, medium, copy } = places()
    const first = await running(profile, () => [medium])
    await first.write(...sampleEntries())
    await first.signed()
    await first.close()
    cpSync(profile, join(base, 'older'), { recursive: true })
    const newer = await running(profile, () => [medium])
    await newer.write(...intents(6))
    await newer.signed()
    expect({ told: newer.told, warnings: newer.checkpointer.warnings() }).toEqual({ told: [], warnings: [] })
    await newer.close()
    const evidence = readFileSync(copy, 'utf8')
    rmSync(profile, { recursive: true })
    cpSync(join(base, 'older'), profile, { recursive: true })
    const fork = await running(profile, () => [medium])
    await fork.write(...sampleEntries().slice(0, more), ...intents(Math.max(0, more - sampleEntries().length)))
    await fork.signed()
    expect(readFileSync(copy, 'utf8')).toBe(evidence)
    expect(fork.told).toMatchObject([{ code: 'contradicts', path: copy }])
    expect(fork.checkpointer.warnings()).toEqual(fork.told)
    await fork.close()
  })

  it('is replaced by the same log after a restart', async () => {
    const { profile, medium, copy } = places()
    for (const round of [1, 2, 3]) {
      const station = await running(profile, () => [medium])
      await station.write(...intents(round))
      const written = await station.signed()
      expect({ told: station.told, warnings: station.checkpointer.warnings() }).toEqual({ told: [], warnings: [] })
      expect(readFileSync(copy, 'utf8')).toBe(written.ok ? written.value.note : '')
      await station.close()
    }
  })

  it('is left alone, and nothing signed, once the log was found broken', async () => {
    const { profile, medium, copy } = places()
    const station = await running(profile, () => [medium])
    await station.write(...intents(3))
    await station.signed()
    const kept = readFileSync(copy, 'utf8')
    await station.write(...intents(3))
    station.checkpointer.end()
    expect(await station.signed()).toMatchObject({ ok: false, error: { code: 'log-not-trusted' } })
    expect(readFileSync(copy, 'utf8')).toBe(kept)
    expect(await station.db.selectFrom('audit_checkpoint').select('size').execute()).toEqual([{ size: 3 }])
    await station.close()
  })
})

describe('what counts as kept elsewhere', () => {
  it('is never in the profile folder, under whatever name', async () => {
    const { base, profile, medium, copy } = places()
    const station = await running(profile, () => [medium])
    await station.write(...intents(3))
    await station.signed()
    const inside = join(profile, 'copies')
    mkdirSync(inside)
    for (const folder of [profile, inside]) writeFileSync(join(folder, checkpointFileName(key)), readFileSync(copy))
    const linked = join(base, 'linked')
    symlinkSync(inside, linked)
    const kept = (checkpointFolders: readonly string[]) =>
      keptElsewhere(
        readerOf(station.db),
        station.path,
        key,
        {
          checkpointFolders: [...checkpointFolders],
          witnesses: [],
        },
        testMedia(),
      )
    expect((await kept([profile, inside, linked])).outside).toEqual([])
    expect((await kept([inside, medium])).outside).toMatchObject([{ path: copy }])
    expect((await kept([])).beside).toMatchObject({ path: checkpointFileOf(station.path) })
    await station.close()
  })
})

describe('the file beside the database', () => {
  const fileOf = (profile: string) => checkpointFileOf(join(profile, 'station.db'))
  const check = (station: Awaited<ReturnType<typeof running>>) =>
    checkCheckpoints(readerOf(station.db), key, checkpointFileOf(station.path))

  it('is there before a second checkpoint is signed, after two ends between the database and the file', async () => {
    const { profile } = places()
    for (const round of [1, 2]) {
      const station = await running(profile, () => {
        throw new Error(`ended in round ${round}`)
      })
      await station.write(sampleIntent(round))
      await expect(station.signed()).rejects.toThrow('ended in round')
      await station.close()
    }
    expect(readCheckpointFile(fileOf(profile), key)).toMatchObject({ signed: { checkpoint: { size: 1 } } })
    const next = await running(profile, () => [])
    expect(await check(next)).toMatchObject({ kind: 'whole', entries: 2 })
    await next.close()
  })

  it('that could not be put there holds up the second checkpoint, not the entries, until it can', async () => {
    const { profile } = places()
    let planted = false
    const station = await running(profile, () => {
      if (!planted) mkdirSync(fileOf(profile))
      planted = true
      return []
    })
    await station.write(sampleIntent(1))
    expect(await station.signed()).toMatchObject({ ok: true, value: { size: 1 } })
    await station.write(sampleIntent(2))
    expect(await station.signed()).toMatchObject({ ok: false, error: { code: 'checkpoint-not-signed' } })
    expect(await station.db.selectFrom('audit_checkpoint').select('size').execute()).toEqual([{ size: 1 }])
    rmdirSync(fileOf(profile))
    expect(await check(station)).toMatchObject({ kind: 'whole', entries: 2 })
    expect(await station.checkpointer.write()).toMatchObject({ ok: true, value: { size: 2 } })
    expect(readCheckpointFile(fileOf(profile), key)).toMatchObject({ kind: 'kept' })
    await station.close()
  })
})
