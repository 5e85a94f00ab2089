import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'
import { command } from './codes.ts'
import { HostSession } from './testing/host-session.ts'

const program = fileURLToPath(new URL('main.ts', import.meta.url))
const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function start(...args: readonly string[]) {
  const child = spawn(process.execPath, [program, '--port', '0', ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  return { child, ended: once(child, 'exit') }
}

async function urlOf({ child }: ReturnType<typeof start>): Promise<string> {
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return (JSON.parse(line.toString()) as { url: string }).url
}

const over = (url: string) =>
  HostSession.open(async (bytes) => {
    const answer = await fetch(`${url}/connector/api`, { method: 'POST', body: Buffer.from(bytes) })
    return new Uint8Array(await answer.arrayBuffer())
  })

it('keeps its device in a file that only its owner reads, and goes on with it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'yubihsm-main-'))
  folders.push(folder)
  const file = join(folder, 'device.json')
  const first = start('--state', file, '--serial', '1234567')
  const before = await (await over(await urlOf(first))).send(command.getPublicKey, Buffer.from([0, 1])).catch(String)
  expect(before).toContain('objectNotFound')
  first.child.stdin.end('quit\n')
  expect(await first.ended).toEqual([0, null])
  expect(statSync(file).mode & 0o777).toBe(0o600)

  const second = start('--state', file)
  const url = await urlOf(second)
  const told = await fetch(`${url}/connector/api`, { method: 'POST', body: Buffer.from([command.deviceInfo, 0, 0]) })
  expect(Buffer.from(await told.arrayBuffer()).readUInt32BE(6)).toBe(1_234_567)
  second.child.stdin.write('unplug\n')
  await expect.poll(async () => await (await fetch(`${url}/connector/status`)).text()).toContain('status=NO_DEVICE')
  second.child.kill('SIGTERM')
  expect(await second.ended).toEqual([0, null])
})
