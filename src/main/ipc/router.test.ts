import { describe, expect, it } from 'vitest'
import { type Channel, contract } from '../../shared/contract.ts'
import { err, ok } from '../../shared/result.ts'
import { stationOrigin } from '../desktop/desktop.ts'
import { type Bindings, bind, createRouter, maxConcurrentCalls } from './router.ts'
import { allChannels } from './testing/all-channels.ts'

const window = { isStationWindow: true, isMainFrame: true, origin: stationOrigin }
const requestId = '0f8b4c52-6d3f-4a51-9c1e-0d6c1b6f2a11'

function routerWith(changed: Partial<Bindings>) {
  const lines: { event: string; fields: Readonly<Record<string, unknown>> }[] = []
  const router = createRouter({ ...allChannels(), ...changed }, (event, fields = {}) => lines.push({ event, fields }))
  async function ask(channel: string, input: unknown): Promise<unknown> {
    return JSON.parse(await router.onMessage(window, JSON.stringify({ id: 7, channel, input })))
  }
  return { router, lines, ask }
}

describe('the router', () => {
  it('hands the parsed input to the handler of its channel and gives the answer the id of the question', async () => {
    const seen: unknown[] = []
    const { ask } = routerWith({
      'review.decline': bind('review.decline', async (input) => {
        seen.push(input)
        return ok(null)
      }),
    })
    expect(await ask('review.decline', { requestId, reason: '  not built by us ' })).toEqual({
      id: 7,
      ok: true,
      value: null,
    })
    expect(seen).toEqual([{ requestId, reason: 'not built by us' }])
  })

  it('passes an expected failure on as it is', async () => {
    const failure = {
      kind: 'refused',
      code: 'sheet-changed',
      message: 'The sheet has changed. Nothing was signed; read it again.',
    } as const
    const { ask } = routerWith({ 'review.recheck': bind('review.recheck', () => err(failure)) })
    expect(await ask('review.recheck', { requestId })).toEqual({ id: 7, ok: false, error: failure })
  })

  it('answers every channel of the contract', async () => {
    const { ask } = routerWith({})
    // Object.keys of a literal type gives strings; each of them is a channel.
    for (const channel of Object.keys(contract) as Channel[]) {
      expect(await ask(channel, 'no such input')).toMatchObject({
        id: 7,
        ok: false,
        error: { code: 'input-invalid' },
      })
    }
  })

  it('reports an answer that breaks the contract as a defect and sends nothing of it', async () => {
    const { ask, lines } = routerWith({
      // `ok` widens its type, so the extra field compiles: the schema is what stops it.
      'outputs.save': bind('outputs.save', () => ok({ folder: '/secret', files: 1, proofs: 0, internal: 'x' })),
    })
    const answer = await ask('outputs.save', { requestId })
    expect(answer).toMatchObject({ ok: false, error: { kind: 'defect' } })
    expect(JSON.stringify(answer)).not.toContain('secret')
    expect(lines).toEqual([
      {
        event: 'router.answer-defective',
        fields: { channel: 'outputs.save', issues: [expect.stringContaining('unrecognized_keys')] },
      },
    ])
  })

  it('logs what a handler threw whole, causes too, and tells the window only that there was a defect', async () => {
    const { ask, lines } = routerWith({
      'keys.list': bind('keys.list', () => {
        throw new Error('outer 4711', { cause: new Error('inner 0815') })
      }),
    })
    const answer = await ask('keys.list', null)
    expect(answer).toMatchObject({ id: 7, ok: false, error: { kind: 'defect', code: 'defect' } })
    expect(JSON.stringify(answer)).not.toMatch(/4711|0815/)
    expect(String(lines[0]?.fields['error'])).toMatch(/outer 4711[\s\S]*router\.test\.ts[\s\S]*inner 0815/)
  })

  it('stops when the calls that run have ended, and refuses new ones meanwhile', async () => {
    const gate = Promise.withResolvers<void>()
    const { router, ask } = routerWith({
      'audit.check': bind('audit.check', () => gate.promise.then(() => ok({ kind: 'whole', entries: 0, head: null }))),
    })
    const running = ask('audit.check', null)
    let stopped = false
    const stop = router.stop().then(() => (stopped = true))
    expect(await ask('keys.list', null)).toMatchObject({ ok: false, error: { kind: 'unavailable', code: 'stopping' } })
    expect(stopped).toBe(false)
    gate.resolve()
    await stop
    expect(await running).toMatchObject({ ok: true })
  })

  it('takes a bounded number of calls at once and goes on when one of them has ended', async () => {
    const gate = Promise.withResolvers<void>()
    const { ask } = routerWith({
      'audit.check': bind('audit.check', () => gate.promise.then(() => ok({ kind: 'whole', entries: 0, head: null }))),
    })
    const held = Array.from({ length: maxConcurrentCalls }, () => ask('audit.check', null))
    expect(await ask('keys.list', null)).toMatchObject({
      ok: false,
      error: { kind: 'unavailable', code: 'too-many-calls' },
    })
    gate.resolve()
    await Promise.all(held)
    expect(await ask('keys.list', null)).toMatchObject({ ok: true })
  })

  it('does not compile with a channel missing, or bound under another name', () => {
    const bindings = allChannels()
    const { 'keys.list': keysList, ...rest } = bindings
    // @ts-expect-error keys.list is missing
    const missing: Bindings = rest
    // @ts-expect-error keys.list stands under the name of audit.check
    const swapped: Bindings = { ...bindings, 'audit.check': keysList }
    expect([missing, swapped]).toHaveLength(2)
  })
})
