import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256Hex, workRequestId } from '../../shared/ids.ts'
import { Secret } from '../../shared/secret.ts'
import { hastyClock } from './testing/hand-clock.ts'
import { json } from './testing/peer.ts'
import { bytesOf, type RecordedExchange, recorded, replay } from './testing/replay.ts'
import { type Bench, startBench } from './testing/test-server.ts'
import { createUserServer } from './user-server.ts'
import { uploadSummaryOf } from './wait-task.ts'

let bench: Bench
beforeAll(async () => {
  bench = await startBench()
})
afterAll(() => bench.close())

const signal = new AbortController().signal
const submitter = '0b'.repeat(32)
const owner = '0a'.repeat(32)
const intruder = '0c'.repeat(32)

function serverAs(token: string, scope: string | null = 'debusine') {
  return createUserServer({
    apiUrl: bench.peer.apiUrl,
    caPem: bench.ca.pem,
    clock: hastyClock(),
    authority: { token: Secret.fromText(token), scope },
  })
}

/** `GET whoami/` is ours; the real client knows by its configuration. */
function whoamiOf(token: string, version: string): RecordedExchange {
  const kind = version.startsWith('0.11') ? { worker_token: false } : { worker: false, work_request: null }
  return {
    request: { method: 'GET', path: '/api/1.0/whoami/', headers: { token }, body: null },
    response: {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: { json: { user: 'submitter', auth: true, ...kind } },
    },
  }
}

function load(name: string, version: string, token = submitter) {
  const traffic = recorded(`${name}.${version}`)
  const script = replay([whoamiOf(token, version), ...traffic], bench.peer.origin)
  bench.peer.answer = script.answer
  return { traffic, script }
}

function valueOf<T>(result: { ok: true; value: T } | { ok: false; error: unknown }): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}

describe.each(['0.11.3', '0.16.2'])('with the recorded traffic of %s', (version) => {
  const old = version === '0.11.3'

  it('signs an upload for its maker with the calls of the real client', async () => {
    const { traffic, script } = load('external-debsign', version)
    // The real client of 0.11 names the default scope in some calls and not in others, which is the same.
    const server = serverAs(submitter, old ? null : 'debusine')
    const id = workRequestId.parse(old ? 17 : 21)
    const found = valueOf(await server.externalDebsign(id))
    expect(found?.task).toMatchObject({
      displayName: `Wait for signature on upload for ${old ? 41 : 48}`,
      workflowRoot: old ? null : 20,
      confirm: null,
    })
    expect(found?.unsigned).toBe(old ? 41 : 48)
    if (found === null) throw new Error('it waits')
    const held = { workRequestId: id, token: null, scope: 'debusine', workspace: 'signing' }
    // The real client of 0.16 reads an artifact by its id alone; the address with the workspace gives the same.
    for (const each of traffic)
      if (each.request.path === `/api/1.0/artifact/${found.unsigned}/` && !old)
        (each.request as { path: string }).path = `/api/1.0/artifact/signing/${found.unsigned}/`
    const unsigned = valueOf(await server.artifact(held, found.unsigned))
    expect(unsigned.category).toBe('debian:upload')
    expect(uploadSummaryOf(unsigned.data)).toEqual({
      source: 'testbed-hello',
      version: '1.0',
      distribution: 'unstable',
    })
    const documents = unsigned.files.filter(({ path }) => /\.(?:dsc|buildinfo|changes)$/.test(path))
    expect(documents).toHaveLength(3)
    for (const [ordinal, file] of documents.entries())
      valueOf(await server.download(held, file, join(bench.folder, `${version}-${ordinal}`), { signal }))

    const created = traffic.find(({ request }) => request.method === 'POST' && request.path === '/api/1.0/artifact/')
    if (created === undefined) throw new Error('incomplete recording')
    const wanted = (created.request.body as { json: { data: unknown; files: Record<string, Wire> } }).json
    const changed = (path: string) => documents.some((each) => each.path === path)
    const files = Object.entries(wanted.files).map(([path, { size, checksums }]) => ({
      path,
      size,
      sha256: sha256Hex.parse(checksums.sha256),
      signed: changed(path),
    }))
    const made = valueOf(await server.createUpload(held, { category: 'debian:upload', data: wanted.data, files }))
    expect(made.missing.length).toBe(3)
    for (const file of files.filter(({ path }) => made.missing.includes(path))) {
      const sent = traffic.find(
        ({ request }) => request.method === 'PUT' && request.path.includes(file.path) && request.body !== null,
      )
      const path = join(bench.folder, createHash('sha256').update(file.path).digest('hex'))
      await writeFile(path, bytesOf(sent?.request.body ?? null, ''))
      valueOf(await server.upload(held, made.id, { ...file, file: path }, { signal }))
    }
    expect(valueOf(await server.provideSignature(id, made.id))).toMatchObject({
      kind: 'taken',
      task: { request: { status: 'completed', result: 'success' }, artifacts: [made.id], completedBy: old ? null : 3 },
    })
    expect(script.strays).toEqual([])
    // The real client looks at the request before it asks for its upload.
    expect(script.left()).toEqual([`GET /api/1.0/work-request/${id}/`])
  })

  it('finds out whose signature is waited for, and changes nothing by asking', async () => {
    const id = workRequestId.parse(old ? 81 : 91)
    const { script } = load('external-debsign-whose', version)
    expect(valueOf(await serverAs(submitter).isCreator(id))).toBe(true)
    expect(valueOf(await serverAs(intruder).isCreator(id))).toBe(false)
    expect(script.strays).toEqual([])
  })

  it('says of a signature that the server does not take why, and of another task that it does not wait', async () => {
    const id = workRequestId.parse(old ? 81 : 91)
    const { traffic } = load('external-debsign-whose', version)
    const server = serverAs(submitter)
    const wrong = await server.provideSignature(id, 999_999 as never)
    expect(wrong).toMatchObject({ ok: false, error: { code: 'rejected' } })
    const unsigned = traffic.flatMap(({ request }) => {
      const { body } = request
      return body !== null && 'json' in body ? [(body.json as { signed_artifact?: number }).signed_artifact] : []
    })
    const same = await server.provideSignature(id, (unsigned.find((each) => each !== 999_999 && each) ?? 0) as never)
    expect(same.ok ? '' : same.error.message).toContain('does not change the .changes file')
    expect(valueOf(await server.externalDebsign(workRequestId.parse(old ? 80 : 90)))).toBeNull()
  })
})

interface Wire {
  readonly size: number
  readonly checksums: { readonly sha256: string }
}

describe('with the recorded traffic of 0.16.2', () => {
  it('lists what waits for a person, with its words', async () => {
    load('confirm', '0.16.2', owner)
    const tasks = valueOf(await serverAs(owner).waiting())
    expect(tasks.map(({ request }) => request.id)).toEqual([56, 55, 54])
    expect(tasks[0]).toMatchObject({
      displayName: null,
      workflowRoot: null,
      confirm: { confirmLabel: 'Sign it', denyLabel: 'Do not sign', denyAction: 'fail', autoConfirm: false },
    })
  })

  it('names the workflow that a task is of', async () => {
    load('external-debsign-whose', '0.16.2')
    expect(valueOf(await serverAs(submitter).workflow(workRequestId.parse(90)))).toEqual({
      id: 90,
      name: 'testbed-upload',
      about: 'testbed-hello → ftp://user@localhost:1/',
    })
  })

  it('confirms, refuses, is not allowed to, and is too late', async () => {
    const { script } = load('confirm', '0.16.2', owner)
    const confirm = (token: string, id: number, yes: boolean, comment: string | null) =>
      serverAs(token).confirm(workRequestId.parse(id), { confirm: yes, comment })
    expect(valueOf(await confirm(intruder, 54, true, null))).toEqual({
      kind: 'not-allowed',
      message: 'intruder cannot confirm 54',
    })
    expect(valueOf(await confirm(owner, 54, true, 'looked at it'))).toMatchObject({
      kind: 'taken',
      task: { request: { status: 'completed', result: 'success' }, completedBy: 2 },
    })
    expect(valueOf(await confirm(submitter, 55, false, 'no'))).toMatchObject({
      kind: 'taken',
      task: { request: { status: 'completed', result: 'failure' }, completedBy: 3 },
    })
    expect(valueOf(await confirm(submitter, 55, true, null))).toEqual({
      kind: 'not-waiting',
      message: 'Work request is not running. Status: completed',
    })
    expect(script.strays).toEqual([])
  })
})

describe('a server that is not what it was', () => {
  it('sends an answer once, whatever becomes of the connection', async () => {
    let arrived = 0
    bench.peer.answer = (_call, response) => {
      arrived++
      response.destroy()
    }
    const answered = await serverAs(submitter).confirm(workRequestId.parse(7), { confirm: true, comment: null })
    expect(answered).toMatchObject({ ok: false, error: { code: 'server-unreachable' } })
    expect(arrived).toBe(1)
  })

  it.each([
    [
      '403 for a token that died',
      403,
      { title: 'Error', detail: 'Authentication credentials were not provided.' },
      'not-authenticated',
    ],
    ['503', 503, { title: 'Error' }, 'server-error'],
    ['404', 404, { title: 'Error', detail: 'No WorkRequest matches the given query.' }, 'not-found'],
    ['another request’s answer', 200, { id: 8 }, 'server-answer-invalid'],
  ])('does not take %s for an answer', async (_name, status, body, code) => {
    bench.peer.answer = (_call, response) => json(response, status, body)
    const answered = await serverAs(submitter).confirm(workRequestId.parse(7), { confirm: true, comment: null })
    expect(answered).toMatchObject({ ok: false, error: { code } })
  })

  it('refuses a token that is a worker’s, or nobody’s', async () => {
    for (const who of [
      { user: '<anonymous>', auth: true, worker: true },
      { user: '<anonymous>', auth: false, worker: false },
    ]) {
      bench.peer.answer = (_call, response) => json(response, 200, who)
      expect(await serverAs(submitter).user()).toMatchObject({ ok: false, error: { code: 'not-authenticated' } })
    }
  })

  it('makes words plain that would look like other words, and knows a way of denying that it has never heard of', async () => {
    const row = JSON.parse(await readFile(join(import.meta.dirname, 'testdata', 'confirm.0.16.2.json'), 'utf8')) as {
      traffic: { response: { body: { json: { results: Record<string, unknown>[] } } } }[]
    }
    const [first] = row.traffic[0]?.response.body.json.results ?? []
    bench.peer.answer = (_call, response) =>
      json(response, 200, {
        next: null,
        results: [
          { ...first, task_data: { confirm_label: 'Sign\u202e ti', deny_action: 'burn' }, workflow_data: null },
        ],
      })
    expect(valueOf(await serverAs(owner).waiting())[0]?.confirm).toEqual({
      confirmLabel: 'Sign\\u{202e} ti',
      denyLabel: 'Abort the workflow',
      denyAction: 'unknown',
      autoConfirm: false,
    })
  })
})
