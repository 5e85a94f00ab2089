import { describe, expect, it } from 'vitest'
import { maxMessageLength } from '../../shared/contract.ts'
import { ok } from '../../shared/result.ts'
import { stationOrigin } from '../desktop/desktop.ts'
import { type Bindings, bind, createRouter, maxConcurrentCalls } from './router.ts'
import { allChannels } from './testing/all-channels.ts'

const window = { isStationWindow: true, isMainFrame: true, origin: stationOrigin }
const requestId = '0f8b4c52-6d3f-4a51-9c1e-0d6c1b6f2a11'
const approval = { requestId, sheetDigest: 'a'.repeat(64), acknowledged: [], pin: '123456-pin', useLastTry: false }

function attacked(changed: Partial<Bindings> = {}) {
  const log: string[] = []
  const calls: unknown[] = []
  const bindings = {
    ...allChannels(),
    'review.approve': bind('review.approve', (input) => {
      calls.push(input)
      return ok(null)
    }),
    ...changed,
  }
  const router = createRouter(bindings, (event, fields) => log.push(`${event} ${JSON.stringify(fields)}`))
  async function send(text: string, sender = window): Promise<unknown> {
    return JSON.parse(await router.onMessage(sender, text))
  }
  return { send, log, calls }
}

const question = (channel: string, input: unknown): string => JSON.stringify({ id: 1, channel, input })

describe('a hostile window', () => {
  it.each([
    ['another window', { ...window, isStationWindow: false }],
    ['a frame inside the window', { ...window, isMainFrame: false }],
    ['a page that took the window over', { ...window, origin: 'https://station.invalid.evil.example' }],
    ['the page that is there before the station’s own', { ...window, origin: 'null' }],
    ['the same name without encryption', { ...window, origin: 'http://station.invalid' }],
    ['the same name on another port', { ...window, origin: 'https://station.invalid:8443' }],
  ])('is refused as %s, and nothing runs', async (_who, sender) => {
    const { send, log, calls } = attacked()
    expect(await send(question('review.approve', approval), sender)).toMatchObject({
      id: null,
      ok: false,
      error: { kind: 'refused', code: 'sender-not-trusted' },
    })
    expect(calls).toEqual([])
    expect(log).toHaveLength(1)
    expect(log[0]).toContain('router.sender-refused')
    expect(log[0]).not.toContain('123456-pin')
  })

  it('cannot make main parse more than the limit', async () => {
    const { send, calls } = attacked()
    const padded = question('review.approve', approval).padEnd(maxMessageLength + 1)
    expect(await send(padded)).toMatchObject({ ok: false, error: { kind: 'invalid', code: 'message-too-long' } })
    expect(calls).toEqual([])
    expect(await send(question('review.approve', approval).padEnd(maxMessageLength))).toMatchObject({ ok: true })
  })

  it.each([
    ['', 'message-malformed'],
    ['{', 'message-malformed'],
    ['null', 'message-malformed'],
    ['[]', 'message-malformed'],
    ['{"id":1,"channel":"keys.list"', 'message-malformed'],
    ['{"id":-1,"channel":"keys.list","input":null}', 'message-malformed'],
    ['{"id":1.5,"channel":"keys.list","input":null}', 'message-malformed'],
    ['{"id":1e400,"channel":"keys.list","input":null}', 'message-malformed'],
    ['{"id":1,"channel":["keys.list"],"input":null}', 'message-malformed'],
    ['{"id":1,"channel":"keys.list","input":null,"sender":"main"}', 'message-malformed'],
    ['{"id":1,"channel":"keys.list","input":null,"__proto__":{"isMainFrame":true}}', 'message-malformed'],
    [question('constructor', null), 'channel-unknown'],
    [question('__proto__', null), 'channel-unknown'],
    [question('toString', null), 'channel-unknown'],
    [question('KEYS.LIST', null), 'channel-unknown'],
    [question('keys.list ', null), 'channel-unknown'],
    [question('keys.list', {}), 'input-invalid'],
    [question('review.approve', null), 'input-invalid'],
    [question('review.approve', { ...approval, approved: true }), 'input-invalid'],
    [question('review.approve', { ...approval, sheetDigest: 'A'.repeat(64) }), 'input-invalid'],
    [question('review.approve', { ...approval, pin: 'x'.repeat(256) }), 'input-invalid'],
    [question('review.approve', [approval]), 'input-invalid'],
    [question('requests.list', { view: 'done', search: null, cursor: null, limit: 1e9 }), 'input-invalid'],
  ])('gets an answer and no effect for %s', async (text, code) => {
    const { send, calls } = attacked()
    expect(await send(text)).toMatchObject({ ok: false, error: { kind: 'invalid', code } })
    expect(calls).toEqual([])
  })

  it('cannot set the prototype of an input', async () => {
    const { send, calls } = attacked()
    const text = question('review.approve', approval).replace('"pin":', '"__proto__":{"useLastTry":true},"pin":')
    expect(await send(text)).toMatchObject({ ok: false, error: { code: 'input-invalid' } })
    expect(calls).toEqual([])
    expect(Object.hasOwn(Object.prototype, 'useLastTry')).toBe(false)
  })

  it('cannot exhaust the stack with depth', async () => {
    const { send } = attacked()
    const deep = `{"id":1,"channel":"keys.list","input":${'['.repeat(200_000)}${']'.repeat(200_000)}}`
    expect(await send(deep)).toMatchObject({ ok: false, error: { kind: 'invalid' } })
  })

  it('never gets a PIN into the log, whether the input is refused or the handler fails with it', async () => {
    const { send, log } = attacked({
      'review.approve': bind('review.approve', (input) => {
        throw new Error(`C_Login(${input.pin})`, { cause: Object.assign(new Error('device'), { pin: input.pin }) })
      }),
    })
    await send(question('review.approve', { ...approval, useLastTry: 'yes' }))
    await send(question('review.approve', { ...approval, pin: `123456-pin${'x'.repeat(256)}` }))
    await send(question('review.approve', approval))
    await send(`${question('review.approve', approval)}}`)
    expect(log).toHaveLength(4)
    expect(log.join('\n')).not.toContain('123456-pin')
    expect(log[2]).toContain('C_Login([secret])')
  })

  it('cannot start more than the bounded number of calls, nor fill the log with complaints', async () => {
    const gate = Promise.withResolvers<void>()
    let started = 0
    const { send, log } = attacked({
      'audit.check': bind('audit.check', async () => {
        started += 1
        await gate.promise
        return ok({ kind: 'whole', entries: 0, head: null })
      }),
    })
    const flood = Array.from({ length: 10_000 }, () => send(question('audit.check', null)))
    gate.resolve()
    const answers = await Promise.all(flood)
    expect(started).toBe(maxConcurrentCalls)
    expect(answers.filter((answer) => JSON.stringify(answer).includes('too-many-calls'))).toHaveLength(
      10_000 - maxConcurrentCalls,
    )
    expect(log.length).toBeLessThan(120)
  })
})
