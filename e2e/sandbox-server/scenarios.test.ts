import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { makeServerCertificate } from './certificates.ts'
import { type SandboxServer, startSandboxServer } from './sandbox-server.ts'
import { addScenario, type ScenarioFile, type ScenarioInput, scenarioNames, untrustedCertificate } from './scenarios.ts'
import { call, fetchWork, readyWorker } from './testing/worker-client.ts'

const certificate = await makeServerCertificate()

let dir: string
let files: ScenarioFile[]
let sandbox: SandboxServer

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scenarios-'))
  files = ['one.efi', 'two.efi'].map((name) => ({ name, path: join(dir, name), package: 'pkg', version: '1-1' }))
  for (const file of files) await writeFile(file.path, Buffer.alloc(8192, file.name))
})
afterAll(() => rm(dir, { recursive: true, force: true }))
afterEach(() => sandbox.stop())

const input = (): ScenarioInput => ({ fingerprint: 'AA'.repeat(32), otherFingerprint: 'BB'.repeat(32), files })

/** What a worker sees: the declared files and certificates, and what the permission check says. */
async function seen(id: number): Promise<{ files: number; trustedCerts: unknown; permission: unknown }> {
  const client = await readyWorker(sandbox)
  const { token } = await fetchWork(sandbox, client)
  const request = sandbox.workRequest(id)
  const artifact = Number((request?.taskData['unsigned'] as number[] | undefined)?.[0])
  const { json } = await call(sandbox, 'GET', `artifact/${artifact}/`, token)
  const key = `uefi:${String(request?.taskData['key'])}`
  const body = { artifact_id: artifact, work_request_id: id, workspace: 'signing' }
  const checked = await call(sandbox, 'POST', `asset/debusine:signing-key/${key}/sign_with/`, token, body)
  const { trusted_certs: trustedCerts } = json['data'] as { trusted_certs: unknown }
  return {
    files: Object.keys(json['files'] as object).length,
    trustedCerts,
    permission: checked.status === 200 ? checked.json['has_permission'] : checked.status,
  }
}

test.for([
  ['fine', { files: 2, trustedCerts: [], permission: true }],
  ['untrusted-certificate', { files: 2, trustedCerts: [untrustedCertificate], permission: true }],
  ['no-permission', { files: 2, trustedCerts: [], permission: false }],
  ['unknown-key', { files: 2, trustedCerts: [], permission: 404 }],
  ['token-absent', { files: 2, trustedCerts: [], permission: true }],
  ['malformed-pe', { files: 3, trustedCerts: [], permission: true }],
  ['forty-files', { files: 40, trustedCerts: [], permission: true }],
  ['changing-file', { files: 1, trustedCerts: [], permission: true }],
] as const)('%s looks to a worker as it should', async ([name, expected]) => {
  sandbox = await startSandboxServer({ certificate, dialect: '0.16' })
  expect(await seen(await addScenario(sandbox, name, input()))).toEqual(expected)
})

test('server-lost takes the server away when the worker wants to hand in', async () => {
  sandbox = await startSandboxServer({ certificate, dialect: '0.16' })
  const id = await addScenario(sandbox, 'server-lost', input())
  const client = await readyWorker(sandbox)
  const { token } = await fetchWork(sandbox, client)
  await expect(call(sandbox, 'POST', 'artifact/', token, {})).rejects.toThrow(/hang up|ECONNRESET/)
  expect(sandbox.online).toBe(false)
  await sandbox.comeOnline()
  expect((await call(sandbox, 'GET', `work-request/${id}/`, token)).status).toBe(200)
})

test('each scenario can be added to a server of either dialect', async () => {
  for (const dialect of ['0.11', '0.16'] as const) {
    sandbox = await startSandboxServer({ certificate, dialect })
    for (const name of scenarioNames) await addScenario(sandbox, name, input())
    if (dialect === '0.11') await sandbox.stop()
  }
})
