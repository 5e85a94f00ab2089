import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { openCdpPipe } from './cdp-pipe.ts'

function pair() {
  const toBrowser = new PassThrough()
  const fromBrowser = new PassThrough()
  const pipe = openCdpPipe(toBrowser, fromBrowser)
  const says = (...messages: object[]): void =>
    void fromBrowser.write(messages.map((message) => `${JSON.stringify(message)}\0`).join(''))
  return { pipe, says, toBrowser, fromBrowser }
}

describe('the pipe to the browser', () => {
  it('ends each message with a NUL and gives each call its own answer', async () => {
    const { pipe, says, toBrowser } = pair()
    const first = pipe.call('A', { x: 1 }, 's')
    const second = pipe.call('B')
    const wrong = pipe.call('C')
    expect(String(toBrowser.read())).toBe(
      '{"id":1,"method":"A","params":{"x":1},"sessionId":"s"}\0{"id":2,"method":"B","params":{}}\0{"id":3,"method":"C","params":{}}\0',
    )
    says({ id: 2, result: { b: 2 } }, { id: 3, error: { code: -32000, message: 'no' } }, { id: 1, result: { a: 1 } })
    expect(await Promise.all([first, second])).toEqual([{ a: 1 }, { b: 2 }])
    await expect(wrong).rejects.toMatchObject({ code: -32000, method: 'C' })
  })

  it('reads messages however they are cut, also inside a character', async () => {
    const { pipe, fromBrowser } = pair()
    const seen: unknown[] = []
    pipe.onEvent((event) => seen.push(event))
    const bytes = Buffer.from(`${JSON.stringify({ method: 'E', params: { text: 'Schlüssel 鍵' } })}\0`.repeat(2))
    for (const byte of bytes) fromBrowser.write(Buffer.of(byte))
    await new Promise(setImmediate)
    expect(seen).toEqual(
      Array.from({ length: 2 }, () => ({ method: 'E', params: { text: 'Schlüssel 鍵' }, sessionId: null })),
    )
  })

  it('tells a posted answer in its place among the events', async () => {
    const { pipe, says } = pair()
    const order: string[] = []
    pipe.onEvent(({ method }) => order.push(method))
    pipe.post('P', {}, null, () => order.push('answer'))
    says({ method: 'before' }, { id: 1, result: {} }, { method: 'after' })
    await new Promise(setImmediate)
    expect(order).toEqual(['before', 'answer', 'after'])
  })

  it('rejects what waits and what comes later when the browser is gone', async () => {
    const { pipe, fromBrowser } = pair()
    const waiting = pipe.call('A')
    fromBrowser.end()
    await expect(waiting).rejects.toMatchObject({ code: 0 })
    await pipe.closed
    await expect(pipe.call('B')).rejects.toMatchObject({ code: 0 })
  })
})
