import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { WebSocket } from 'ws'
import { fingerprint } from '../../shared/ids.ts'
import { Secret } from '../../shared/secret.ts'
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
let serveable: Serveable = { purposes: [], fingerprints: [], generatesKeys: false }
beforeEach(async () => {
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
    serveable: async () => serveable,
    onRing: () => {},
    onChange: () => {},
    now: () => new Date(),
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
    serveable = { purposes: ['uefi'], fingerprints: [fingerprint.parse('AB'.repeat(32))], generatesKeys: false }
    const first = link.offer()
    await vi.waitFor(() => expect(bench.peer.arrived.at(-1)?.path).toContain('/dynamic-metadata/'), patience)
    serveable = { purposes: [], fingerprints: [], generatesKeys: false }
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
