import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { httpsCall } from './testing/https-call.ts'

let dir: string
let child: ChildProcessWithoutNullStreams
let lines: AsyncIterator<string>

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sandbox-main-'))
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  child = spawn(process.execPath, [main, '--dialect', '0.16', '--dir', dir])
  lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
})
afterEach(async () => {
  child.kill('SIGKILL')
  await rm(dir, { recursive: true, force: true })
})

async function line(): Promise<Record<string, unknown>> {
  const { value } = await lines.next()
  return JSON.parse(String(value)) as Record<string, unknown>
}

async function ask(command: Record<string, unknown>): Promise<Record<string, unknown>> {
  child.stdin.write(`${JSON.stringify(command)}\n`)
  return await line()
}

test('says where it is, obeys line by line, and ends when its input ends', async () => {
  const ready = await line()
  const caPem = await readFile(String(ready['caFile']), 'utf8')
  const origin = String(ready['origin'])
  expect(ready).toMatchObject({ ready: true, dialect: '0.16', apiUrl: `${origin}/api` })

  const file = join(dir, 'a.efi')
  await writeFile(file, Buffer.alloc(8192, 'a'))
  const files = [{ name: 'a.efi', path: file, package: 'pkg', version: '1' }]
  const added = await ask({ do: 'add-scenario', name: 'fine', fingerprint: 'AA'.repeat(32), files })
  expect(added).toEqual({ ok: true, workRequestId: 1 })
  expect(await ask({ do: 'work-request', id: 1 })).toMatchObject({ ok: true, workRequest: { status: 'pending' } })

  const headers = { token: String(ready['userToken']) }
  const whoami = await httpsCall({ origin, caPem }, { method: 'GET', path: '/api/1.0/whoami/', headers })
  expect(JSON.parse(whoami.body.toString('utf8'))).toMatchObject({ user: 'operator', auth: true })
  expect(await ask({ do: 'record' })).toMatchObject({ record: { calls: [{ route: 'whoami', status: 200 }] } })

  expect(await ask({ do: 'nonsense' })).toMatchObject({ ok: false })
  expect(await ask({ do: 'fault', route: 'whoami', fault: { kind: 'status', status: 503 }, times: 'always' })).toEqual({
    ok: true,
  })
  const after = await httpsCall({ origin, caPem }, { method: 'GET', path: '/api/1.0/whoami/', headers })
  expect(after.status).toBe(503)

  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.stdin.end()
  expect(await ended).toBe(0)
})
