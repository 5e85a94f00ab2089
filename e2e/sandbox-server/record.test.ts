import { createHash } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { makeServerCertificate } from './certificates.ts'
import type { Dialect } from './model.ts'
import { type SandboxServer, startSandboxServer } from './sandbox-server.ts'
import { httpsCall } from './testing/https-call.ts'
import { call, fetchWork, readyWorker } from './testing/worker-client.ts'

const certificate = await makeServerCertificate()

const dialects: readonly Dialect[] = ['0.11', '0.16']
const fingerprint = 'EF'.repeat(32)
const signature = Buffer.from('a signature')
let sandbox: SandboxServer
afterEach(() => sandbox.stop())

const codes = () => sandbox.record.violations.map(({ code }) => code)

test.for(dialects)('a token that is sent twice is remembered and refused (%s)', async (dialect) => {
  sandbox = await startSandboxServer({ certificate, dialect })
  const body = { token: 'f'.repeat(64), fqdn: 'desk.example.org', worker_type: 'signing' }
  expect((await call(sandbox, 'POST', 'worker/register/', null, body)).status).toBe(201)
  const again = await call(sandbox, 'POST', 'worker/register/', null, body)
  expect([again.status, again.json]).toEqual([400, { title: 'Error' }])
  expect(codes()).toEqual(['token-sent-twice'])
  expect(sandbox.workers.length).toBe(1)
})

test.for([
  ['0.11', { 'signing:sign:version': 1 }, 'system:worker_type is not'],
  ['0.11', { 'system:worker_type': 'signing', 'signing:sign:uefi': true }, 'signing:sign:uefi is no key'],
  ['0.11', { 'system:worker_type': 'signing', 'signing:signrepositoryindex:version': 1 }, 'is no key of this release'],
  ['0.16', { 'system:worker_type': 'signing', keys: [], provided_tags: [] }, 'keys is in no namespace'],
  ['0.16', { 'system:worker_type': 'signing' }, 'there are no provided_tags'],
  [
    '0.16',
    { 'system:worker_type': 'signing', provided_tags: ['worker:class:hsm'] },
    'no tag of a worker: worker:class:hsm',
  ],
  ['0.16', { 'system:worker_type': 'signing', provided_tags: ['signing:sign:version:1'] }, 'no tag of a worker'],
] as const)(
  'an offer that the server takes and does not understand is remembered (%s %o)',
  async ([dialect, offer, why]) => {
    sandbox = await startSandboxServer({ certificate, dialect })
    const { token } = sandbox.addEnabledWorker()
    expect((await call(sandbox, 'PUT', 'worker/dynamic-metadata/', token, offer)).status).toBe(204)
    expect(codes()).toEqual(['offer-not-understood'])
    expect(sandbox.record.violations[0]?.text).toContain(why)
  },
)

test('an activation token enables its worker once', async () => {
  sandbox = await startSandboxServer({ certificate, dialect: '0.16' })
  const token = sandbox.activationToken('desk.example.org')
  const register = (own: string) =>
    call(sandbox, 'POST', 'worker/register/', token, { token: own, fqdn: 'ignored', worker_type: 'signing' })
  expect((await register('1'.repeat(64))).status).toBe(201)
  expect(sandbox.workers).toMatchObject([{ name: 'desk-example-org', enabled: true, token: '1'.repeat(64) }])
  const again = await register('2'.repeat(64))
  expect([again.status, again.json]).toEqual([400, { title: 'Invalid worker activation token' }])
})

/** Does the whole job by hand; `leave` names what a careless worker would not do. */
async function sign(leave: 'nothing' | 'permission' | 'upload' | 'relation' | 'a result'): Promise<number> {
  sandbox.addKey({ purpose: 'uefi', fingerprint })
  const id = await sandbox.addSignRequest({
    fingerprint,
    binaryPackageName: 'pkg',
    files: [
      { name: 'pkg/a.efi', bytes: Buffer.from('a') },
      { name: 'pkg/b.efi', bytes: Buffer.from('b') },
    ],
  })
  const client = await readyWorker(sandbox)
  const { token } = await fetchWork(sandbox, client)
  const input = Number((sandbox.workRequest(id)?.taskData['unsigned'] as number[] | undefined)?.[0])
  if (leave !== 'permission') {
    await call(sandbox, 'POST', `asset/debusine:signing-key/uefi:${fingerprint}/sign_with/`, token, {
      artifact_id: input,
      work_request_id: id,
      workspace: 'signing',
    })
  }
  const sha256 = createHash('sha256').update(signature).digest('hex')
  const results = ['pkg/a.efi', 'pkg/b.efi'].map((file) => ({ file, output_file: `${file}.sig`, error_message: null }))
  const created = await call(sandbox, 'POST', 'artifact/', token, {
    category: 'debusine:signing-output',
    workspace: 'signing',
    work_request: id,
    files: Object.fromEntries(
      results.map(({ output_file }) => [output_file, { size: signature.length, checksums: { sha256 }, type: 'file' }]),
    ),
    data: { purpose: 'uefi', fingerprint, results: leave === 'a result' ? results.slice(1) : results },
  })
  for (const path of leave === 'upload' ? [] : (created.json['files_to_upload'] as string[])) {
    const headers = { token, 'x-debusine-scope': 'debusine' }
    const upload = `/api/1.0/artifact/${Number(created.json['id'])}/files/${path}/`
    await httpsCall(sandbox, { method: 'PUT', path: upload, headers, body: signature })
  }
  if (leave !== 'relation' && leave !== 'upload') {
    const relation = { artifact: created.json['id'], target: input, type: 'relates-to' }
    await call(sandbox, 'POST', 'artifact-relation/', token, relation)
  }
  await call(sandbox, 'PUT', `work-request/${id}/completed/`, token, { result: 'success' })
  return id
}

test.for(dialects)('a job well done leaves no violation and its outputs can be looked at (%s)', async (dialect) => {
  sandbox = await startSandboxServer({ certificate, dialect })
  const id = await sign('nothing')
  expect(codes()).toEqual([])
  const [output] = await sandbox.outputs(id)
  expect(output?.files).toEqual([
    { path: 'pkg/a.efi.sig', bytes: signature },
    { path: 'pkg/b.efi.sig', bytes: signature },
  ])
  expect(output?.relations.map(({ type }) => type)).toEqual(['relates-to'])
  expect(sandbox.record.completions).toEqual([{ workRequestId: id, result: 'success', outputData: null }])
})

test.for([
  ['permission', ['success-without-permission-check']],
  ['upload', ['output-incomplete', 'output-not-related']],
  ['relation', ['output-not-related']],
  ['a result', ['output-does-not-fit-input']],
] as const)('success without the %s is a violation', async ([leave, expected]) => {
  sandbox = await startSandboxServer({ certificate, dialect: '0.16' })
  await sign(leave)
  expect(codes()).toEqual(expected)
})

test('0.16 notes a worker token where the work-request token belongs, and a scope that was not sent', async () => {
  sandbox = await startSandboxServer({ certificate, dialect: '0.16' })
  const id = sandbox.addWorkRequest({ taskName: 'noop', taskData: { result: 'success' } })
  const client = await readyWorker(sandbox)
  const { token } = await fetchWork(sandbox, client)
  expect((await call(sandbox, 'GET', `work-request/${id}/`, client.token)).status).toBe(403)
  const path = `/api/1.0/work-request/${id}/`
  expect((await httpsCall(sandbox, { method: 'GET', path, headers: { token } })).status).toBe(200)
  expect(codes()).toEqual(['worker-token-after-fetch', 'scope-header-missing'])
})

test('a call that only a real server serves is answered as such and noted', async () => {
  sandbox = await startSandboxServer({ certificate, dialect: '0.16' })
  const id = sandbox.addWorkRequest({ taskName: 'noop', taskData: {} })
  const answer = await call(sandbox, 'PATCH', `work-request/${id}/`, sandbox.userToken, { priority_adjustment: -1 })
  expect([answer.status, codes()]).toEqual([501, ['outside-the-sandbox']])
})
