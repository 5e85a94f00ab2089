import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { yubikey } from '../usb/testing/sample-devices.ts'
import { compileFaultModule, type Fault, faultEnvironment } from './testing/fault-module.ts'
import { all, fail, newProcesses, onToken, sealedKey, signWithEach, tokenProcesses } from './testing/several-keys.ts'
import { softHsmModule } from './testing/soft-token.ts'
import { codeOf, openAll, referenceTo, requestFor, TokenBench } from './testing/token-bench.ts'
import type { KeyReference } from './token-service.ts'

const pins = { one: '271828', two: '314159' } as const

describe.skipIf(softHsmModule() === null)('several keys of one approval, of which one fails (needs SoftHSM)', () => {
  let bench: TokenBench
  let module = ''
  let calls = ''

  beforeAll(async () => {
    bench = await TokenBench.make([
      { label: 'one', pin: pins.one, keys: [{ algorithm: 'rsa-2048' }] },
      { label: 'two', pin: pins.two, keys: [{ algorithm: 'ec-p256' }] },
    ])
    module = compileFaultModule(bench.directory) ?? ''
    calls = join(bench.directory, 'calls')
  })
  afterAll(() => bench.dispose())
  afterEach(() => rmSync(calls, { force: true }))

  /** L C_Login, I C_SignInit, S C_Sign, of all tokens. */
  const asked = () => (existsSync(calls) ? readFileSync(calls, 'utf8') : '')
  const service = (fault: Fault = 'none', after = 0) =>
    bench.service({
      modules: [module],
      environment: faultEnvironment(fault, bench.soft.module, calls, after),
      deadlines: { sign: 10_000 },
    })
  const one = () => [bench.token(0), pins.one] as const
  const two = () => [bench.token(1), pins.two] as const
  const keysOf = (...places: readonly (readonly [token: number, key: number])[]) =>
    places.map(([token, key]) => referenceTo(bench.token(token), key))

  beforeEach((ctx) => {
    if (module === '') ctx.skip('there is no C compiler (apt-get install gcc)')
  })

  test.each<[Fault, string]>([
    ['abort', 'module-crashed'],
    ['removed', 'token-removed'],
    ['no-touch', 'pin-wanted'],
    ['garbage', 'signature-wrong'],
    ['swap', 'token-swapped'],
  ])('(%s, %s) the other is not asked any more, waiting or not, and says that it was not', async (fault, code) => {
    const keys = keysOf([0, 0], [1, 0])
    const before = tokenProcesses()
    const [a, b] = await all(openAll(service(fault), keys, [one(), two()]).opened)
    const [x, y] = keys.map(requestFor)
    // The second waits for its turn in the same process.
    const outcomes = await Promise.all([a?.sign(x ?? fail()), b?.signMany([y ?? fail(), y ?? fail()])])
    expect([codeOf(outcomes[0]), outcomes[1]?.map(codeOf)]).toEqual([code, ['session-ended']])
    expect(asked()).toBe('LLIS')
    expect([a?.isOver?.(), b?.isOver?.()]).toEqual([true, true])
    for (const session of [a, b]) expect(codeOf(await session?.sign(y ?? fail()))).toBe('session-ended')
    expect(asked()).toBe('LLIS')
    await expect.poll(() => newProcesses(before)).toEqual([])
  })

  test('what the other signed before is kept', async () => {
    const keys = keysOf([0, 0], [1, 0])
    const [a, b] = await all(openAll(service('abort', 2), keys, [one(), two()]).opened)
    const [x, y] = keys.map(requestFor)
    expect((await b?.signMany([y ?? fail(), y ?? fail()]))?.map(codeOf)).toEqual(['ok', 'ok'])
    expect(codeOf(await a?.sign(x ?? fail()))).toBe('module-crashed')
    expect(codeOf(await b?.sign(y ?? fail()))).toBe('session-ended')
  })

  test('a process that is killed while nobody asks leaves no doubt about any of its keys', async () => {
    const keys = keysOf([0, 0], [1, 0])
    const before = tokenProcesses()
    const sessions = await all(openAll(service(), keys, [one(), two()]).opened)
    for (const pid of newProcesses(before)) process.kill(pid, 'SIGKILL')
    await expect.poll(() => sessions.map((session) => session.isOver?.())).toEqual([true, true])
    const ended = await Promise.all(sessions.map((session, index) => session.sign(requestFor(keys[index] ?? fail()))))
    expect(ended).toMatchObject([
      { error: { code: 'session-ended', detail: 'module-crashed: SIGKILL' } },
      { error: { code: 'session-ended', detail: 'module-crashed: SIGKILL' } },
    ])
  })

  test('either of two devices that goes ends the sessions of both, and another device does not', async () => {
    const tokens = service('yubico')
    const keys = keysOf([0, 0], [1, 0]).map(asYubiKey)
    const [first, second] = [0, 1].map((index) => ({
      ...yubikey,
      plug: `1-${index}:1`,
      serial: bench.token(index).id.serial,
    }))
    if (first === undefined || second === undefined) throw new Error('two devices')
    const other = { ...yubikey, plug: '1-7:1', serial: 'ffff' }
    const typed = [one(), two()].map(([token, pin], index) => {
      const { home } = keys[index] ?? fail()
      return [{ ...token, id: home.kind === 'token' ? home.token : token.id }, pin] as const
    })
    for (const staying of [first, second]) {
      await tokens.devicesChanged([first, second, other])
      const sessions = await all(openAll(tokens, keys, typed).opened)
      await tokens.devicesChanged([first, second])
      expect(await signWithEach(sessions, keys, 1)).toEqual([['ok'], ['ok']])
      await tokens.devicesChanged([staying])
      expect(await signWithEach(sessions, keys, 1)).toEqual([['session-ended'], ['session-ended']])
    }
  })

  test('a token that is gone is told as removed by its own key, and the key of the other was not asked', async () => {
    const own = await TokenBench.make([
      { label: 'one', pin: pins.one, keys: [{ algorithm: 'ec-p256' }] },
      { label: 'two', pin: pins.two, keys: [{ algorithm: 'ec-p256' }] },
    ])
    try {
      const keys = [referenceTo(own.token(0), 0), referenceTo(own.token(1), 0)]
      const typed = [
        [own.token(0), pins.one],
        [own.token(1), pins.two],
      ] as const
      const [a, b] = await all(openAll(own.service(), keys, typed).opened)
      for (const name of readdirSync(own.soft.tokenFolder)) {
        const object = join(own.soft.tokenFolder, name)
        if (labelOf(object) === 'two') rmSync(object, { recursive: true })
      }
      expect(codeOf(await b?.sign(requestFor(keys[1] ?? fail())))).toBe('token-removed')
      expect(codeOf(await a?.sign(requestFor(keys[0] ?? fail())))).toBe('session-ended')
    } finally {
      await own.dispose()
    }
  })

  test('a key on a token and a software key are each in a process of their own, and do not end each other', async () => {
    const key = sealedKey(join(bench.directory, 'service-keys'))
    const keys = [key, ...keysOf([0, 0], [1, 0])]
    const before = tokenProcesses()
    const sessions = await all(openAll(service('abort', 2), keys, [one(), two()]).opened)
    const [soft, a, b] = sessions
    expect(newProcesses(before)).toHaveLength(2)
    expect(await signWithEach(sessions, keys, 1)).toEqual([['ok'], ['ok'], ['ok']])
    expect(codeOf(await a?.sign(requestFor(keys[1] ?? fail())))).toBe('module-crashed')
    expect(codeOf(await b?.sign(requestFor(keys[2] ?? fail())))).toBe('session-ended')
    expect(codeOf(await soft?.sign(requestFor(key)))).toBe('ok')
    await soft?.close()
    await expect.poll(() => newProcesses(before)).toEqual([])
  })
})

/** As the fault `yubico` shows it. */
function asYubiKey(key: KeyReference): KeyReference {
  return onToken(key, { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiKey YK5' })
}

/** Of a token's folder, as SoftHSM keeps it. */
function labelOf(folder: string): string {
  const text = readFileSync(join(folder, 'token.object'), 'latin1')
  return text.includes('two   ') ? 'two' : 'one'
}
