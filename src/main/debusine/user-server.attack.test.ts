import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256Hex, workRequestId } from '../../shared/ids.ts'
import { Secret } from '../../shared/secret.ts'
import { hastyClock } from './testing/hand-clock.ts'
import { json } from './testing/peer.ts'
import { type Bench, startBench, workRequestJson } from './testing/test-server.ts'
import { createUserServer, type UserServer } from './user-server.ts'

// A server that lies to the person whose token it was given.

let bench: Bench
let server: UserServer
beforeAll(async () => {
  bench = await startBench()
  server = createUserServer({
    apiUrl: bench.peer.apiUrl,
    caPem: bench.ca.pem,
    clock: hastyClock(),
    authority: { token: Secret.fromText('0b'.repeat(32)), scope: 'debusine' },
  })
})
afterAll(() => bench.close())

const { token: _token, ...row } = workRequestJson
const waits = { ...row, task_type: 'Wait', task_name: 'confirm', status: 'running', task_data: {}, worker: null }
const invalid = { ok: false, error: { code: 'server-answer-invalid' } }
const id = workRequestId.parse(7)
const held = { workRequestId: id, token: null, scope: 'debusine', workspace: 'signing' }

describe('a list of what waits', () => {
  it('has an end, however many pages there are, and the token goes to no page elsewhere', async () => {
    let pages = 0
    const origins = new Set<string | undefined>()
    bench.peer.answer = (call, response) => {
      pages += 1
      origins.add(call.headers['host'])
      json(response, 200, { next: `https://elsewhere.example/?cursor=${pages}`, results: [{ ...waits, id: pages }] })
    }
    const listed = await server.waiting()
    expect([listed.ok && listed.value.length, pages]).toEqual([30, 30])
    expect([...origins]).toEqual([new URL(bench.peer.apiUrl).host])
  })

  it.each([
    ['the same page again', { next: 'https://debusine.example/?page=2', results: [] }],
    ['a waiting task that is none', { next: null, results: [{ ...waits, created_by: 'zoe' }] }],
    ['a workflow that is no number', { next: null, results: [{ ...waits, workflow_root: '../7' }] }],
  ])('is not taken with %s', async (_name, page) => {
    bench.peer.answer = (_call, response) => json(response, 200, page)
    expect(await server.waiting()).toMatchObject(invalid)
  })

  it('leaves out what has ended, what no person is asked for, and tasks of other kinds, whatever they look like', async () => {
    const results = [
      { ...waits, id: 1, status: 'completed' },
      { ...waits, id: 2, workflow_data: { needs_input: false } },
      { ...waits, id: 3, task_name: 'delay' },
      { ...waits, id: 4, task_type: 'Signing' },
      { id: 'not even one', task_type: 'Worker' },
      { ...waits, id: 5 },
    ]
    bench.peer.answer = (_call, response) => json(response, 200, { next: null, results })
    const listed = await server.waiting()
    expect(listed.ok && listed.value.map(({ request }) => request.id)).toEqual([5])
  })
})

describe('an answer about another task than the one that was asked for', () => {
  it.each([
    ['task', () => server.task(id)],
    ['workflow', () => server.workflow(id)],
    ['externalDebsign', () => server.externalDebsign(id)],
    ['confirm', () => server.confirm(id, { confirm: true, comment: null })],
    ['provideSignature', () => server.provideSignature(id, 9 as never)],
  ] as const)('is not taken by %s', async (_name, ask) => {
    bench.peer.answer = (_call, response) =>
      json(response, 200, { ...waits, id: 8, dynamic_task_data: { unsigned_id: 9 } })
    expect(await ask()).toMatchObject(invalid)
  })
})

describe('a signed upload', () => {
  const files = [{ path: 'a.changes', size: 1, sha256: sha256Hex.parse('aa'.repeat(32)), signed: true }]
  const create = () => server.createUpload(held, { category: 'debian:upload', data: {}, files })
  const artifact = { id: 9, workspace: 'signing', category: 'debian:upload', data: {}, files: {} }
  const answering = (made: unknown) => {
    bench.peer.answer = (call, response) =>
      call.path.endsWith('/whoami/')
        ? json(response, 200, { user: 'submitter', auth: true, worker: false })
        : json(response, 201, made)
  }

  it('is not made of files that the server wants and that were not offered', async () => {
    answering({ ...artifact, files_to_upload: ['../../etc/passwd'] })
    expect(await create()).toMatchObject(invalid)
    answering({ ...artifact, category: 'debian:source-package', files_to_upload: [] })
    expect(await create()).toMatchObject(invalid)
  })

  it('is not said to be anybody’s by an answer that is not the server’s own', async () => {
    bench.peer.answer = (_call, response) => {
      response.writeHead(400, { 'content-type': 'text/html' })
      response.end('<html>Bad Request</html>')
    }
    expect((await server.isCreator(id)).ok).toBe(false)
    bench.peer.answer = (_call, response) => json(response, 200, waits)
    expect((await server.isCreator(id)).ok).toBe(false)
  })
})
