import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { err, ok } from '../../shared/result.ts'
import { Secret } from '../../shared/secret.ts'
import { restFor } from './debusine-server.ts'
import { enrol, newWorkerToken } from './register.ts'
import type { Rest } from './rest.ts'
import { hastyClock } from './testing/hand-clock.ts'
import { json } from './testing/peer.ts'
import { type Bench, startBench } from './testing/test-server.ts'
import { createTokenFile, type TokenStore } from './token-file.ts'

let bench: Bench
let rest: Rest
beforeAll(async () => {
  bench = await startBench()
  const made = restFor({ apiUrl: bench.peer.apiUrl, caPem: bench.ca.pem, clock: hastyClock() })
  if (!made.ok) throw new Error(made.error.message)
  rest = made.value
})
afterAll(async () => {
  rest.close()
  await bench.close()
})

/** A server that knows what was registered, and answers a registration as told. */
function registry(onRegister: 'accept' | 'lose' | 'accept-and-lose' | 'refuse' = 'accept') {
  const book = {
    received: [] as string[],
    known: new Set<string>(),
    enabled: new Set<string>(),
    activations: [] as (string | undefined)[],
    onRegister,
  }
  bench.peer.answer = (arrived, response) => {
    const token = arrived.headers['token']
    if (arrived.path === '/api/1.0/whoami/') {
      const enabled = typeof token === 'string' && book.enabled.has(token)
      return json(response, 200, { user: '<anonymous>', auth: enabled, worker: enabled, work_request: null })
    }
    const body = JSON.parse(arrived.body.toString('utf8')) as { token: string; fqdn: string; worker_type: string }
    expect(body).toEqual({
      token: expect.stringMatching(/^[0-9a-f]{64}$/),
      fqdn: 'desk.example.org',
      worker_type: 'signing',
    })
    // 0.11 would hang for good here.
    expect(book.received).not.toContain(body.token)
    book.received.push(body.token)
    book.activations.push(typeof token === 'string' ? token : undefined)
    if (book.onRegister === 'refuse') return json(response, 400, { title: 'Invalid worker activation token' })
    if (book.onRegister !== 'lose') book.known.add(body.token)
    if (typeof token === 'string') book.enabled.add(body.token)
    if (book.onRegister === 'accept') {
      response.writeHead(201).end()
      return
    }
    response.destroy()
  }
  return book
}

let count = 0
let path: string
let store: TokenStore
beforeEach(() => {
  path = join(bench.folder, `worker-token-${count++}`)
  store = createTokenFile(path)
})
const run = (activationToken: Secret | null = null) => enrol({ rest, store, fqdn: 'desk.example.org', activationToken })
const state = async () => {
  const stored = await store.read()
  return stored.ok ? (stored.value?.state ?? null) : stored.error.code
}

describe('enrolment', () => {
  it('keeps the token on disk, for us alone, before it is sent', async () => {
    const book = registry()
    const handler = bench.peer.answer
    const kept: unknown[] = []
    bench.peer.answer = async (arrived, response) => {
      if (arrived.method === 'POST')
        kept.push(await readFile(path, 'utf8'), (await stat(path)).mode & 0o777, await state())
      return handler(arrived, response)
    }
    expect(await run()).toEqual({ ok: true, value: { how: 'registered', enabled: false } })
    expect(kept).toEqual([book.received[0], 0o600, 'sent'])
    expect(await state()).toBe('registered')
    expect((await readdir(bench.folder)).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it('sends nothing when it is asked again, and notices that it was enabled', async () => {
    const book = registry()
    await run()
    expect(await run()).toEqual({ ok: true, value: { how: 'known', enabled: false } })
    book.enabled.add(book.received[0] ?? '')
    expect(await run()).toEqual({ ok: true, value: { how: 'known', enabled: true } })
    expect(book.received).toHaveLength(1)
  })

  it.each(['lose', 'accept-and-lose'] as const)('makes a new token when the answer was lost (%s)', async (what) => {
    const book = registry(what)
    expect(await run()).toMatchObject({ ok: false, error: { code: 'server-unreachable' } })
    expect(await state()).toBe('sent')
    book.onRegister = 'accept'
    expect(await run()).toEqual({ ok: true, value: { how: 'registered', enabled: false } })
    expect(new Set(book.received).size).toBe(2)
    expect(await readFile(path, 'utf8')).toBe(book.received[1])
  })

  it('goes on with the token of a lost answer if it was enabled meanwhile', async () => {
    const book = registry('accept-and-lose')
    await run()
    book.enabled.add(book.received[0] ?? '')
    expect(await run()).toEqual({ ok: true, value: { how: 'found', enabled: true } })
    expect(await run()).toEqual({ ok: true, value: { how: 'known', enabled: true } })
    expect(book.received).toHaveLength(1)
    expect(await state()).toBe('registered')
  })

  it('sends nothing before it is on record, and nothing when it cannot be', async () => {
    const book = registry()
    const sentBefore: number[] = []
    const options = { rest, store, fqdn: 'desk.example.org', activationToken: null }
    const failure = { kind: 'unavailable', code: 'log-unwritable', message: 'The disk is full.' } as const
    const beforeSending = async () => {
      sentBefore.push(book.received.length)
      return sentBefore.length === 1 ? err(failure) : ok(null)
    }
    expect(await enrol({ ...options, beforeSending })).toEqual(err(failure))
    expect([book.received.length, await state()]).toEqual([0, 'fresh'])
    expect(await enrol({ ...options, beforeSending })).toMatchObject({ ok: true, value: { how: 'registered' } })
    expect(await enrol({ ...options, beforeSending })).toMatchObject({ ok: true, value: { how: 'known' } })
    expect(sentBefore).toEqual([0, 0])
  })

  it('does not send a token again that was sent just before a crash', async () => {
    const book = registry()
    const token = newWorkerToken()
    await store.create(token)
    await store.mark(token, 'sent', bench.peer.origin)
    expect(await run()).toMatchObject({ ok: true, value: { how: 'registered' } })
    expect(book.received).not.toContain(new TextDecoder().decode(token.reveal()))
  })

  it('uses a token that was kept and not sent before a crash', async () => {
    const book = registry()
    const token = newWorkerToken()
    await store.create(token)
    await run()
    expect(book.received).toEqual([new TextDecoder().decode(token.reveal())])
  })

  it('shows a token to no other server than the one it was sent to, and makes a new one there', async () => {
    const token = newWorkerToken()
    await store.create(token)
    await store.mark(token, 'registered', 'https://debusine.example')
    const book = registry()
    const before = bench.peer.arrived.length
    expect(await run()).toEqual({ ok: true, value: { how: 'registered', enabled: false } })
    const text = new TextDecoder().decode(token.reveal())
    expect(
      JSON.stringify(bench.peer.arrived.slice(before).map(({ headers, body }) => [headers, body.toString('utf8')])),
    ).not.toContain(text)
    expect(book.received).toEqual([await readFile(path, 'utf8')])
    expect(await store.read()).toMatchObject({ ok: true, value: { state: 'registered', origin: bench.peer.origin } })
  })

  it('is enabled at once with an activation token, even when it had registered before', async () => {
    const book = registry()
    await run()
    expect(await run(Secret.fromText('ac'.repeat(32)))).toEqual({
      ok: true,
      value: { how: 'registered', enabled: true },
    })
    expect(book.activations).toEqual([undefined, 'ac'.repeat(32)])
  })

  it('says what the server says against an activation token', async () => {
    registry('refuse')
    expect(await run(Secret.fromText('ac'.repeat(32)))).toMatchObject({
      ok: false,
      error: { code: 'rejected', message: expect.stringContaining('Invalid worker activation token') },
    })
  })

  it.each(['', '-desk', 'desk example', 'desk/x', 'a'.repeat(401)])(
    'registers under no name like “%s”',
    async (fqdn) => {
      const book = registry()
      expect(await enrol({ rest, store, fqdn, activationToken: null })).toMatchObject({
        ok: false,
        error: { code: 'rejected' },
      })
      expect(book.received).toEqual([])
      expect(await state()).toBeNull()
    },
  )

  it('makes no token when no debusine server answers', async () => {
    bench.peer.answer = (_arrived, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>It works!</h1>')
    }
    expect(await run()).toMatchObject({ ok: false, error: { code: 'server-answer-invalid' } })
    expect(await state()).toBeNull()
  })

  it('sends nothing when the token cannot be kept', async () => {
    const book = registry()
    const nowhere = createTokenFile(join(bench.folder, 'no-such-folder', 'token'))
    expect(await enrol({ rest, store: nowhere, fqdn: 'desk.example.org', activationToken: null })).toMatchObject({
      ok: false,
      error: { code: 'token-file-unwritable' },
    })
    expect(book.received).toEqual([])
  })
})

describe('the token file', () => {
  const token = Secret.fromText('1a'.repeat(32))

  it('never replaces a token unless told so', async () => {
    expect(await store.create(token)).toEqual({ ok: true, value: null })
    expect(await store.create(newWorkerToken())).toMatchObject({ ok: false, error: { code: 'token-file-exists' } })
    expect(await readFile(path, 'utf8')).toBe('1a'.repeat(32))
  })

  it('counts a replaced token as fresh although its state file is from the old one', async () => {
    await store.create(token)
    await store.mark(token, 'registered', bench.peer.origin)
    await store.replace(newWorkerToken())
    expect(await state()).toBe('fresh')
  })

  it('takes a state that cannot be read for "sent", the one that forbids sending', async () => {
    await store.create(token)
    for (const text of ['', '{', '{"state":"fresh"}', 'null']) {
      await writeFile(`${path}.state`, text, { mode: 0o600 })
      expect(await state()).toBe('sent')
    }
  })

  it('does not use a file that others can read, a link, a folder, or something else than a token', async () => {
    await store.create(token)
    await chmod(path, 0o640)
    expect(await state()).toBe('token-file-unsafe')
    await symlink(path, `${path}-link`)
    store = createTokenFile(`${path}-link`)
    expect(await state()).toBe('token-file-unsafe')
    await mkdir(`${path}-folder`)
    store = createTokenFile(`${path}-folder`)
    expect(await state()).toBe('token-file-unsafe')
    await writeFile(`${path}-text`, 'not a token\n', { mode: 0o600 })
    store = createTokenFile(`${path}-text`)
    expect(await state()).toBe('token-file-unsafe')
  })

  it('reads a token that an administrator put there with a line end', async () => {
    await writeFile(path, `${'1a'.repeat(32)}\n`, { mode: 0o600 })
    const stored = await store.read()
    expect(stored.ok && stored.value !== null && new TextDecoder().decode(stored.value.token.reveal())).toBe(
      '1a'.repeat(32),
    )
  })
})
