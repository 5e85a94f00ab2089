import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { openStationDatabase } from '../../../db/open.ts'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import type { FolderAccess } from '../media/media.ts'
import { testMedia } from '../media/testing/test-media.ts'
import { checkpointFileName, checkpointFileOf, putCheckpoint, readCheckpointFile } from './checkpoint-file.ts'
import { mediumPlace, ownPlace } from './checkpoint-places.ts'
import { createCheckpointer } from './checkpointer.ts'
import { checkpointedStation } from './testing/checkpointed-station.ts'
import { sampleEntries, sampleIntent } from './testing/sample-entries.ts'
import { sampleKey } from './testing/sample-log.ts'

const program = new URL('testing/full-disk.child.ts', import.meta.url).pathname
const { key } = sampleKey()

describe('a disk that does not take a checkpoint', () => {
  it('because it is full keeps every entry, and takes it when there is room', (ctx) => {
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
        { encoding: 'utf8' },
      )
    if (inMountNamespace('mount -t tmpfs -o size=2m none "$1"').status !== 0)
      ctx.skip('cannot mount a small disk here (no mount namespace)')
    const run = inMountNamespace('mount -t tmpfs -o size=2m none "$1"; exec "$2" "$3" "$1/station.db" "$1/filler"')
    const told = new Map(
      run.stdout
        .trim()
        .split('\n')
        .map((line) => line.split(/ (.*)/s) as [string, string]),
    )
    expect(Object.fromEntries(told), run.stderr).toEqual({
      first: '1',
      full: 'log-unwritable unavailable',
      file: 'true',
      again: told.get('entries'),
      whole: 'true',
      entries: expect.stringMatching(/^\d+$/),
    })
  })

  it('because another program holds the lock, or it is for reading only, changes nothing', async () => {
    const path = join(tempFolder(), 'station.db')
    const station = await checkpointedStation(path)
    await station.write(...sampleEntries())
    const note = await station.checkpoint()
    await station.write(sampleIntent())
    const other = new BetterSqlite3(path)
    other.exec('begin immediate')
    expect(await station.checkpointer.write()).toMatchObject({
      ok: false,
      error: { code: 'log-unwritable', kind: 'unavailable' },
    })
    other.exec('rollback')
    other.close()
    const reader = await openStationDatabase(path, 'read')
    if (!reader.ok) throw new Error(reader.error.message)
    const reading = createCheckpointer({
      media: testMedia(),
      db: reader.value.db,
      key: station.logKey,
      file: checkpointFileOf(path),
      folders: () => [],
      now: () => new Date(0),
    })
    expect(await reading.write()).toMatchObject({ ok: false, error: { code: 'log-unwritable', kind: 'unavailable' } })
    await reader.value.close()
    expect(readCheckpointFile(checkpointFileOf(path), key)).toMatchObject({ kind: 'kept', text: note })
    expect(await station.checkpointer.write()).toMatchObject({ ok: true, value: { size: sampleEntries().length + 1 } })
    await station.close()
  })
})

/** The folder through its process, as the station does. */
function accessTo(folder: string): FolderAccess {
  const media = testMedia()
  const within = async <T>(work: (at: FolderAccess) => Promise<T>): Promise<T> => {
    const answer = await media.inTurn(folder, work)
    if (answer === null) throw new Error('not begun')
    return answer
  }
  return {
    read: (name, limit) => within((at) => at.read(name, limit)),
    replace: (name, text, there) => within((at) => at.replace(name, text, there)),
    place: () => media.inTurn(folder, (at) => at.place()),
  }
}

const contained = async () => 'contained' as const

describe.each([
  ['on the profile’s disk', (path: string) => ownPlace(path)],
  ['on a medium', (path: string) => mediumPlace(accessTo(dirname(path)), dirname(path), basename(path))],
])('a folder that somebody else prepared, %s', (_where, place) => {
  it.each([
    ['a link to a file of the operator’s', (path: string, victim: string) => symlinkSync(victim, path), false],
    ['a link where the new one is begun', (path: string, victim: string) => symlinkSync(victim, `${path}.new`), true],
    ['a second name of a file there', (path: string, victim: string) => linkSync(victim, `${path}.new`), true],
    ['a pipe', (path: string) => void execFileSync('mkfifo', [path]), false],
    ['a pipe where the new one is begun', (path: string) => void execFileSync('mkfifo', [`${path}.new`]), true],
    ['a folder', (path: string) => mkdirSync(path), false],
    ['a folder where the new one is begun', (path: string) => mkdirSync(`${path}.new`), false],
  ])(
    'with %s under the checkpoint’s name has nothing overwritten, and nothing hangs',
    async (_name, plant, written) => {
      const folder = tempFolder()
      const station = await checkpointedStation(join(folder, 'station.db'))
      await station.write(sampleIntent())
      const note = await station.checkpoint()
      await station.close()
      const victim = join(folder, 'victim')
      writeFileSync(victim, 'precious')
      const path = join(folder, checkpointFileName(key))
      plant(path, victim)
      const warning = await putCheckpoint(place(path), note, 1, key, contained)
      if (written) expect(readCheckpointFile(path, key)).toMatchObject({ kind: 'kept', text: note })
      else expect(warning).toMatchObject({ code: expect.stringMatching(/foreign|unwritable/) })
      expect(warning === null).toBe(written)
      expect(existsSync(`${path}.new`)).toBe(_name.includes('a folder where'))
      expect(execFileSync('cat', [victim], { encoding: 'utf8' })).toBe('precious')
    },
  )
})
