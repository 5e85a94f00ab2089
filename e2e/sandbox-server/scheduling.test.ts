import { afterEach, describe, expect, test } from 'vitest'
import { makeServerCertificate } from './certificates.ts'
import type { Dialect } from './model.ts'
import { type SandboxServer, startSandboxServer } from './sandbox-server.ts'
import { call, connect, fetchWork, fullOffer, readyWorker } from './testing/worker-client.ts'

const certificate = await makeServerCertificate()

const dialects: readonly Dialect[] = ['0.11', '0.16']
const fingerprint = 'CD'.repeat(32)
let sandbox: SandboxServer
afterEach(() => sandbox.stop())

const noop = (priority = 0) => sandbox.addWorkRequest({ taskName: 'noop', taskData: { result: 'success' }, priority })

describe.for(dialects)('the scheduler of %s', (dialect) => {
  test('gives nothing to a worker that does not offer the task', async () => {
    sandbox = await startSandboxServer({ certificate, dialect, schedulerMs: 10 })
    const { token } = sandbox.addEnabledWorker()
    const only = {
      'system:worker_type': 'signing',
      'signing:noop:version': 1,
      provided_tags: ['worker:task:signing:noop:version:1'],
    }
    await call(sandbox, 'PUT', 'worker/dynamic-metadata/', token, only)
    const id = await sandbox.addSignRequest({ fingerprint, files: [{ name: 'a', bytes: Buffer.from('a') }] })
    const wanted = noop()
    const client = await connect(sandbox, token)
    await client.hears('work_request_available')
    expect([sandbox.workRequest(id)?.worker, sandbox.workRequest(wanted)?.worker]).toEqual([null, 1])
  })

  test('goes by priority, then by age, one request at a time', async () => {
    sandbox = await startSandboxServer({ certificate, dialect, settleMs: 0 })
    const [old, young, urgent] = [noop(), noop(), noop(5)]
    const client = await readyWorker(sandbox)
    const order: (number | null)[] = []
    for (let turn = 0; turn < 3; turn += 1) {
      await client.hears('work_request_available', turn + 1)
      const { id, token } = await fetchWork(sandbox, client)
      order.push(id)
      await call(sandbox, 'PUT', `work-request/${id ?? 0}/completed/`, token, { result: 'success' })
      await expect.poll(() => sandbox.workRequest(id ?? 0)?.status).toBe('completed')
    }
    expect(order).toEqual([urgent, old, young])
  })

  test('heeds what an administrator denied', async () => {
    sandbox = await startSandboxServer({ certificate, dialect, schedulerMs: 10 })
    const { name, token } = sandbox.addEnabledWorker()
    sandbox.setStaticMetadata(name, { tasks_denylist: ['noop'] })
    await call(sandbox, 'PUT', 'worker/dynamic-metadata/', token, fullOffer)
    const client = await connect(sandbox, token)
    noop()
    await client.hears('request_dynamic_metadata')
    expect(await fetchWork(sandbox, client)).toMatchObject({ status: 204 })
  })

  test('takes a worker for gone as soon as one of its two connections closes', async () => {
    sandbox = await startSandboxServer({ certificate, dialect })
    const client = await readyWorker(sandbox)
    const second = await connect(sandbox, client.token)
    await second.hears('connected')
    second.socket.close()
    await second.closed
    await expect.poll(() => sandbox.workers[0]?.connected).toBe(false)
    const id = noop()
    expect(sandbox.workRequest(id)?.worker).toBe(null)
    expect(sandbox.record.violations.map(({ code }) => code)).toEqual(['second-connection'])
  })

  test('closes a client that answers no ping', async () => {
    sandbox = await startSandboxServer({ certificate, dialect, pingMs: 20 })
    const { token } = sandbox.addEnabledWorker()
    const client = await connect(sandbox, token, { autoPong: false })
    expect(await client.closed).toBe(dialect === '0.11' ? 1000 : 1011)
  })
})

test('0.16 keeps requests of other workspaces from a worker that is bound to one', async () => {
  sandbox = await startSandboxServer({ certificate, dialect: '0.16', schedulerMs: 10 })
  const { name, token } = sandbox.addEnabledWorker()
  sandbox.setStaticMetadata(name, { required_tags: ['task:workspace:debusine:release'] })
  await call(sandbox, 'PUT', 'worker/dynamic-metadata/', token, fullOffer)
  const client = await connect(sandbox, token)
  const elsewhere = noop()
  const here = sandbox.addWorkRequest({ taskName: 'noop', taskData: { result: 'success' }, workspace: 'release' })
  await client.hears('work_request_available')
  expect([sandbox.workRequest(elsewhere)?.worker, sandbox.workRequest(here)?.worker]).toEqual([null, 1])
})

describe('the list of work requests', () => {
  async function pages(query: string): Promise<{ ids: number[]; links: (string | null)[] }> {
    const ids: number[] = []
    const links: (string | null)[] = []
    let next: string | null = `/api/1.0/work-request/${query}`
    while (next !== null) {
      const answer: Awaited<ReturnType<typeof call>> = await call(sandbox, 'GET', next, sandbox.userToken)
      ids.push(...(answer.json['results'] as { id: number }[]).map(({ id }) => id))
      links.push(answer.json['previous'] as string | null)
      const link = answer.json['next'] as string | null
      next = link === null ? null : link.slice(sandbox.origin.length)
    }
    return { ids, links }
  }

  test.for(dialects)('comes in pages of ten, newest first (%s)', async (dialect) => {
    sandbox = await startSandboxServer({ certificate, dialect })
    const made = Array.from({ length: 25 }, () => noop())
    const { ids, links } = await pages('')
    expect(ids).toEqual(made.toReversed())
    expect(links.map((link) => link === null)).toEqual([true, false, false])
    const back = await call(sandbox, 'GET', (links[2] ?? '').slice(sandbox.origin.length), sandbox.userToken)
    expect((back.json['results'] as { id: number }[])[0]?.id).toBe(made[14])
  })

  test('is filtered by 0.16 and not by 0.11', async () => {
    for (const dialect of dialects) {
      sandbox = await startSandboxServer({ certificate, dialect })
      const aborted = noop()
      const pending = noop()
      sandbox.abort(aborted)
      const { ids } = await pages('?task_type=Signing&status=pending')
      expect(ids).toEqual(dialect === '0.11' ? [pending, aborted] : [pending])
      if (dialect === '0.11') await sandbox.stop()
    }
  })
})
