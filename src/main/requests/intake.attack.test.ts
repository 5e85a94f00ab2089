import type { ServerResponse } from 'node:http'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { memoryDatabase } from '../../../db/testing/memory-db.ts'
import { createAuditLog } from '../audit/create-audit-log.ts'
import { json } from '../debusine/testing/peer.ts'
import { type Bench, serverAt, startBench, whoami016, workRequestJson } from '../debusine/testing/test-server.ts'
import { type Intake, takeNext } from './intake.ts'

// A fetch is destructive: what was handed out and is not kept is lost, and the build that waits for it with it.

let bench: Bench
beforeAll(async () => {
  bench = await startBench()
})
afterAll(() => bench.close())

let station: ReturnType<typeof memoryDatabase>
let intake: Intake
/** What the next fetches are answered with, in order. */
let handedOut: unknown[] = []
beforeEach(() => {
  station = memoryDatabase()
  const now = () => new Date('2026-06-01T12:00:00.000Z')
  intake = { db: station.db, audit: createAuditLog(station.db, now), server: serverAt(bench), now }
  bench.peer.answer = ({ path }, response: ServerResponse) => {
    if (path.endsWith('/whoami/')) json(response, 200, whoami016)
    else if (path.endsWith('/get-next-for-worker/') && handedOut.length > 0) json(response, 200, handedOut.shift())
    else response.writeHead(204).end()
  }
})
afterEach(() => station.close())

const kept = () => station.db.selectFrom('request').select(['work_request_id', 'stage', 'task_name']).execute()

describe('a request that is fetched', () => {
  it.each([
    ['a task whose name is longer than the log takes', { task_name: 'x'.repeat(100), task_data: {} }],
    ['a task whose name would be cut within a character', { task_name: `${'x'.repeat(63)}\u{1f600}`, task_data: {} }],
    ['a task without a name', { task_name: '', task_data: {} }],
    ['a purpose that nobody knows', { task_data: { purpose: `a${'-'.repeat(62)}`, key: 'A'.repeat(64) } }],
    ['no task data at all', { task_data: {}, dynamic_task_data: null }],
    ['more JSON than is kept', { task_data: { purpose: 'uefi', key: 'A'.repeat(64), pad: 'x'.repeat(1_100_000) } }],
  ])('is kept, whatever it is: %s', async (_name, change) => {
    handedOut = [{ ...workRequestJson, ...change }]
    expect(await takeNext(intake)).toMatchObject({ ok: true, value: { kind: 'taken' } })
    expect(await kept()).toMatchObject([{ work_request_id: 7, stage: 'preparing' }])
    const { total } = await intake.audit.list({ event: 'request-received' }, null, 10)
    expect(total).toBe(1)
  })
})
