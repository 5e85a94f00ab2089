import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { sha256Hex } from '../../shared/ids.ts'
import { compileFaultModule, type Fault, faultEnvironment } from './testing/fault-module.ts'
import {
  all,
  fail,
  isWiped,
  newProcesses,
  onToken,
  refusal,
  sealedKey,
  signWithEach,
  tokenProcesses,
  withId,
} from './testing/several-keys.ts'
import { softHsmModule } from './testing/soft-token.ts'
import { codeOf, open, openAll, referenceTo, requestFor, requestsFor, TokenBench } from './testing/token-bench.ts'
import type { KeyReference } from './token-service.ts'

const pins = { one: '271828', two: '314159' } as const

describe.skipIf(softHsmModule() === null)('several keys for one approval (needs SoftHSM)', () => {
  let bench: TokenBench
  let module = ''
  let calls = ''

  beforeAll(async () => {
    bench = await TokenBench.make([
      {
        label: 'one',
        pin: pins.one,
        keys: [
          { algorithm: 'rsa-2048' },
          { algorithm: 'ec-p256' },
          { algorithm: 'rsa-2048', ckaId: '0a', alwaysAuthenticate: true },
        ],
      },
      { label: 'two', pin: pins.two, keys: [{ algorithm: 'ec-p256' }, { algorithm: 'rsa-2048' }] },
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

  test('two keys of one token share one login, one process and one PIN, and sign in turn', async () => {
    const tokens = service()
    const signals: string[] = []
    const keys = keysOf([0, 0], [0, 1])
    const before = tokenProcesses()
    const { opened } = openAll(tokens, keys, [one()], { onSignal: (signal) => signals.push(signal) })
    const sessions = await all(opened)
    expect([asked(), signals]).toEqual(['L', ['login']])
    expect(newProcesses(before)).toHaveLength(1)
    const requests = keys.map(requestFor)
    for (const round of [0, 1]) {
      const signed = await Promise.all(sessions.map((session, index) => session.sign(requests[index] ?? fail())))
      expect([round, ...signed.map(codeOf)]).toEqual([round, 'ok', 'ok'])
    }
    expect(asked()).toBe('LISISISIS')
    await Promise.all(sessions.map((session) => session.close()))
    await expect.poll(() => newProcesses(before)).toEqual([])
    // The token is free again.
    expect(codeOf(await open(tokens, keys[0] ?? fail(), pins.one))).toBe('ok')
  })

  test('a key that wants its PIN each time gets it, also beside one that has logged in', async () => {
    const keys = keysOf([0, 0], [0, 2])
    const sessions = await all(openAll(service(), keys, [one()]).opened)
    const outcomes = await signWithEach(sessions, keys, 2)
    expect(outcomes).toEqual([
      ['ok', 'ok'],
      ['ok', 'ok'],
    ])
    expect(asked()).toBe('LISISILSILS')
  })

  test('three keys on two tokens of one module are in one process, each token with its own PIN, tried once', async () => {
    const keys = keysOf([1, 0], [0, 0], [1, 1])
    const before = tokenProcesses()
    const sessions = await all(openAll(service(), keys, [one(), two()]).opened)
    expect([asked(), newProcesses(before).length]).toEqual(['LL', 1])
    expect(await signWithEach(sessions, keys, 2)).toEqual([
      ['ok', 'ok'],
      ['ok', 'ok'],
      ['ok', 'ok'],
    ])
    await Promise.all(sessions.map((session) => session.close()))
    await expect.poll(() => newProcesses(before)).toEqual([])
  })

  test('a single key costs as many calls as before, and each further key of its token no login', async () => {
    const tokens = service()
    const openCalls = () =>
      bench.log
        .map((line): { op?: string; calls?: number } => JSON.parse(line))
        .filter(({ op }) => op === 'open' || op === 'check-token')
        .map(({ op, calls: count }) => `${op} ${count}`)
    const from = openCalls().length
    const [key, other] = keysOf([0, 0], [0, 0])
    const single = await open(tokens, key ?? fail(), pins.one)
    if (single.ok) await single.value.close()
    const alone = openCalls().slice(from)
    expect(alone).toHaveLength(1)
    const both = await all(openAll(tokens, [key ?? fail(), other ?? fail()], [one()]).opened)
    const [, , first = '', second = ''] = openCalls().slice(from + 1)
    const number = (text: string) => Number(text.replace('open ', ''))
    expect([first, number(first) - number(second)]).toEqual([alone[0], 1])
    for (const session of both) await session.close()
  })

  describe('that cannot all be opened', () => {
    test.each<[string, Fault, () => Parameters<typeof openAll>[2], string]>([
      ['of which the second token is absent', 'none', () => [one(), two()], 'token-absent'],
      ['of which the second token is locked', 'two-locked', () => [one(), two()], 'pin-locked'],
      ['of which the second token has its last try', 'two-final-try', () => [one(), two()], 'pin-last-try'],
      ['of which the second PIN is too short', 'none', () => [one(), [bench.token(1), '1']], 'pin-length'],
      ['of which the second PIN is missing', 'none', () => [one()], 'pin-wanted'],
      [
        'of which the last try was agreed to at the first',
        'two-final-try',
        () => [[...one(), 'use-last-try'], two()],
        'pin-last-try',
      ],
    ])('%s are opened neither, and no PIN is tried at any token', async (name, fault, typed, code) => {
      const [first, second] = keysOf([0, 0], [1, 0])
      const keys = [first ?? fail(), name.includes('absent') ? absent(second ?? fail()) : (second ?? fail())]
      const { opened, pins: secrets } = openAll(service(fault), keys, typed())
      expect(await refusal(opened)).toEqual([code, 1])
      expect(asked()).toBe('')
      expect(secrets.map(isWiped)).toEqual(secrets.map(() => true))
    })

    test('the last try of one token is used when it was agreed to for that token', async () => {
      const typed = [one(), [...two(), 'use-last-try'] as const]
      const sessions = await all(openAll(service('two-final-try'), keysOf([0, 0], [1, 0]), typed).opened)
      expect([sessions.length, asked()]).toEqual([2, 'LL'])
    })

    test.each<[string, readonly [number, number][], string, string, string]>([
      [
        'a wrong PIN of the second token',
        [
          [0, 0],
          [1, 0],
        ],
        pins.one,
        '000000',
        'LL',
      ],
      [
        'a wrong PIN of the first token',
        [
          [1, 0],
          [0, 0],
        ],
        pins.one,
        '000000',
        'L',
      ],
    ])('%s is tried once; nothing stays open, and the process is gone', async (_, places, first, second, letters) => {
      const tokens = service()
      const keys = keysOf(...places)
      const before = tokenProcesses()
      const { opened, pins: secrets } = openAll(tokens, keys, [
        [bench.token(0), first],
        [bench.token(1), second],
      ])
      expect(await refusal(opened)).toEqual(['pin-incorrect', letters.length - 1])
      expect(asked()).toBe(letters)
      expect(secrets.map(isWiped)).toEqual([true, true])
      await expect.poll(() => newProcesses(before)).toEqual([])
      expect(await signWithEach(await all(openAll(tokens, keys, [one(), two()]).opened), keys, 1)).toEqual([
        ['ok'],
        ['ok'],
      ])
    })

    test.each<[string, (keys: readonly KeyReference[]) => readonly KeyReference[], string]>([
      [
        'another key under the id of the second',
        ([a, b]) => [a ?? fail(), { ...(b ?? fail()), spkiSha256: sha256Hex.parse('0'.repeat(64)) }],
        'key-mismatch',
      ],
      ['no key under the id of the second', ([a, b]) => [a ?? fail(), withId(b ?? fail(), '77')], 'key-absent'],
    ])('%s closes the first', async (_, change, code) => {
      const before = tokenProcesses()
      const { opened, pins: secrets } = openAll(service(), change(keysOf([0, 0], [0, 1])), [one()])
      expect(await refusal(opened)).toEqual([code, 1])
      expect(secrets.map(isWiped)).toEqual([true])
      await expect.poll(() => newProcesses(before)).toEqual([])
    })

    test('stopping while the second token is logged in to ends the process of both', async () => {
      const stop = new AbortController()
      const before = tokenProcesses()
      const logins: string[] = []
      const { opened, pins: secrets } = openAll(service('second-login-hangs'), keysOf([0, 0], [1, 0]), [one(), two()], {
        signal: stop.signal,
        onSignal: (signal) => {
          logins.push(signal)
          if (logins.length === 2) stop.abort()
        },
      })
      expect(await refusal(opened)).toEqual(['cancelled', 1])
      expect(secrets.map(isWiped)).toEqual([true, true])
      await expect.poll(() => newProcesses(before)).toEqual([])
    })

    test('a sealed key without its record refuses before a PIN is sent', async () => {
      const [key = fail()] = keysOf([0, 0])
      const { opened, pins: secrets } = openAll(service(), [key, { ...key, home: { kind: 'software' } }], [one()])
      expect(await refusal(opened)).toEqual(['key-absent', 1])
      expect([asked(), ...secrets.map(isWiped)]).toEqual(['', true])
    })

    test('stopped before it began asks nothing and wipes every PIN, also one that is for no key', async () => {
      const { opened, pins: secrets } = openAll(service(), keysOf([0, 0], [0, 1]), [one(), two()], {
        signal: AbortSignal.abort(),
      })
      expect(await refusal(opened)).toEqual(['cancelled', 0])
      expect([asked(), ...secrets.map(isWiped)]).toEqual(['', true, true])
    })

    test('of two approvals at the same moment one gets all its keys, the other none', async () => {
      const tokens = service()
      const results = await Promise.all([
        openAll(tokens, keysOf([0, 0], [1, 0]), [one(), two()]).opened,
        openAll(tokens, keysOf([1, 1], [0, 1]), [one(), two()]).opened,
      ])
      expect(results.map(codeOf).sort()).toEqual(['ok', 'token-error'])
      expect(asked()).toBe('LL')
    })
  })

  test('one that is closed signs nothing more, the others go on, and the process ends with the last', async () => {
    const keys = keysOf([0, 0], [0, 1])
    const before = tokenProcesses()
    const [a, b] = await all(openAll(service(), keys, [one()]).opened)
    await a?.close()
    expect(codeOf(await a?.sign(requestFor(keys[0] ?? fail())))).toBe('cancelled')
    expect(codeOf(await b?.sign(requestFor(keys[1] ?? fail())))).toBe('ok')
    expect([newProcesses(before).length, b?.isOver?.()]).toEqual([1, false])
    await b?.close()
    await expect.poll(() => newProcesses(before)).toEqual([])
    expect(asked()).toBe('LIS')
  })

  test('a stop reaches every key between two signatures', async () => {
    const stop = new AbortController()
    const keys = keysOf([0, 0], [1, 0])
    const [a, b] = await all(openAll(service(), keys, [one(), two()], { signal: stop.signal }).opened)
    const [first, second] = await Promise.all([
      a?.signMany(requestsFor(keys[0] ?? fail(), 200), (index) => {
        if (index === 1) stop.abort()
      }),
      b?.signMany(requestsFor(keys[1] ?? fail(), 3)),
    ])
    expect(first?.at(-1)).toMatchObject({ error: { code: 'cancelled' } })
    expect(second?.map(codeOf)).toEqual(['cancelled'])
    await Promise.all([a?.close(), b?.close()])
  })

  test('a software key that cannot be opened closes the token that was opened before it', async () => {
    const tokens = service()
    const before = tokenProcesses()
    const foreign = sealedKey(join(bench.directory, 'other-service-keys'))
    const { opened } = openAll(tokens, [...keysOf([0, 0]), foreign], [one()])
    const result = await opened
    expect(result).toMatchObject({ ok: false, error: { code: 'service-key-absent', position: 1 } })
    await expect.poll(() => newProcesses(before)).toEqual([])
  })
})

function absent(key: KeyReference): KeyReference {
  return onToken(key, { serial: 'ffffffffffffffff' })
}
