import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { createMedia, type FolderAccess } from './media.ts'
import { mediaProcess, testMedia } from './testing/test-media.ts'

/** Nothing passes on its own: time is over when it is said to be. */
function bench() {
  const timers = new Set<() => void>()
  const media = testMedia((_ms, then) => {
    timers.add(then)
    return () => void timers.delete(then)
  })
  return {
    media,
    timeIsOver: () => {
      for (const then of timers) then()
      timers.clear()
    },
  }
}
const hangs = () => new Promise<never>(() => {})
const turn = () => new Promise(setImmediate)

describe('folders on media', () => {
  it('are waited for so long and no longer, and asked again only when they answered', async () => {
    const { media, timeIsOver } = bench()
    let begun = 0
    const ask = () =>
      media.soon('/hung', () => {
        begun += 1
        return hangs()
      })
    const first = ask()
    await turn()
    timeIsOver()
    expect(await first).toBeNull()
    const others = [ask(), ask()]
    await turn()
    timeIsOver()
    expect(await Promise.all(others)).toEqual([null, null])
    expect(begun).toBe(1)
    expect(await media.soon('/other', async () => 'there')).toBe('there')
  })

  it('are four at most at once, so that their processes do not fill the memory', async () => {
    const { media, timeIsOver } = bench()
    let begun = 0
    const all = ['/a', '/b', '/c', '/d', '/e', '/f'].map((folder) =>
      media.soon(folder, () => {
        begun += 1
        return hangs()
      }),
    )
    await turn()
    expect(begun).toBe(4)
    timeIsOver()
    expect(await Promise.all(all)).toEqual(Array(6).fill(null))
    expect(begun).toBe(4)
  })

  it('take turns when they answer, one call at a time each, also after one that failed', async () => {
    const { media } = bench()
    const order: string[] = []
    let inA = 0
    const work = (name: string) => async () => {
      inA += 1
      expect(inA).toBeLessThanOrEqual(1)
      await turn()
      inA -= 1
      order.push(name)
      if (name === '1') throw new Error('failed')
      return name
    }
    const first = media.inTurn('/a', work('1'))
    const rest = ['2', '3'].map((name) => media.inTurn('/a', work(name)))
    await expect(first).rejects.toThrow('failed')
    expect(await Promise.all(rest)).toEqual(['2', '3'])
    expect(await Promise.all(['/a', '/b', '/c'].map((folder) => media.soon(folder, async () => folder)))).toEqual([
      '/a',
      '/b',
      '/c',
    ])
    expect(order).toEqual(['1', '2', '3'])
  })
})

/** Processes that were started for this folder. */
function processesOf(folder: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
        return words.at(-2) === folder && !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
      } catch {
        return false
      }
    })
}

describe('a medium that hangs', () => {
  const stall = new URL('./testing/stalls.child.ts', import.meta.url)
  const own = new URL(import.meta.url)

  it('in the kernel holds a process that is killed, and not the threads of the program’s own files', async () => {
    const timers = new Set<() => void>()
    const media = createMedia({ ...mediaProcess(), entry: stall }, (_ms, then) => {
      timers.add(then)
      return () => void timers.delete(then)
    })
    // As many as Node has threads for files, and more than are asked at once.
    const folders = Array.from({ length: 6 }, () => tempFolder())
    for (const folder of folders) execFileSync('mkfifo', [join(folder, 'pipe')])
    const asked = folders.map((folder) => media.inTurn(folder, (at) => at.read('pipe', 100)))
    await vi.waitFor(() => expect(folders.flatMap(processesOf)).toHaveLength(4), { timeout: 20_000 })
    expect((await readFile(own)).length).toBeGreaterThan(0)
    const written = join(tempFolder(), 'own')
    await writeFile(written, 'goes on')
    expect(await readFile(written, 'utf8')).toBe('goes on')
    const answers: unknown[] = []
    for (const each of asked) void each.then((answer) => answers.push(answer))
    // Those that waited for a place come after those that are given up.
    await vi.waitFor(
      () => {
        for (const then of timers) then()
        expect(answers).toEqual(folders.map(() => ({ kind: 'silent' })))
      },
      { timeout: 20_000 },
    )
    await vi.waitFor(() => expect(folders.flatMap(processesOf)).toEqual([]), { timeout: 20_000 })
    media.close()
  })

  it('for a while is given up, then asked again when it answers', async () => {
    const { media, timeIsOver } = bench()
    const folder = tempFolder()
    writeFileSync(join(folder, 'file'), 'text')
    const read = () => media.inTurn(folder, (at) => at.read('file', 100))
    const text = { kind: 'bytes', bytes: Buffer.from('text').toString('base64') }
    expect(await read()).toEqual(text)
    const [pid = 0] = processesOf(folder)
    process.kill(pid, 'SIGSTOP')
    const stopped = read()
    expect((await readFile(own)).length).toBeGreaterThan(0)
    await turn()
    timeIsOver()
    expect(await stopped).toEqual({ kind: 'silent' })
    await vi.waitFor(() => expect(processesOf(folder)).toEqual([]), { timeout: 20_000 })
    await vi.waitFor(async () => expect(await read()).toEqual(text), { timeout: 20_000 })
    // And is ended when nothing more came for a while.
    timeIsOver()
    await vi.waitFor(() => expect(processesOf(folder)).toEqual([]), { timeout: 20_000 })
    media.close()
  })
})

describe('the process of a folder', () => {
  it('reads and writes there, and nowhere else', async () => {
    const media = testMedia()
    const [folder, other] = [tempFolder(), tempFolder()]
    writeFileSync(join(other, 'secret'), 'secret')
    const ask = <T>(work: (at: FolderAccess) => Promise<T>) => media.inTurn(folder, work)
    expect(await ask((at) => at.replace('file', 'one', null))).toEqual({ kind: 'replaced' })
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('one')
    const outside = `../${basename(other)}/secret`
    expect(await ask((at) => at.read(outside, 100))).toEqual({ kind: 'failed', code: 'ERR_ACCESS_DENIED' })
    expect(await ask((at) => at.replace(outside, 'x', null))).toMatchObject({ kind: 'failed' })
    expect(readFileSync(join(other, 'secret'), 'utf8')).toBe('secret')
    expect(readdirSync(other)).toEqual(['secret'])
    media.close()
  })

  it('replaces only what was seen, and leaves nothing half done', async () => {
    const media = testMedia()
    const folder = tempFolder()
    const put = (text: string, there: string | null) => media.inTurn(folder, (at) => at.replace('file', text, there))
    const digest = (text: string) => createHash('sha256').update(text).digest('hex')
    writeFileSync(join(folder, 'file'), 'came meanwhile')
    expect(await put('new', null)).toEqual({ kind: 'changed' })
    expect(await put('new', digest('seen'))).toEqual({ kind: 'changed' })
    expect(await put('new', digest('came meanwhile'))).toEqual({ kind: 'replaced' })
    expect(readdirSync(folder)).toEqual(['file'])
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('new')
    media.close()
  })

  it('says that a folder is not there, and where it would be', async () => {
    const media = testMedia()
    const base = realpathSync(tempFolder())
    const gone = join(base, 'unplugged')
    expect(await media.inTurn(gone, (at) => at.read('file', 100))).toEqual({ kind: 'absent' })
    expect(await media.inTurn(gone, (at) => at.replace('file', 'x', null))).toEqual({ kind: 'failed', code: 'ENOENT' })
    const link = join(base, 'link')
    symlinkSync(base, link)
    expect(await media.inTurn(join(link, 'unplugged'), (at) => at.place())).toBe(gone)
    // Plugged in: the same process finds it.
    mkdirSync(gone)
    expect(await media.inTurn(gone, (at) => at.replace('file', 'x', null))).toEqual({ kind: 'replaced' })
    media.close()
  })

  it('whose answers are none is killed, and that is told', async () => {
    const lines: string[] = []
    const media = createMedia({
      ...mediaProcess(),
      entry: new URL('./testing/babbles.child.ts', import.meta.url),
      log: (event) => lines.push(event),
    })
    expect(await media.inTurn(tempFolder(), (at) => at.read('file', 100))).toEqual({ kind: 'failed', code: 'EPROC' })
    expect(lines).toEqual(['media.process-died'])
    media.close()
  })
})
