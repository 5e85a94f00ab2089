import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { artifactId } from '../../shared/ids.ts'
import type { HeldReference } from './server.ts'
import { failsWith } from './testing/lie.ts'
import { json } from './testing/peer.ts'
import {
  type Bench,
  held016,
  serverAt,
  startBench,
  whoami011,
  whoami016,
  workRequestJson,
} from './testing/test-server.ts'

let bench: Bench
beforeAll(async () => {
  bench = await startBench()
})
afterAll(() => bench.close())

const held011: HeldReference = { ...held016, token: null, scope: null }
const dead = { title: 'Error', detail: 'Authentication credentials were not provided.' }

/** The server's word about the request: an object, or the status of a refusal. Everything else is not found. */
async function ask<T>(
  whoami: unknown,
  word: Record<string, unknown> | number,
  call: (server: ReturnType<typeof serverAt>) => Promise<T>,
): Promise<T> {
  bench.peer.answer = (arrived, response) => {
    if (arrived.path.endsWith('/whoami/')) return json(response, 200, whoami)
    if (!arrived.path.endsWith('/work-request/7/'))
      return json(response, 404, { title: 'No Artifact matches the given query.' })
    return typeof word === 'number' ? json(response, word, dead) : json(response, 200, { ...workRequestJson, ...word })
  }
  const server = serverAt(bench)
  const answer = await call(server)
  server.close()
  return answer
}

describe('whether a request is still held', () => {
  it.each<[string, HeldReference, Record<string, unknown> | number, unknown]>([
    ['running and ours', held011, { status: 'running', worker: 3 }, { ok: true, value: 'held' }],
    [
      'running, and it was not kept who we are',
      { ...held011, worker: null },
      { status: 'running', worker: 3 },
      { ok: true, value: 'held' },
    ],
    ['running at another worker', held011, { status: 'running', worker: 4 }, { ok: true, value: 'gone' }],
    ['running at nobody', held011, { status: 'running', worker: null }, { ok: true, value: 'gone' }],
    ['given back', held011, { status: 'pending', worker: 3 }, { ok: true, value: 'gone' }],
    ['aborted', held011, { status: 'aborted', worker: 3 }, { ok: true, value: 'gone' }],
    ['unknown', held011, 404, { ok: true, value: 'gone' }],
    ['not to be read with our token', held011, 403, failsWith('not-authenticated')],
  ])('on 0.11, when it is %s', async (_name, held, word, expected) => {
    expect(await ask(whoami011, word, (server) => server.stillHeld(held))).toMatchObject(expected as object)
  })

  it.each<[string, HeldReference, Record<string, unknown> | number, unknown]>([
    ['running', held016, { status: 'running' }, { ok: true, value: 'held' }],
    ['completed', held016, { status: 'completed' }, { ok: true, value: 'gone' }],
    ['dead to its token', held016, 403, { ok: true, value: 'gone' }],
    ['unknown', held016, 404, { ok: true, value: 'gone' }],
    ['hidden by an error', held016, 500, failsWith('server-error')],
    ['from before an upgrade, without a token', held011, { status: 'running' }, { ok: true, value: 'gone' }],
  ])('on 0.16, when it is %s', async (_name, held, word, expected) => {
    expect(await ask(whoami016, word, (server) => server.stillHeld(held))).toMatchObject(expected as object)
  })
})

describe('what "not found" means', () => {
  it.each<[string, Record<string, unknown> | number, Parameters<typeof failsWith>[0]]>([
    ['the artifact is missing, when the request runs', { status: 'running' }, 'not-found'],
    ['the request was aborted, when its token is dead', 403, 'no-longer-ours'],
    ['still just "not found", when the request cannot be looked at', 500, 'not-found'],
  ])('%s', async (_name, word, code) => {
    expect(await ask(whoami016, word, (server) => server.artifact(held016, artifactId.parse(9)))).toMatchObject(
      failsWith(code),
    )
  })
})
