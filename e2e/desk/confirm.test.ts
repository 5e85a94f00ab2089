import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { auditStation } from '../../src/main/audit/testing/audit-station.ts'
import { createWaitingDesk } from '../../src/main/requests/waiting/waiting-desk.ts'
import { type WorkRequestId, workRequestId } from '../../src/shared/ids.ts'
import type { ConfirmWords, WaitingTask } from '../../src/shared/waiting.ts'
import { makeServerCertificate } from '../sandbox-server/certificates.ts'
import { makeWaitingBench, type WaitingBench } from './testing/waiting-bench.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const question = { confirm_label: 'Sign it', deny_label: 'Do not sign', deny_action: 'fail' }
const words: ConfirmWords = { confirmLabel: 'Sign it', denyLabel: 'Do not sign', denyAction: 'fail' }
const workflow = { template: 'sid-upload', subject: 'hello', summary: 'hello_2.10-3' }

const certificate = await makeServerCertificate()
let bench: WaitingBench
beforeEach(async () => {
  bench = await makeWaitingBench('0.16', certificate)
})
afterEach(() => bench.dispose())

const ask = (data: Record<string, unknown> = question) =>
  workRequestId.parse(bench.server.addConfirm(data, { workflow }))
const answer = (id: WorkRequestId, confirm: boolean, comment: string | null = null, shown = words) =>
  bench.desk.answer({ workRequestId: id, confirm, comment, words: shown })
const asked = () => bench.server.record.calls.filter(({ route }) => route === 'work-request.confirm').length
const events = async () =>
  (await bench.entries()).map(({ event, outcome }) => (outcome === undefined ? event : outcome))

describe('a question that waits for a person', () => {
  test('is listed with its words and what it holds up, and answered with yes on record before and after', async () => {
    const id = ask()
    const listed = await bench.desk.list()
    const expected: Partial<WaitingTask> = {
      kind: 'confirm',
      workRequestId: id,
      words,
      autoConfirm: false,
      unsettled: null,
      workflow: { id: workRequestId.parse(id - 1), name: 'sid-upload', about: 'hello_2.10-3' },
    }
    expect(listed).toMatchObject({ ok: true, value: { user: 'submitter', tasks: [expected], ofOthers: 0 } })
    expect(await answer(id, true, 'looked at it')).toEqual({
      ok: true,
      value: { outcome: 'taken', sentence: 'The server took the confirmation. What waited for it goes on.' },
    })
    expect(bench.server.workRequest(id)).toMatchObject({
      status: 'completed',
      result: 'success',
      outputData: { confirmation: { confirmed: true, comment: 'looked at it' } },
    })
    expect(await bench.entries()).toMatchObject([
      {
        event: 'confirmation-intended',
        workRequestId: id,
        confirm: true,
        label: 'Sign it',
        denyAction: 'fail',
        comment: 'looked at it',
        user: 'submitter',
        operator: 'Zoë',
      },
      {
        event: 'confirmation-answered',
        intentSeq: 1,
        outcome: 'taken',
        askedAgain: false,
        status: 'completed',
        endedBy: 3,
      },
    ])
    expect(await bench.desk.list()).toMatchObject({ ok: true, value: { tasks: [] } })
  })

  test.for([
    ['fail', 'completed', 'running', 'The task has failed, and with it what depends on it.'],
    ['abort', 'aborted', 'running', 'The task was aborted, and with it what depends on it.'],
    ['abort-workflow', 'aborted', 'aborted', 'The whole workflow was aborted.'],
  ] as const)('refused with %s ends what the task says', async ([action, status, root, sentence]) => {
    const id = ask({ ...question, deny_action: action })
    const refused = await answer(id, false, null, { ...words, denyAction: action })
    expect(refused).toMatchObject({ ok: true, value: { outcome: 'taken' } })
    expect(refused.ok ? refused.value.sentence : '').toContain(sentence)
    expect(bench.server.workRequest(id)?.status).toBe(status)
    expect(bench.server.workRequest(id - 1)?.status).toBe(root)
  })

  test('of somebody else is not answered, and the log has both the intent and the no', async () => {
    const id = ask()
    await bench.be(bench.server.intruderToken)
    const refused = await answer(id, true)
    expect(refused).toMatchObject({ ok: true, value: { outcome: 'not-taken' } })
    expect(refused.ok ? refused.value.sentence : '').toContain('intruder cannot confirm')
    expect(await events()).toEqual(['confirmation-intended', 'not-taken'])
    expect(bench.server.workRequest(id)?.status).toBe('running')
  })

  test('that was aborted, or words itself otherwise than it was shown, is not answered, and nothing is on record', async () => {
    const aborted = ask()
    bench.server.abort(aborted)
    expect(await answer(aborted, true)).toMatchObject({ ok: false, error: { code: 'task-ended' } })
    const other = ask({ ...question, deny_action: 'abort-workflow' })
    expect(await answer(other, false)).toMatchObject({ ok: false, error: { code: 'task-changed' } })
    expect(await answer(workRequestId.parse(other - 1), true)).toMatchObject({
      ok: false,
      error: { code: 'task-not-a-question' },
    })
    expect(await answer(workRequestId.parse(999), true)).toMatchObject({ ok: false, error: { code: 'task-not-there' } })
    expect([await events(), asked()]).toEqual([[], 0])
  })

  test('that ended between the look and the answer was too late', async () => {
    const id = ask()
    bench.server.faults.add({
      route: 'work-request.confirm',
      fault: {
        kind: 'status',
        status: 409,
        body: '{"title":"Work request is not running. Status: aborted"}',
        contentType: 'application/problem+json',
      },
    })
    const late = answer(id, true)
    await vi.waitFor(() => expect(asked()).toBe(1))
    bench.server.abort(id)
    expect(await late).toMatchObject({ ok: true, value: { outcome: 'overtaken' } })
  })
})

describe('an answer that is lost on the way', () => {
  test('back: the task is looked at, and it was taken', async () => {
    const id = ask()
    bench.server.faults.add({ route: 'work-request.confirm', fault: { kind: 'drop', when: 'after' } })
    expect(await answer(id, false, 'no')).toMatchObject({ ok: true, value: { outcome: 'taken' } })
    expect((await bench.entries()).at(-1)).toMatchObject({ outcome: 'taken', askedAgain: true, result: 'failure' })
    expect(asked()).toBe(1)
  })

  test.for(['drop', 'garbage'] as const)(
    'there (%s): it still waits, and is answered again by a person',
    async (how) => {
      const id = ask()
      bench.server.faults.add({
        route: 'work-request.confirm',
        fault: how === 'drop' ? { kind: 'drop', when: 'before' } : { kind: 'json', value: { id: 'none' } },
      })
      expect(await answer(id, true)).toMatchObject({ ok: true, value: { outcome: 'not-delivered' } })
      expect(asked()).toBe(1)
      expect(await answer(id, true)).toMatchObject({ ok: true, value: { outcome: 'taken' } })
      expect(await events()).toEqual(['confirmation-intended', 'not-delivered', 'confirmation-intended', 'taken'])
    },
  )

  test('with the server: it is open until the server is back, and no other answer is sent meanwhile', async () => {
    const id = ask()
    bench.server.faults.add({ route: 'work-request.confirm', fault: { kind: 'server-lost', when: 'after' } })
    expect(await answer(id, true)).toMatchObject({ ok: false, error: { code: 'answer-not-known' } })
    expect(await events()).toEqual(['confirmation-intended'])
    expect((await answer(id, false)).ok).toBe(false)
    await bench.server.comeOnline()
    const before = asked()
    expect(await answer(id, false)).toMatchObject({ ok: false, error: { code: 'answered-before' } })
    expect([await events(), asked()]).toEqual([['confirmation-intended', 'taken'], before])
  })

  test('is looked up by the next list, and shown as open while it cannot be', async () => {
    const id = ask()
    bench.server.faults.add({ route: 'work-request.confirm', fault: { kind: 'drop', when: 'before' } })
    bench.server.faults.add({ route: 'work-request.get', nth: 2, times: 10, fault: { kind: 'status', status: 502 } })
    expect(await answer(id, true)).toMatchObject({ ok: false, error: { code: 'answer-not-known' } })
    expect(await bench.desk.list()).toMatchObject({
      ok: true,
      value: { tasks: [{ unsettled: { confirm: true, operator: 'Zoë' } }] },
    })
    bench.server.faults.clear()
    expect(await bench.desk.list()).toMatchObject({ ok: true, value: { tasks: [{ unsettled: null }] } })
    expect(await events()).toEqual(['confirmation-intended', 'not-delivered'])
  })
})

describe('the station is killed while it answers', () => {
  const child = fileURLToPath(new URL('./testing/confirm-child.ts', import.meta.url))
  const killAt = fileURLToPath(new URL('../harness/kill-at.ts', import.meta.url))
  test.for([
    // point, log after the new start, status at the server
    ['confirmation:before', [], 'running'],
    ['confirmation:after', ['confirmation-intended', 'not-delivered'], 'running'],
    ['confirmation-answer:before', ['confirmation-intended', 'taken'], 'completed'],
    ['confirmation-answer:after', ['confirmation-intended', 'taken'], 'completed'],
  ] as const)('at %s: nothing is answered twice, and what became of it is found', async ([point, logged, status]) => {
    const id = ask()
    const { apiUrl, caPem } = bench.server
    const database = join(bench.folder, 'killed.db')
    await (await auditStation(database)).close()
    const { userTokenFile } = bench.ports
    const input = JSON.stringify({ database, apiUrl, caPem, userTokenFile, workRequestId: id, words })
    // Not `spawnSync`: the sandbox server answers in this process.
    const run = await new Promise<readonly unknown[]>((resolve) => {
      const started = execFile(
        process.execPath,
        ['--import', killAt, child],
        { env: { STATION_KILL_AT: point } },
        (error, stdout, stderr) => resolve([error?.signal, stdout, stderr]),
      )
      started.stdin?.end(input)
    })
    expect(run).toEqual(['SIGKILL', '', ''])
    const station = await auditStation(database, () => new Date())
    const desk = createWaitingDesk({ ...bench.ports, db: station.db, audit: station.log })
    try {
      await desk.settle()
      await desk.settle()
      const entries = await station.db.selectFrom('audit_entry').select('entry').orderBy('seq').execute()
      const found = entries.map(
        ({ entry }) => JSON.parse(Buffer.from(entry).toString('utf8')) as { event: string; outcome?: string },
      )
      expect(found.map(({ event, outcome }) => outcome ?? event)).toEqual(logged)
      expect(bench.server.workRequest(id)?.status).toBe(status)
      expect(asked()).toBe(status === 'running' ? 0 : 1)
    } finally {
      await desk.stop()
      await station.close()
    }
  })
})
