import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { WebSocket } from 'ws'
import { workRequestId } from '../../shared/ids.ts'
import { ok } from '../../shared/result.ts'
import { Secret } from '../../shared/secret.ts'
import { openBell } from './bell.ts'
import type { Bell, BellState, Dialect } from './server.ts'
import { type HandClock, handClock } from './testing/hand-clock.ts'
import { startPeer } from './testing/peer.ts'
import { type Bench, startBench, workerToken } from './testing/test-server.ts'

let bench: Bench
beforeAll(async () => {
  bench = await startBench()
})
afterAll(() => bench.close())

const text = (message: string) => JSON.stringify({ type: 'websocket.send', text: message })
const refusal = JSON.stringify({
  type: 'connection_rejected',
  reason: 'No token header, token not associated to a worker or not enabled',
  reason_code: 'TOKEN_DISABLED',
})

/** A bell at the bench's peer, whose lines a test takes one after the other. */
function hang(options: { readonly dialect?: Dialect; readonly apiUrl?: string; readonly caPem?: string } = {}) {
  const clock: HandClock = handClock()
  const lines: { readonly line: WebSocket; readonly token: unknown; readonly path: string }[] = []
  const seen: string[] = []
  const states: BellState[] = []
  let wake = () => {}
  const note = (what: string) => {
    seen.push(what)
    wake()
  }
  bench.peer.onSocket = (line, request) => {
    lines.push({ line, token: request.headers['token'], path: request.url ?? '' })
    wake()
  }
  const until = async (met: () => boolean) => {
    while (!met()) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  bell = openBell(
    {
      apiUrl: options.apiUrl ?? bench.peer.apiUrl,
      caPem: options.caPem ?? bench.ca.pem,
      workerToken: Secret.fromText(workerToken),
      dialect: () => Promise.resolve(ok(options.dialect ?? '0.16')),
      clock,
    },
    {
      onState: (state) => {
        states.push(state)
        note(state.kind)
      },
      onRing: () => note('ring'),
      onMetadataWanted: () => note('metadata'),
    },
  )
  return {
    bell,
    clock,
    seen,
    states,
    until,
    lines,
    /** The nth line, when it is there. */
    line: async (number: number): Promise<WebSocket> => {
      await until(() => lines.length > number)
      const found = lines[number]
      if (found === undefined) throw new Error('no line')
      return found.line
    },
  }
}

let bell: Bell | null = null
afterEach(async () => {
  await bell?.close()
  bell = null
})

describe('the bell', () => {
  it('shows its token, is connected when the server says so, and rings for work and metadata in any order', async () => {
    const { line, seen, until, lines, bell, clock } = hang()
    const first = await line(0)
    expect(lines[0]).toMatchObject({ token: workerToken, path: '/api/ws/1.0/worker/connect/' })
    expect(bell.state).toEqual({ kind: 'connecting', failure: null })
    for (const each of ['connected', 'work_request_available', 'request_dynamic_metadata', 'work_request_available'])
      first.send(text(each))
    first.ping()
    await once(first, 'pong')
    await until(() => seen.length === 3)
    expect(seen).toEqual(['connected', 'ring', 'metadata'])
    // The second ring is not lost, but comes a second later.
    clock.advance(1000)
    expect(seen).toEqual(['connected', 'ring', 'metadata', 'ring'])
    clock.advance(10_000)
    expect(seen).toHaveLength(4)
    expect(bell.state).toEqual({ kind: 'connected' })
  })

  it('rings once a second at most, however often the server does', async () => {
    const { line, seen, clock, until } = hang()
    const first = await line(0)
    for (let times = 0; times < 5000; times++) first.send(text('work_request_available'))
    first.ping()
    await once(first, 'pong')
    await until(() => seen.length > 0)
    clock.advance(3000)
    expect(seen).toEqual(['ring', 'ring'])
  })

  it('ignores whatever it does not know', async () => {
    const { line, seen, until } = hang()
    const first = await line(0)
    first.send(Buffer.from(text('work_request_available')), { binary: true })
    for (const each of [
      text('reboot'),
      'no json',
      '[]',
      '{"type":5}',
      '{"type":"websocket.send"}',
      '['.repeat(10_000),
      `{"type":"websocket.send","text":"${'x'.repeat(1000)}"}`,
    ])
      first.send(each)
    first.send(text('connected'))
    await until(() => seen.length > 0)
    expect(seen).toEqual(['connected'])
  })

  it('hangs up on a message that is too large, and comes back later', async () => {
    const { line, seen, until, clock, states } = hang()
    const first = await line(0)
    first.send(text('connected'))
    first.send('x'.repeat(100_000))
    await until(() => seen.at(-1) === 'connecting')
    expect(states.at(-1)).toMatchObject({ kind: 'connecting', failure: { code: 'server-unreachable' } })
    clock.advance(clock.waiting[0] ?? 0)
    await line(1)
  })

  it.each([
    ['refused', refusal],
    ['disabled while connected', refusal.replace('rejected', 'closed')],
  ])('is rejected when %s, does not show the token hash, and tries again without hurry', async (_name, message) => {
    const { line, seen, until, clock, states } = hang()
    const first = await line(0)
    first.send(message)
    first.close(1000)
    await until(() => seen.includes('rejected'))
    expect(states).toEqual([{ kind: 'rejected', reason: expect.stringMatching(/administrator/) }])
    expect(clock.waiting).toEqual([45_000])
    clock.advance(45_000)
    const second = await line(1)
    second.send(text('connected'))
    await until(() => seen.includes('connected'))
  })

  it('takes "Service unavailable" for a trouble of the moment', async () => {
    const { line, seen, until, clock, states } = hang()
    const first = await line(0)
    first.send(JSON.stringify({ type: 'connection_rejected', reason: 'Service unavailable' }))
    first.close(1000)
    await until(() => seen.length > 0)
    expect(states).toMatchObject([{ kind: 'connecting', failure: { code: 'server-error' } }])
    expect(clock.waiting).toEqual([750])
  })

  it('waits longer and longer between tries, up to a minute', async () => {
    const { line, clock, until, lines } = hang()
    const waits: number[] = []
    for (let number = 0; number < 9; number++) {
      const each = await line(number)
      each.terminate()
      await until(() => true)
      // The client notices the loss on its own side of the wire.
      while (clock.waiting.length !== 1 || clock.waiting[0] === 10_000)
        await new Promise((resolve) => setImmediate(resolve))
      waits.push(clock.waiting[0] ?? 0)
      clock.advance(clock.waiting[0] ?? 0)
      expect(lines.length).toBe(number + 1)
    }
    expect(waits).toEqual([750, 1500, 3000, 6000, 12_000, 24_000, 45_000, 45_000, 45_000])
  })

  it('pings by itself, and reopens when the server falls silent', async () => {
    const { line, seen, until, clock } = hang()
    const first = await line(0)
    first.send(text('connected'))
    await until(() => seen.includes('connected'))
    const pinged = once(first, 'ping')
    clock.advance(30_000)
    await pinged
    // The peer has answered with a pong; now it says no more.
    await new Promise((resolve) => first.once('pong', resolve).ping())
    first.pause()
    clock.advance(70_000)
    await until(() => seen.at(-1) === 'connecting')
    clock.advance(clock.waiting[0] ?? 0)
    await line(1)
  })

  it('after an unclean loss closes and reopens once more, because the server may notice the dead socket late', async () => {
    const { line, seen, until, clock, lines } = hang()
    const first = await line(0)
    first.send(text('connected'))
    await until(() => seen.includes('connected'))
    first.terminate()
    await until(() => seen.at(-1) === 'connecting')
    clock.advance(clock.waiting[0] ?? 0)
    const second = await line(1)
    const pong = () => second.ping()
    second.send(text('connected'))
    await until(() => seen.filter((each) => each === 'connected').length === 2)
    const closed = once(second, 'close')
    // A living server pings every 20 s.
    for (let passed = 0; passed < 60_000; passed += 20_000) {
      const answered = once(second, 'pong')
      pong()
      await answered
      clock.advance(20_000)
    }
    expect((await closed)[0]).toBe(1000)
    await until(() => seen.at(-1) === 'connecting')
    clock.advance(0)
    const third = await line(2)
    third.send(text('connected'))
    await until(() => seen.filter((each) => each === 'connected').length === 3)
    expect(clock.waiting).toEqual([10_000])
    expect(lines).toHaveLength(3)
  })

  it('says log lines to 0.16, and nothing to 0.11', async () => {
    for (const dialect of ['0.16', '0.11'] as const) {
      const { line, seen, until, bell } = hang({ dialect })
      const first = await line(0)
      const heard: unknown[] = []
      first.on('message', (data: Buffer) => heard.push(JSON.parse(data.toString('utf8'))))
      bell.say(workRequestId.parse(7), 'too early')
      first.send(text('connected'))
      await until(() => seen.includes('connected'))
      await new Promise((resolve) => setImmediate(resolve))
      bell.say(workRequestId.parse(7), 'Waiting\nfor the operator')
      bell.say(workRequestId.parse(7), '')
      bell.sayEnd(workRequestId.parse(7), 0)
      const over = once(first, 'close')
      await bell.close()
      await over
      expect(heard).toEqual(
        dialect === '0.11'
          ? []
          : [
              {
                type: 'log_data',
                work_request_id: 7,
                data: 'Waiting for the operator\n',
                stream: 'internal',
                timestamp: '2026-01-01T00:00:00.000Z',
              },
              { type: 'log_data_end', work_request_id: 7, exit_code: 0, timestamp: '2026-01-01T00:00:00.000Z' },
            ],
      )
    }
  })

  it('stays closed once it is closed', async () => {
    const { line, seen, until, clock, bell, lines } = hang()
    const first = await line(0)
    first.send(text('connected'))
    await until(() => seen.includes('connected'))
    await bell.close()
    await bell.close()
    expect(bell.state).toEqual({ kind: 'closed' })
    expect(clock.waiting).toEqual([])
    clock.advance(1_000_000)
    expect(lines).toHaveLength(1)
  })

  it('does not show its token to a server that cannot prove itself', async () => {
    const impostor = await startPeer(bench.ca.issue({ notAfter: '20210101000000Z' }))
    let opened = 0
    impostor.onSocket = () => opened++
    const { until, states } = hang({ apiUrl: impostor.apiUrl })
    await until(() => states.length > 0)
    expect(states).toMatchObject([{ kind: 'connecting', failure: { code: 'server-untrusted' } }])
    expect(opened).toBe(0)
    await bell?.close()
    await impostor.close()
  })
})
