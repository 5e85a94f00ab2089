import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { claimInstance, type Instance } from './single-instance.ts'

let folder: string
let socketPath: string
let held: Instance[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'instance-'))
  socketPath = join(folder, 'station.sock')
})

afterEach(async () => {
  await Promise.all(held.map((instance) => instance.release()))
  held = []
  rmSync(folder, { recursive: true })
})

async function claimed(): Promise<Instance> {
  const result = await claimInstance(socketPath)
  if (!result.ok) throw new Error(result.error.message)
  held.push(result.value)
  return result.value
}

describe('the only station of a profile', () => {
  it('is the first; the second is refused and the first hears of it', async () => {
    const first = await claimed()
    const shown = new Promise<void>((resolve) => first.onSecondStart(resolve))
    expect(await claimInstance(socketPath)).toMatchObject({ ok: false, error: { code: 'already-running' } })
    await shown
  })

  it('hears of a second start that came before its window was there', async () => {
    const first = await claimed()
    await claimInstance(socketPath)
    await new Promise<void>((resolve) => first.onSecondStart(resolve))
  })

  it('is handed the files of a second start, and nothing that is no whole path', async () => {
    const first = await claimed()
    // Nobody takes files yet: a command without a window.
    expect(await claimInstance(socketPath, ['/a.efi'])).toMatchObject({ error: { code: 'already-running' } })
    const handed: (readonly string[])[] = []
    first.onFiles((paths) => handed.push(paths))
    expect(await claimInstance(socketPath, ['/a.efi', '/b \u202e'])).toMatchObject({
      error: { code: 'files-handed-over' },
    })
    expect(await claimInstance(socketPath, ['relative'])).toMatchObject({ error: { code: 'already-running' } })
    for (const text of ['{"open":["/a"],"more":1}\n', 'nonsense\n', 'x'.repeat(1_100_000), '{"open":"/a"}\n', '\n'])
      await new Promise<void>((resolve) => {
        const socket = connect(socketPath, () => socket.end(text))
        socket.on('error', () => {})
        socket.on('close', () => resolve())
        socket.resume()
      })
    expect(handed).toEqual([['/a.efi', '/b \u202e']])
  })

  it('takes over from a station that was killed', async () => {
    const script = `require('node:net').createServer().listen(${JSON.stringify(socketPath)}, () => process.kill(process.pid, 'SIGKILL'))`
    expect(spawnSync(process.execPath, ['-e', script]).signal).toBe('SIGKILL')
    expect(statSync(socketPath).isSocket()).toBe(true)
    await claimed()
  })

  it('is one of many that start at the same moment over a dead one’s socket', async () => {
    const script = `require('node:net').createServer().listen(${JSON.stringify(socketPath)}, () => process.kill(process.pid, 'SIGKILL'))`
    spawnSync(process.execPath, ['-e', script])
    const results = await Promise.all(Array.from({ length: 12 }, () => claimInstance(socketPath)))
    held = results.flatMap((result) => (result.ok ? [result.value] : []))
    expect(held).toHaveLength(1)
    expect(results.filter((result) => !result.ok && result.error.code === 'already-running')).toHaveLength(11)
  })

  it('has a socket for its own user alone, and leaves none behind', async () => {
    const first = await claimed()
    expect(statSync(socketPath).mode & 0o777).toBe(0o600)
    await first.release()
    held = []
    expect(statSync(socketPath, { throwIfNoEntry: false })).toBeUndefined()
  })

  it('does not claim under a name that the kernel would cut', async () => {
    expect(await claimInstance(join(folder, 'x'.repeat(108)))).toMatchObject({
      ok: false,
      error: { code: 'instance-not-claimed' },
    })
  })

  it('counts a first station that hangs as alive', async () => {
    const server = createServer(() => {})
    await new Promise<void>((resolve) => server.listen(socketPath, resolve))
    expect(await claimInstance(socketPath)).toMatchObject({ ok: false, error: { code: 'already-running' } })
    server.close()
  })
})
