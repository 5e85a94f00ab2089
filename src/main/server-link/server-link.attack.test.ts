import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { WebSocket } from 'ws'
import { fingerprint } from '../../shared/ids.ts'
import { Secret } from '../../shared/secret.ts'
import { handClock } from '../debusine/testing/hand-clock.ts'
import { json } from '../debusine/testing/peer.ts'
import { type Bench, startBench, whoami016, workerToken } from '../debusine/testing/test-server.ts'
import { createTokenFile } from '../debusine/token-file.ts'
import { silentLog } from '../log/logger.ts'
import { defaultSettings } from '../settings/settings-store.ts'
import { createServerLink, type Serveable, type ServerLink } from './server-link.ts'

// A window that asks for several things at once, and a server that answers late.

const patience = { timeout: 20_000 }
let bench: Bench
const open = new Set<WebSocket>()
beforeAll(async () => {
  bench = await startBench()
  bench.peer.onSocket = (line) => {
    open.add(line)
    line.on('close', () => open.delete(line))
    line.send(JSON.stringify({ type: 'websocket.send', text: 'connected' }))
  }
  bench.peer.answer = ({ path }, response) => {
    if (path.endsWith('/whoami/')) json(response, 200, whoami016)
    else response.writeHead(204).end()
  }
})
afterAll(() => bench.close())

let link: ServerLink
let looks = 0
const clock = handClock(Date.now())
let serveable: Serveable = { keys: [], generatesKeys: false }
const key = { purpose: 'uefi', fingerprint: fingerprint.parse('AB'.repeat(32)) }
beforeEach(async () => {
  looks = 0
  serveable = { keys: [], generatesKeys: false }
  const tokenStore = createTokenFile(join(bench.folder, `token-${crypto.randomUUID()}`))
  const token = Secret.fromText(workerToken)
  await tokenStore.create(token)
  await tokenStore.mark(token, 'registered', bench.peer.origin)
  link = createServerLink({
    tokenStore,
    settings: () => ({
      ...defaultSettings('desk.example.org', 'Release Manager'),
      server: { apiUrl: bench.peer.apiUrl, caPem: bench.ca.pem, scope: null },
    }),
    serveable: async () => {
      looks += 1
      return serveable
    },
    onRing: () => {},
    onChange: () => {},
    now: () => clock.now(),
    clock,
    version: '0.0.0',
    log: silentLog,
  })
})

describe('the line to the server', () => {
  it('is one, and is closed off duty, however many things were asked at once', async () => {
    await Promise.all([link.reconnect(), link.setDuty(true), link.reconnect(), link.reconnect()])
    await vi.waitFor(() => expect(link.status().kind).toBe('connected'), patience)
    expect(open.size).toBe(1)
    await Promise.all([link.reconnect(), link.setDuty(false)])
    await vi.waitFor(() => expect(open.size).toBe(0), patience)
    expect(link.status().kind).toBe('off-duty')
    await link.close()
  })

  it('is not opened again after it was closed for good', async () => {
    await link.close()
    await link.setDuty(true)
    await link.reconnect()
    expect(link.at(bench.peer.apiUrl)).toBeNull()
    expect(open.size).toBe(0)
  })
})

describe('what the server is told that can be served', () => {
  it('is in the end what is so, though an earlier telling is answered later', async () => {
    const told: unknown[] = []
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const honest = bench.peer.answer
    bench.peer.answer = async (arrived, response) => {
      if (!arrived.path.endsWith('/dynamic-metadata/')) return honest(arrived, response)
      // The proxy holds the first one back, and hands it on when later ones have passed.
      if (told.length === 0 && arrived.body.includes('sign:version')) await held
      told.push(JSON.parse(arrived.body.toString('utf8')).provided_tags)
      response.writeHead(204).end()
    }
    await link.setDuty(true)
    await vi.waitFor(() => expect(link.status().kind).toBe('connected'), patience)
    serveable = { keys: [key], generatesKeys: false }
    const first = link.offer()
    await vi.waitFor(() => expect(bench.peer.arrived.at(-1)?.path).toContain('/dynamic-metadata/'), patience)
    serveable = { keys: [], generatesKeys: false }
    const second = link.offer()
    release()
    await Promise.all([first, second])
    expect(told.at(-1)).toEqual([])
    expect(link.offered()).toEqual([])
    bench.peer.answer = honest
    const closing = [...open].map((line) => once(line, 'close'))
    await link.close()
    await Promise.all(closing)
  })
})

describe('a flood of reasons to tell the server anew', () => {
  const told = () =>
    bench.peer.arrived
      .slice(before)
      .filter(({ path }) => path.endsWith('/dynamic-metadata/'))
      .map(({ body }): unknown => JSON.parse(body.toString('utf8'))['signing-station:usable-keys'])
  const [here, gone] = [[`uefi:${key.fingerprint}`], []]
  let before = 0
  beforeEach(async () => {
    before = bench.peer.arrived.length
    await link.setDuty(true)
    await vi.waitFor(() => expect(link.status().kind).toBe('connected'), patience)
  })

  it('does not reach it while a device flaps, and it is told in the end what is so', async () => {
    for (let tick = 0; tick < 600; tick += 1) {
      serveable = { keys: tick % 2 === 0 ? [key] : [], generatesKeys: false }
      for (let again = 0; again < 5; again += 1) link.offerSoon()
      clock.advance(100)
      await new Promise((resolve) => setImmediate(resolve))
    }
    serveable = { keys: [key], generatesKeys: false }
    link.offerSoon()
    clock.advance(60_000)
    await vi.waitFor(() => expect(told().at(-1)).toEqual(here), patience)
    // Six hundred changes in a minute: looked at once a second, told when a key was there long enough.
    expect(looks).toBeLessThanOrEqual(75)
    expect(told().length).toBeGreaterThan(1)
    expect(told().length).toBeLessThanOrEqual(14)
    await link.close()
  })

  it('tells it at once of a key that went, and of its coming back within seconds', async () => {
    serveable = { keys: [key], generatesKeys: false }
    link.offerSoon()
    await vi.waitFor(() => expect(told().at(-1)).toEqual(here), patience)
    clock.advance(1_000)
    serveable = { keys: [], generatesKeys: false }
    link.offerSoon()
    await vi.waitFor(() => expect(told().at(-1)).toEqual(gone), patience)
    clock.advance(1_000)
    serveable = { keys: [key], generatesKeys: false }
    await link.offer()
    expect(told().at(-1)).toEqual(gone)
    // Nobody looks anew: the station remembers that a key waits.
    clock.advance(1_000)
    await vi.waitFor(() => expect(told().at(-1)).toEqual(here), patience)
    await link.close()
  })

  it('is answered once in five seconds when it is the server that asks', async () => {
    const ask = () => {
      for (const line of open)
        for (let again = 0; again < 300; again += 1)
          line.send(JSON.stringify({ type: 'websocket.send', text: 'request_dynamic_metadata' }))
    }
    ask()
    await vi.waitFor(() => expect(told()).toEqual([gone]), patience)
    ask()
    await link.offer()
    const looked = looks
    clock.advance(4_999)
    await link.offer()
    expect([told().length, looks - looked]).toEqual([1, 1])
    clock.advance(1)
    await vi.waitFor(() => expect(told()).toEqual([gone, gone]), patience)
    await link.close()
  })
})
