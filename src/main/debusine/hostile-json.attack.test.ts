import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { artifactId } from '../../shared/ids.ts'
import type { ServerFailureCode } from './server.ts'
import { failsWith, lie } from './testing/lie.ts'
import { json } from './testing/peer.ts'
import { type Bench, held016, serverAt, startBench, whoami016, workRequestJson } from './testing/test-server.ts'

// Whoever holds the server, its proxy or its name is the attacker here (invariant I8).

let bench: Bench
beforeAll(async () => {
  bench = await startBench()
})
afterAll(() => bench.close())

const say = (text: string | Buffer, type = 'application/json', status = 200) =>
  lie(bench, (_arrived, response) => {
    response.writeHead(status, { 'content-type': type })
    response.end(text)
  })

const id9 = artifactId.parse(9)

describe('JSON that cannot be right', () => {
  const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
  it.each<[string, () => string | Buffer, ServerFailureCode]>([
    ['no JSON', () => '<html>', 'server-answer-invalid'],
    ['nothing', () => '', 'server-answer-invalid'],
    ['half a document', () => JSON.stringify(workRequestJson).slice(0, -1), 'server-answer-invalid'],
    ['a list', () => '[]', 'server-answer-invalid'],
    ['nested 100 000 deep', () => deep(100_000), 'server-answer-invalid'],
    [
      'nested deep in an unused field',
      () => JSON.stringify({ ...workRequestJson, extra: 1 }).replace('"extra":1', `"extra":${deep(200)}`),
      'server-answer-invalid',
    ],
    [
      'nested deep in the task',
      () =>
        JSON.stringify({ ...workRequestJson, task_data: 1 }).replace('"task_data":1', `"task_data":{"x":${deep(200)}}`),
      'server-answer-invalid',
    ],
    ['9 MiB', () => JSON.stringify({ ...workRequestJson, pad: 'x'.repeat(9 * 1024 * 1024) }), 'too-large'],
    ['not UTF-8', () => Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 'server-answer-invalid'],
    ['a negative id', () => JSON.stringify({ ...workRequestJson, id: -1 }), 'server-answer-invalid'],
    ['a fractional id', () => JSON.stringify({ ...workRequestJson, id: 1.5 }), 'server-answer-invalid'],
    [
      'an id beyond exact numbers',
      () => JSON.stringify(workRequestJson).replace('"id":7', '"id":9007199254740993'),
      'server-answer-invalid',
    ],
    ['an id as text', () => JSON.stringify({ ...workRequestJson, id: '7' }), 'server-answer-invalid'],
    ['no task data', () => JSON.stringify({ ...workRequestJson, task_data: null }), 'server-answer-invalid'],
    [
      'a header in the token',
      () => JSON.stringify({ ...workRequestJson, token: 'a\r\nX-Evil: 1' }),
      'server-answer-invalid',
    ],
    [
      'a header in the scope',
      () => JSON.stringify({ ...workRequestJson, scope: 'a\r\nX-Evil: 1' }),
      'server-answer-invalid',
    ],
    [
      'a path in the workspace',
      () => JSON.stringify({ ...workRequestJson, workspace: '../../x' }),
      'server-answer-invalid',
    ],
    [
      'a task name that turns round',
      () => JSON.stringify({ ...workRequestJson, task_name: 'sign\u202e' }),
      'server-answer-invalid',
    ],
    ['no token', () => JSON.stringify({ ...workRequestJson, token: undefined }), 'server-answer-invalid'],
  ])('refuses %s as a work request', async (_name, text, code) => {
    say(text())
    const server = serverAt(bench)
    expect(await server.fetchNext()).toMatchObject(failsWith(code))
    server.close()
  })

  it('refuses JSON that is called something else', async () => {
    say(JSON.stringify(workRequestJson), 'text/html')
    const server = serverAt(bench)
    expect(await server.fetchNext()).toMatchObject(failsWith('server-answer-invalid'))
    server.close()
  })

  it('does not take the state of another request for ours', async () => {
    bench.peer.answer = (arrived, response) =>
      json(
        response,
        200,
        arrived.path.endsWith('/whoami/') ? whoami016 : { ...workRequestJson, id: 8, status: 'running' },
      )
    const server = serverAt(bench)
    expect(await server.stillHeld(held016)).toMatchObject(failsWith('server-answer-invalid'))
    server.close()
  })

  it('does not take the error page of a proxy for the end of a request', async () => {
    bench.peer.answer = (arrived, response) => {
      if (arrived.path.endsWith('/whoami/')) return json(response, 200, whoami016)
      response.writeHead(403, { 'content-type': 'text/html' }).end('<h1>Forbidden</h1>')
    }
    const server = serverAt(bench)
    expect(await server.stillHeld(held016)).toMatchObject({ ok: false })
    server.close()
  })

  it('shows an error text of the server on one line, without control characters', async () => {
    lie(bench, (_arrived, response) =>
      json(response, 400, { title: 'no\u001b[2J\n\u202egnp.exe' + 'x'.repeat(10_000) }),
    )
    const server = serverAt(bench)
    const answer = await server.createArtifact(held016, { category: 'c', data: {}, files: [] })
    expect(answer).toMatchObject(failsWith('rejected'))
    if (answer.ok) throw new Error('unreachable')
    expect(answer.error.message).toMatch(/^[\x20-\x7e“”…]{1,500}$/)
    expect(answer.error.message).toContain('\\u{202e}gnp.exe')
    server.close()
  })

  it('does not believe a permission with a disguised user name or an odd shape', async () => {
    const server = serverAt(bench)
    for (const answer of [
      { has_permission: 'yes', username: 'a', user_id: 1, resource: {} },
      { has_permission: true, username: 'root\u200b', user_id: 1, resource: {} },
      { has_permission: true, username: 'a', user_id: 1, resource: { package: { x: 1 } } },
      {
        has_permission: true,
        username: 'a',
        user_id: 1,
        resource: Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`k${n}`, 'v'])),
      },
      { has_permission: true },
    ]) {
      lie(bench, (_arrived, response) => json(response, 200, answer))
      expect(await server.signPermission(held016, { purpose: 'uefi', fingerprint: 'A'.repeat(64) }, id9)).toMatchObject(
        failsWith('server-answer-invalid'),
      )
    }
    server.close()
  })
})
