import { describe, expect, it } from 'vitest'
import { contract } from '../shared/contract.ts'
import { events } from '../shared/events.ts'
import { makeStationApi } from './api.ts'

function connected(answer: (text: string) => string) {
  const sent: unknown[] = []
  let tell: (text: string) => void = () => {}
  const api = makeStationApi({
    invoke: async (text) => {
      sent.push(JSON.parse(text))
      return answer(text)
    },
    onEvent: (listener) => (tell = listener),
    pathOf: (file) => (file.name.startsWith('real') ? `/home/${file.name}` : ''),
  })
  return { api, sent, tell: (event: object) => tell(JSON.stringify(event)) }
}

const done = (text: string): string => JSON.stringify({ id: JSON.parse(text).id, ok: true, value: null })

describe('window.station', () => {
  it('asks on exactly the channels of the contract, one for each function', async () => {
    const { api, sent } = connected(done)
    expect(Object.isFrozen(api)).toBe(true)
    for (const [name, call] of Object.entries(api))
      if (name !== 'onEvent' && name !== 'pathsOf') await Reflect.apply(call, undefined, [null])
    const channels = sent.map((message) => Reflect.get(Object(message), 'channel'))
    expect(new Set(channels)).toEqual(new Set(Object.keys(contract)))
    expect(channels).toHaveLength(Object.keys(contract).length)
  })

  it('sends null where nothing is asked, and numbers its questions', async () => {
    const { api, sent } = connected(done)
    await api.keysList()
    await api.dutySet({ onDuty: true })
    expect(sent).toEqual([
      { id: 1, channel: 'keys.list', input: null },
      { id: 2, channel: 'duty.set', input: { onDuty: true } },
    ])
  })

  it('turns a lost, malformed or foreign answer into a failure that does not claim that nothing was done', async () => {
    for (const answer of [
      () => 'nonsense',
      () => '{"id":77,"ok":true,"value":[]}',
      () => {
        throw new Error('gone')
      },
    ]) {
      const { api } = connected(answer)
      expect(await api.keysList()).toMatchObject({ ok: false, error: { kind: 'defect', code: 'no-answer' } })
    }
  })

  it('tells each listener its events until it leaves', async () => {
    const { api, tell } = connected(done)
    const heard: unknown[] = []
    const leave = api.onEvent('audit.changed', (payload) => heard.push(payload))
    tell({ event: 'audit.changed', payload: { entries: 1 } })
    tell({ event: 'keys.changed', payload: null })
    await Promise.resolve()
    leave()
    tell({ event: 'audit.changed', payload: { entries: 2 } })
    await Promise.resolve()
    expect(heard).toEqual([{ entries: 1 }])
  })

  it('gives the paths of files of this machine, and none for what a script made', async () => {
    const { api, sent } = connected(done)
    const files = ['real-1', 'made up', 'real-2'].map((name) => new File([], name))
    expect(await api.pathsOf(files)).toEqual(['/home/real-1', '/home/real-2'])
    expect(sent).toEqual([])
  })

  it('knows the events of the shared list and no other', () => {
    const { api } = connected(done)
    const subscribe = (name: string): unknown => Reflect.apply(api.onEvent, undefined, [name, () => {}])
    for (const name of Object.keys(events)) expect(() => subscribe(name)).not.toThrow()
    for (const name of ['toString', '__proto__', 'station:event', '']) expect(() => subscribe(name)).toThrow(TypeError)
  })
})
