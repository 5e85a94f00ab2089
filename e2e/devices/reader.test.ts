import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import { allProcesses, statusField } from '../harness/process-tree.ts'
import { ReaderRoom, whyNoReader, withVirtualYubiKeys } from './reader.ts'
import { VirtualYubiKey } from './yubikey/virtual-yubikey.ts'

const why = whyNoReader()
const version = ['-r', '0', '-s', '00:a4:04:00:05:a0:00:00:03:08', '-s', '00:fd:00:00'] as const

/** Runs a process that holds a room; its first line says what there is to look for. */
async function heldRoom(wrapper: readonly string[] = []): Promise<{
  readonly child: ChildProcess
  readonly folder: string
  readonly inside: number
}> {
  const command = [...wrapper, process.execPath, join(import.meta.dirname, 'testing', 'hold-room.ts')]
  const child = spawn('/usr/bin/env', command, { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: unknown[] = await once(createInterface(child.stdout), 'line')
  // The script of the tests wrote it.
  return { child, ...(JSON.parse(String(lines[0])) as { folder: string; inside: number }) }
}

describe('a room with readers', () => {
  it('shows programs that run inside the keys that are plugged in, and nobody else', async (context) => {
    if (why !== null) return context.skip(why)
    await withVirtualYubiKeys([{ firmware: '5.4.3' }, { firmware: '5.7.1' }], async (keys, room) => {
      const serials = async () => {
        const listed = await room.run('/usr/bin/yubico-piv-tool', ['-r', '00 00', '-a', 'status'])
        const second = await room.run('/usr/bin/yubico-piv-tool', ['-r', '00 01', '-a', 'status'])
        return [listed, second].map(({ stdout }) => /Serial Number:\t(\d+)/.exec(stdout)?.[1])
      }
      expect(keys.map(({ serial }) => String(serial))).toEqual(await serials())
      expect(room.holds(keys[0] ?? new VirtualYubiKey())).toBe(true)
    })
  })

  it('is one of many, each for itself', async (context) => {
    if (why !== null) return context.skip(why)
    const rooms = await Promise.all([ReaderRoom.open(), ReaderRoom.open()])
    try {
      const keys = [new VirtualYubiKey({ firmware: '5.4.3' }), new VirtualYubiKey({ firmware: '5.7.1' })]
      await Promise.all(rooms.map((room, index) => room.plug(keys[index] ?? new VirtualYubiKey())))
      const told = await Promise.all(rooms.map((room) => room.run('/usr/bin/opensc-tool', version)))
      expect(told.map(({ stdout }) => /^0(5 04 03|5 07 01)/m.exec(stdout)?.[0])).toEqual(['05 04 03', '05 07 01'])
    } finally {
      await Promise.all(rooms.map((room) => room.close()))
    }
  })

  it('takes a key that is pulled in a command and put back, and one that is exchanged', async (context) => {
    if (why !== null) return context.skip(why)
    await withVirtualYubiKeys([{ firmware: '5.4.3' }], async ([first], room) => {
      if (first === undefined) throw new Error('no key')
      const second = new VirtualYubiKey({ firmware: '5.7.1' })
      const ask = async () => (await room.run('/usr/bin/opensc-tool', version)).stdout
      first.dieIn(({ ins }) => ins === 0xfd)
      expect(await ask()).not.toContain('05 04 03')
      await room.plug(first, 0)
      expect(await ask()).toContain('05 04 03')
      await room.swap(first, second)
      expect(await ask()).toContain('05 07 01')
    })
  })

  it('runs a program where it is told to, with what it is given', async (context) => {
    if (why !== null) return context.skip(why)
    const room = await ReaderRoom.open()
    try {
      const done = await room.run('/bin/sh', ['-c', 'pwd; cat; echo "$X" >&2; exit 3'], {
        cwd: '/usr/share',
        input: 'in\n',
        env: { X: 'a "b" $c' },
      })
      expect(done).toEqual({ code: 3, signal: null, stdout: '/usr/share\nin\n', stderr: 'a "b" $c\n' })
    } finally {
      await room.close()
    }
  })

  it('leaves nothing when the test is killed', async (context) => {
    if (why !== null) return context.skip(why)
    const { child, folder } = await heldRoom()
    const inside = () => allProcesses().filter(({ command }) => command.includes(folder))
    expect(inside().length).toBeGreaterThan(1)
    child.kill('SIGKILL')
    await expect.poll(() => [inside(), existsSync(folder)]).toEqual([[], false])
  })

  it('can be had without rights', async (context) => {
    if (why !== null) return context.skip(why)
    if (process.getuid?.() !== 0) return context.skip('the other tests run without rights')
    const user = ['/usr/bin/setpriv', '--reuid=20001', '--regid=20001', '--clear-groups', '--no-new-privs']
    const { child, folder, inside } = await heldRoom(user)
    expect([statusField(inside, 'Uid')?.split('\t')[1], existsSync(folder)]).toEqual(['20001', true])
    child.kill('SIGTERM')
    const exit: unknown[] = await once(child, 'close')
    expect([exit[0], existsSync(folder)]).toEqual([0, false])
  })
})
