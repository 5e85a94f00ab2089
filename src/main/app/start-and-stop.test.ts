import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { createLifecycle, stopOnSignals } from './lifecycle.ts'
import { programArguments } from './program-arguments.ts'
import { whyNotThisNode, whyNotThisUser } from './refusals.ts'

describe('a start', () => {
  it('is refused for root, real or effective, with a sentence that says how to run', () => {
    expect(whyNotThisUser(0, 0)).toContain('setpriv --reuid=')
    expect(whyNotThisUser(1000, 0)).not.toBeNull()
    expect(whyNotThisUser(0, 1000)).not.toBeNull()
    expect(whyNotThisUser(1000, 1000)).toBeNull()
  })

  it('is refused under a Node whose Node-API is too old or unknown', () => {
    expect(whyNotThisNode({ napi: '9', node: '20.19.2' })).toContain('Node 24')
    expect(whyNotThisNode({})).not.toBeNull()
    expect(whyNotThisNode(process.versions)).toBeNull()
  })

  it('finds its arguments in every runtime', () => {
    const node = { node: '24.21.0' }
    const electron = { ...node, electron: '45.3.4' }
    const given = ['--profile', '/p']
    expect(programArguments({ argv: ['node', 'out/main/index.js', ...given], versions: node })).toEqual(given)
    expect(programArguments({ argv: ['electron', '.', ...given], versions: electron, defaultApp: true })).toEqual(given)
    expect(programArguments({ argv: ['signing-station', ...given], versions: electron })).toEqual(given)
  })
})

describe('the end', () => {
  it('stops the last part first and waits for each before the next', async () => {
    const order: string[] = []
    const gate = Promise.withResolvers<void>()
    const lifecycle = createLifecycle(() => {})
    lifecycle.started('log', () => void order.push('log'))
    lifecycle.started('token', async () => {
      order.push('token waits')
      await gate.promise
      order.push('token')
    })
    lifecycle.started('window', () => void order.push('window'))
    const stopped = lifecycle.stop()
    const again = lifecycle.stop()
    await Promise.resolve()
    gate.resolve()
    await Promise.all([stopped, again])
    expect(order).toEqual(['window', 'token waits', 'token', 'log'])
  })

  it('is not kept back by a part that fails', async () => {
    const events: string[] = []
    const lifecycle = createLifecycle((event, fields) => events.push(`${event} ${String(fields?.['name'])}`))
    lifecycle.started('log', () => {})
    lifecycle.started('server', () => Promise.reject(new Error('no')))
    await lifecycle.stop()
    expect(events).toEqual(['lifecycle.stop-failed server', 'lifecycle.stopped log'])
  })

  it('begins once, whichever signal comes and however often', () => {
    const source = new EventEmitter()
    const stops: string[] = []
    stopOnSignals(source, (signal) => stops.push(signal))
    source.emit('SIGTERM', 'SIGTERM')
    source.emit('SIGINT', 'SIGINT')
    expect(stops).toEqual(['SIGTERM'])
  })
})
