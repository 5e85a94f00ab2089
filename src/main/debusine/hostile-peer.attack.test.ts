import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ok } from '../../shared/result.ts'
import { Secret } from '../../shared/secret.ts'
import { createDebusineServer, createPendingWorkList, restFor } from './debusine-server.ts'
import { limits } from './limits.ts'
import { anonymous } from './rest.ts'
import type { ArtifactFile } from './server.ts'
import { makeCa } from './testing/certificates.ts'
import { type HandClock, handClock } from './testing/hand-clock.ts'
import { failsWith, lie, sha } from './testing/lie.ts'
import { json, startPeer } from './testing/peer.ts'
import {
  type Bench,
  held016,
  requestToken,
  serverAt,
  startBench,
  workerToken,
  workRequestJson,
} from './testing/test-server.ts'

// Somebody stands in for the server, sends us elsewhere, or keeps us waiting.

let bench: Bench
beforeAll(async () => {
  bench = await startBench()
})
afterAll(() => bench.close())

const signal = new AbortController().signal

describe('where the token goes', () => {
  it('follows no redirect, not even to itself', async () => {
    const elsewhere = await startPeer(bench.ca.issue())
    for (const status of [301, 302, 303, 307, 308]) {
      for (const location of [`${elsewhere.origin}/take`, `${bench.peer.origin}/api/1.0/again/`]) {
        lie(bench, (_arrived, response) => response.writeHead(status, { location }).end())
        const server = serverAt(bench)
        expect(await server.fetchNext()).toMatchObject(failsWith('server-answer-invalid'))
        const wanted: ArtifactFile = { path: 'a', size: 4, sha256: sha('abcd'), url: `${bench.peer.origin}/f` }
        expect(await server.download(held016, wanted, join(bench.folder, 'redirected'), { signal })).toMatchObject(
          failsWith('server-answer-invalid'),
        )
        server.close()
      }
    }
    expect(elsewhere.arrived).toEqual([])
    await elsewhere.close()
  })

  it('asks another origin nothing, whatever the file list says', async () => {
    const elsewhere = await startPeer(bench.ca.issue())
    lie(bench, (_arrived, response) => response.writeHead(500).end())
    const server = serverAt(bench)
    const host = new URL(bench.peer.origin).host
    for (const url of [
      `${elsewhere.origin}/f`,
      `https://${host}@${new URL(elsewhere.origin).host}/f`,
      `https://user:pass@${host}/f`,
    ]) {
      const wanted: ArtifactFile = { path: 'a', size: 4, sha256: sha('abcd'), url }
      expect(await server.download(held016, wanted, join(bench.folder, 'foreign'), { signal })).toMatchObject(
        failsWith('server-answer-invalid'),
      )
    }
    expect(elsewhere.arrived).toEqual([])
    await elsewhere.close()
    server.close()
  })

  it('takes only the cursor from the address of the next page', async () => {
    const elsewhere = await startPeer(bench.ca.issue())
    const asked: string[] = []
    bench.peer.answer = (arrived, response) => {
      asked.push(arrived.path)
      json(response, 200, {
        next: asked.length === 1 ? `${elsewhere.origin}/evil?cursor=abc` : null,
        previous: null,
        results: [],
      })
    }
    const list = createPendingWorkList({ apiUrl: bench.peer.apiUrl, caPem: bench.ca.pem })
    expect(await list.pending(Secret.fromText('0a'.repeat(32)), 'debusine')).toEqual({ ok: true, value: [] })
    expect(asked).toEqual([
      '/api/1.0/work-request/?task_type=Signing&status=pending',
      '/api/1.0/work-request/?task_type=Signing&status=pending&cursor=abc',
    ])
    expect(elsewhere.arrived).toEqual([])
    list.close()
    await elsewhere.close()
  })

  it('ends a list that never ends', async () => {
    let pages = 0
    bench.peer.answer = (_arrived, response) =>
      json(response, 200, { next: `${bench.peer.origin}/?cursor=${pages++}`, previous: null, results: [] })
    const list = createPendingWorkList({ apiUrl: bench.peer.apiUrl, caPem: bench.ca.pem })
    expect(await list.pending(Secret.fromText('0a'.repeat(32)), null)).toEqual({ ok: true, value: [] })
    expect(pages).toBe(limits.listPages)
    list.close()
  })

  it('sends nothing over plain HTTP', async () => {
    const server = serverAt(bench, { apiUrl: bench.peer.apiUrl.replace('https:', 'http:') })
    const before = bench.peer.arrived.length
    expect(await server.fetchNext()).toMatchObject(failsWith('rejected'))
    expect(bench.peer.arrived.length).toBe(before)
  })
})

describe('servers that are not the server', () => {
  afterEach(() => {
    delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  })

  it.each<[string, Parameters<Bench['ca']['issue']>[0]]>([
    ['an expired certificate', { notAfter: '20210101000000Z' }],
    ['a certificate that is not valid yet', { notBefore: '20900101000000Z' }],
    ['a certificate for another name', { names: 'DNS:debusine.example.org' }],
  ])('sends nothing to one with %s', async (_name, options) => {
    const impostor = await startPeer(bench.ca.issue(options))
    const server = serverAt(bench, { apiUrl: impostor.apiUrl })
    expect(await server.fetchNext()).toMatchObject(failsWith('server-untrusted'))
    expect(impostor.arrived).toEqual([])
    server.close()
    await impostor.close()
  })

  it('sends nothing to one that another CA vouches for, be it the system list, or with verification switched off outside', async () => {
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    const before = bench.peer.arrived.length
    const other = serverAt(bench, {
      caPem: makeCa(join(bench.folder, 'other')).pem,
    })
    expect(await other.fetchNext()).toMatchObject(failsWith('server-untrusted'))
    const system = serverAt(bench, { caPem: null })
    expect(await system.fetchNext()).toMatchObject(failsWith('server-untrusted'))
    expect(bench.peer.arrived.length).toBe(before)
    other.close()
    system.close()
  })

  it('says when the CA file is none', async () => {
    for (const pem of ['', 'nonsense', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----']) {
      expect(await serverAt(bench, { caPem: pem }).dialect()).toMatchObject(failsWith('server-untrusted'))
    }
  })
})

describe('servers that waste time', () => {
  /** A TLS server that answers with bytes of its own choice. */
  async function raw(speak: (socket: Socket) => void) {
    const certificate = bench.ca.issue()
    const sockets = new Set<Socket>()
    const listener = createTlsServer({ ...certificate }, (socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.once('data', () => speak(socket))
    })
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    return {
      apiUrl: `https://127.0.0.1:${(listener.address() as AddressInfo).port}/api`,
      close: async () => {
        for (const socket of sockets) socket.destroy()
        listener.close()
        await once(listener, 'close')
      },
    }
  }

  /** Runs a call while time is moved on by hand, five seconds with each turn of the event loop. */
  async function hurried<T>(clock: HandClock, call: Promise<T>): Promise<T> {
    const state = { done: false }
    const result = call.finally(() => {
      state.done = true
    })
    while (!state.done) {
      await new Promise((resolve) => setImmediate(resolve))
      clock.advance(5000)
    }
    return result
  }

  it.each<[string, string]>([
    ['says nothing', ''],
    ['drips a header without end', 'HTTP/1.1 200 OK\r\nX-Slow: '],
    [
      'drips a body without end',
      'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000000\r\n\r\n',
    ],
  ])('gives up one that %s', async (_name, beginning) => {
    const slow = await raw((socket) => {
      const drip = () => {
        if (!socket.destroyed) socket.write('x', () => setImmediate(drip))
      }
      if (beginning !== '') socket.write(beginning, drip)
    })
    const clock = handClock()
    const server = serverAt(bench, { apiUrl: slow.apiUrl, clock })
    const started = clock.now().getTime()
    expect(await hurried(clock, server.dialect())).toMatchObject(failsWith('server-unreachable'))
    // Five tries, each with its end, and the pauses between them.
    expect(clock.now().getTime() - started).toBeLessThan((limits.retries + 1) * (limits.wholeMs + 20_000))
    server.close()
    await slow.close()
  })

  it('gives up a body that never ends although each piece comes in time', async () => {
    lie(bench, (_arrived, response) => {
      response.on('error', () => {})
      const drip = () => {
        if (!response.destroyed) response.write('x', () => setImmediate(drip))
      }
      drip()
    })
    const clock = handClock()
    const rest = restFor({ apiUrl: bench.peer.apiUrl, caPem: bench.ca.pem, clock })
    if (!rest.ok) throw new Error(rest.error.message)
    const opened = await rest.value.open({
      method: 'GET',
      url: rest.value.url('drip/'),
      authority: anonymous,
      repeat: 'never',
      what: 'drip',
    })
    if (!opened.ok) throw new Error(opened.error.message)
    const started = clock.now().getTime()
    const read = await opened.value.each(() => {
      clock.advance(limits.idleMs / 2)
      return Promise.resolve(ok(null))
    })
    expect(read).toMatchObject(failsWith('server-unreachable'))
    expect(clock.now().getTime() - started).toBe(limits.wholeMs)
    rest.value.close()
  })

  it('gives up one that accepts the connection and never finishes the handshake', async () => {
    const mute = createTcpServer((socket) => socket.on('error', () => {}))
    mute.listen(0, '127.0.0.1')
    await once(mute, 'listening')
    const clock = handClock()
    const server = serverAt(bench, { apiUrl: `https://127.0.0.1:${(mute.address() as AddressInfo).port}/api`, clock })
    const started = clock.now().getTime()
    expect(await hurried(clock, server.dialect())).toMatchObject(failsWith('server-unreachable'))
    // Each of five tries ends with the handshake's limit, rounded up to a turn, before the pause of the back-off.
    expect(clock.now().getTime() - started).toBeLessThan((limits.retries + 1) * (limits.connectMs + 10_000))
    server.close()
    mute.close()
  })

  it('does not speak with what is no HTTP, or with too large a header', async () => {
    for (const text of ['SSH-2.0-OpenSSH\r\n\r\n', `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(200_000)}\r\n\r\n`]) {
      const odd = await raw((socket) => socket.end(text))
      const server = serverAt(bench, { apiUrl: odd.apiUrl })
      expect(await server.dialect()).toMatchObject(failsWith('server-answer-invalid'))
      server.close()
      await odd.close()
    }
  })
})

it('lets no token reach the log', async () => {
  const lines: string[] = []
  lie(bench, (_arrived, response) => json(response, 200, workRequestJson))
  const server = createDebusineServer({
    apiUrl: bench.peer.apiUrl,
    caPem: bench.ca.pem,
    workerToken: Secret.fromText(workerToken),
    log: (event, fields) => lines.push(JSON.stringify({ event, ...fields })),
  })
  const work = await server.fetchNext()
  expect(work).toMatchObject({ ok: true, value: { token: requestToken } })
  expect(lines.length).toBeGreaterThan(0)
  expect(lines.join('\n')).not.toMatch(new RegExp(`${workerToken}|${requestToken}`))
  if (work.ok) expect(work.value?.raw).not.toContain(requestToken)
  server.close()
})
