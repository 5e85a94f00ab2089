import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { createMedia } from './media.ts'

/** Nothing passes on its own: time is over when it is said to be. */
function bench() {
  const timers = new Set<() => void>()
  const media = createMedia((_ms, then) => {
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

  it('are two at most at once, so that two threads are left for everything else', async () => {
    const { media, timeIsOver } = bench()
    let begun = 0
    const all = ['/a', '/b', '/c', '/d'].map((folder) =>
      media.soon(folder, () => {
        begun += 1
        return hangs()
      }),
    )
    await turn()
    expect(begun).toBe(2)
    timeIsOver()
    expect(await Promise.all(all)).toEqual([null, null, null, null])
    expect(begun).toBe(2)
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

  it('that hang in the kernel leave the program its files, however often they are asked', async () => {
    const { media, timeIsOver } = bench()
    // Opening a pipe that nobody writes to holds a thread as a dead medium does.
    const pipes = ['a', 'b', 'c', 'd', 'e'].map((name) => join(tempFolder(), name))
    execFileSync('mkfifo', pipes)
    const opened: number[] = []
    const ask = (pipe: string) =>
      media.soon(pipe, async () => {
        const handle = await open(pipe, 'r')
        opened.push(handle.fd)
        await handle.close()
        return true
      })
    const all = [...pipes, ...pipes, ...pipes].map(ask)
    await turn()
    const own = new URL(import.meta.url)
    expect((await readFile(own)).length).toBeGreaterThan(0)
    timeIsOver()
    expect(new Set(await Promise.all(all))).toEqual(new Set([null]))
    expect((await readFile(own)).length).toBeGreaterThan(0)
    // The media are back: the two that were asked answer, and nothing is begun that nobody waits for.
    const writers = pipes.map((pipe) => openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK))
    expect(await Promise.all(pipes.map(ask))).toEqual(pipes.map(() => true))
    expect(opened).toHaveLength(pipes.length + 2)
    for (const writer of writers) closeSync(writer)
  })
})
