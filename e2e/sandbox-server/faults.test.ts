import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeServerCertificate } from './certificates.ts'
import { type SandboxServer, startSandboxServer } from './sandbox-server.ts'
import { httpsCall } from './testing/https-call.ts'
import { call, connect, fetchWork, readyWorker } from './testing/worker-client.ts'

const certificate = await makeServerCertificate()

const fingerprint = 'AB'.repeat(32)
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

let sandbox: SandboxServer

beforeEach(async () => {
  sandbox = await startSandboxServer({ certificate, dialect: '0.16' })
  sandbox.addKey({ purpose: 'uefi', fingerprint })
})
afterEach(() => sandbox.stop())

type Files = Record<string, { size: number; checksums: { sha256: string }; url: string }>

/** Fetches the one request there is and reads its first input. */
async function held(): Promise<{ id: number; token: string; artifact: number; files: Files }> {
  const client = await readyWorker(sandbox)
  const { id, token } = await fetchWork(sandbox, client)
  const artifact = Number((sandbox.workRequest(id ?? 0)?.taskData['unsigned'] as number[] | undefined)?.[0])
  const { json } = await call(sandbox, 'GET', `artifact/${artifact}/`, token)
  return { id: id ?? 0, token, artifact, files: json['files'] as Files }
}

const download = (path: string, token: string, headers: Record<string, string> = {}) =>
  httpsCall(sandbox, { method: 'GET', path: new URL(path).pathname, headers: { token, ...headers } })

describe('a connection that breaks', () => {
  test('before the call is served leaves nothing behind', async () => {
    sandbox.faults.add({ route: 'worker.register', fault: { kind: 'drop', when: 'before' } })
    const body = { token: 'a'.repeat(64), fqdn: 'desk.example.org', worker_type: 'signing' }
    await expect(call(sandbox, 'POST', 'worker/register/', null, body)).rejects.toThrow(/hang up|ECONNRESET/)
    expect(sandbox.workers).toEqual([])
  })

  test('after it was served leaves the worker registered and the client in the dark', async () => {
    sandbox.faults.add({ route: 'worker.register', fault: { kind: 'drop', when: 'after' } })
    const body = { token: 'a'.repeat(64), fqdn: 'desk.example.org', worker_type: 'signing' }
    await expect(call(sandbox, 'POST', 'worker/register/', null, body)).rejects.toThrow(/hang up|ECONNRESET/)
    expect(sandbox.workers.map((worker) => worker.name)).toEqual(['desk-example-org'])
  })

  test('in the middle of a body is seen as a broken body', async () => {
    await sandbox.addSignRequest({ fingerprint, files: [{ name: 'a.efi', bytes: randomBytes(100_000) }] })
    const { token, files } = await held()
    sandbox.faults.add({ route: 'file.download', fault: { kind: 'truncate', afterBytes: 5000 } })
    await expect(download(files['a.efi']?.url ?? '', token)).rejects.toThrow(/aborted|ECONNRESET|hang up/)
  })
})

test('a large body that waits for its reader many times leaves nothing hanging on the answer', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'large-body-'))
  const file = join(folder, 'a.efi')
  await writeFile(file, Buffer.alloc(16 * 1024 * 1024))
  const warnings: Error[] = []
  const hear = (warning: Error) => void warnings.push(warning)
  process.on('warning', hear)
  try {
    await sandbox.addSignRequest({ fingerprint, files: [{ name: 'a.efi', file }] })
    const { token, files } = await held()
    expect((await download(files['a.efi']?.url ?? '', token)).body.length).toBe(16 * 1024 * 1024)
    expect(warnings).toEqual([])
  } finally {
    process.off('warning', hear)
    await rm(folder, { recursive: true })
  }
})

test('strikes at the n-th call, as often as it was told', async () => {
  sandbox.faults.add({ route: 'whoami', nth: 2, times: 2, fault: { kind: 'status', status: 502 } })
  const statuses: number[] = []
  for (let turn = 0; turn < 4; turn += 1) statuses.push((await call(sandbox, 'GET', 'whoami/', null)).status)
  expect(statuses).toEqual([200, 502, 502, 200])
})

test('flips one bit of a body whose length stays right', async () => {
  const bytes = randomBytes(10_000)
  await sandbox.addSignRequest({ fingerprint, files: [{ name: 'a.efi', bytes }] })
  const { token, files } = await held()
  sandbox.faults.add({ route: 'file.download', fault: { kind: 'corrupt' } })
  const answer = await download(files['a.efi']?.url ?? '', token)
  expect(answer.body.length).toBe(bytes.length)
  expect(sha256(answer.body)).not.toBe(files['a.efi']?.checksums.sha256)
  expect(sha256((await download(files['a.efi']?.url ?? '', token)).body)).toBe(sha256(bytes))
})

test('redirects without serving the call', async () => {
  sandbox.faults.add({ route: 'whoami', fault: { kind: 'redirect', status: 307, location: 'https://evil.example/' } })
  const answer = await call(sandbox, 'GET', 'whoami/', sandbox.userToken)
  expect([answer.status, answer.headers['location']]).toEqual([307, 'https://evil.example/'])
})

describe('a file that changes between two downloads', () => {
  const first = Buffer.from('first content')
  const later = Buffer.from('later content, longer')

  test('may lie consistently: the declared digest follows', async () => {
    await sandbox.addSignRequest({
      fingerprint,
      files: [{ name: 'a.efi', bytes: first, later: [later], declares: 'current' }],
    })
    const { token, artifact, files } = await held()
    expect(files['a.efi']?.checksums.sha256).toBe(sha256(first))
    expect((await download(files['a.efi']?.url ?? '', token)).body).toEqual(first)
    const { json } = await call(sandbox, 'GET', `artifact/${artifact}/`, token)
    expect((json['files'] as Files)['a.efi']?.checksums.sha256).toBe(sha256(later))
    expect((await download(files['a.efi']?.url ?? '', token)).body).toEqual(later)
  })

  test('may contradict what was declared', async () => {
    await sandbox.addSignRequest({ fingerprint, files: [{ name: 'a.efi', bytes: first, later: [later] }] })
    const { token, artifact, files } = await held()
    await download(files['a.efi']?.url ?? '', token)
    expect((await download(files['a.efi']?.url ?? '', token)).body).toEqual(later)
    const { json } = await call(sandbox, 'GET', `artifact/${artifact}/`, token)
    expect((json['files'] as Files)['a.efi']?.checksums.sha256).toBe(sha256(first))
  })

  test('goes on with its old content when a download is resumed', async () => {
    await sandbox.addSignRequest({ fingerprint, files: [{ name: 'a.efi', bytes: first, later: [later] }] })
    const { token, files } = await held()
    const resumed = await download(files['a.efi']?.url ?? '', token, { range: `bytes=6-${first.length - 1}` })
    expect([resumed.status, resumed.body.toString()]).toEqual([206, 'content'])
  })
})

test('delivers hostile names, sizes, digests and addresses as it was told', async () => {
  await sandbox.addSignRequest({
    fingerprint,
    files: [
      { name: '../../etc/passwd', bytes: Buffer.from('x') },
      { name: '__proto__', bytes: Buffer.from('x') },
      { name: 'a\u0000b\u202e', bytes: Buffer.from('x') },
      { name: 'huge', bytes: Buffer.from('x'), claimedSize: 2 ** 60 },
      { name: 'wrong', bytes: Buffer.from('x'), claimedSha256: '0'.repeat(64) },
      { name: 'elsewhere', bytes: Buffer.from('x'), claimedUrl: 'https://evil.example/steal' },
    ],
  })
  const { files } = await held()
  const claims = new Map(Object.entries(files))
  expect([...claims.keys()]).toEqual(['../../etc/passwd', '__proto__', 'a\u0000b\u202e', 'huge', 'wrong', 'elsewhere'])
  expect(claims.get('huge')?.size).toBe(2 ** 60)
  expect(claims.get('wrong')?.checksums.sha256).toBe('0'.repeat(64))
  expect(claims.get('elsewhere')?.url).toBe('https://evil.example/steal')
})

describe('a server that is lost', () => {
  test('comes back on the same port and still knows the request and its token', async () => {
    await sandbox.addSignRequest({ fingerprint, files: [{ name: 'a.efi', bytes: Buffer.from('x') }] })
    const { id, token } = await held()
    sandbox.faults.add({ route: 'work-request.get', fault: { kind: 'server-lost', when: 'before' } })
    await expect(call(sandbox, 'GET', `work-request/${id}/`, token)).rejects.toThrow(/hang up|ECONNRESET/)
    expect(sandbox.online).toBe(false)
    await expect(call(sandbox, 'GET', `work-request/${id}/`, token)).rejects.toThrow(/ECONNREFUSED/)
    await sandbox.comeOnline()
    const answer = await call(sandbox, 'GET', `work-request/${id}/`, token)
    expect([answer.status, answer.json['status']]).toEqual([200, 'running'])
  })

  test('breaks the WebSocket, and rings again when the worker is back', async () => {
    sandbox.addWorkRequest({ taskName: 'noop', taskData: { result: 'success' } })
    const client = await readyWorker(sandbox)
    await fetchWork(sandbox, client)
    await sandbox.goOffline()
    expect(await client.closed).toBe(1006)
    await sandbox.comeOnline()
    const again = await connect(sandbox, client.token)
    await again.hears('work_request_available')
  })
})

test('a disabled token is told so on the WebSocket and is nobody from then on', async () => {
  const client = await readyWorker(sandbox)
  sandbox.disableWorker()
  await client.hears('connection_closed')
  expect(await client.closed).toBe(1000)
  const answer = await call(sandbox, 'PUT', 'worker/dynamic-metadata/', client.token, {})
  expect([answer.status, answer.json['detail']]).toEqual([403, 'Authentication credentials were not provided.'])
})
