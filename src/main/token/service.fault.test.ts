import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Deadlines } from './deadlines.ts'
import { compileFaultModule, type Fault, faultEnvironment } from './testing/fault-module.ts'
import { softHsmModule } from './testing/soft-token.ts'
import { codeOf, open, referenceTo, requestFor, requestsFor, TokenBench } from './testing/token-bench.ts'

const pin = '314159'

describe.skipIf(softHsmModule() === null)('a module that fails (needs SoftHSM: apt-get install softhsm2)', () => {
  let bench: TokenBench
  let module: string | null = null
  let calls = ''

  beforeAll(async () => {
    bench = await TokenBench.make([
      {
        label: 'one',
        pin,
        keys: [{ algorithm: 'rsa-2048' }, { algorithm: 'rsa-2048', ckaId: '0a', alwaysAuthenticate: true }],
      },
      { label: 'two', pin, keys: [{ algorithm: 'rsa-2048' }] },
    ])
    module = compileFaultModule(bench.directory)
    calls = join(bench.directory, 'calls')
  })
  afterAll(() => bench.dispose())
  afterEach(() => rmSync(calls, { force: true }))

  const noCompiler = 'there is no C compiler (apt-get install gcc)'
  const asked = () => (existsSync(calls) ? readFileSync(calls, 'utf8') : '')
  const service = (fault: Fault, after = 0, deadlines: Partial<Deadlines> = {}, touchAfterMs = 10_000) =>
    bench.service({
      modules: [module ?? ''],
      environment: faultEnvironment(fault, bench.soft.module, calls, after),
      deadlines,
      touchAfterMs,
    })
  const one = () => requestFor(referenceTo(bench.token(), 0))

  test.for<[string, Fault, Partial<Deadlines>, string, string]>([
    ['hangs', 'hang', { sign: 2000 }, 'module-timeout', 'no answer for 2000 ms in sign'],
    ['aborts', 'abort', {}, 'module-crashed', 'SIGABRT'],
    ['segfaults', 'segfault', {}, 'module-crashed', 'SIGSEGV'],
    ['exits', 'exit', {}, 'module-crashed', 'exit code 0'],
    ['gives a signature with one bit changed', 'garbage', {}, 'signature-wrong', ''],
    ['gives a signature that is one byte short', 'short', {}, 'signature-wrong', ''],
    ['signs on another device', 'swap', {}, 'token-swapped', ''],
    ['says that the token was removed', 'removed', {}, 'token-removed', 'CKR_DEVICE_REMOVED (0x32) at C_Sign'],
    ['was not touched in time', 'no-touch', {}, 'pin-wanted', 'CKR_USER_NOT_LOGGED_IN (0x101) at C_Sign'],
    ['has a full audit log', 'full', {}, 'token-error', 'CKR_DEVICE_MEMORY (0x31) at C_Sign'],
  ])(
    'that %s is told as such; what was signed before is kept, nothing is tried again',
    async ([, fault, deadlines, code, detail], ctx) => {
      if (module === null) return ctx.skip(noCompiler)
      const failing = service(fault, 2, deadlines)
      const session = await open(failing, referenceTo(bench.token(), 0), pin)
      const outcomes = session.ok ? await session.value.signMany(requestsFor(referenceTo(bench.token(), 0), 10)) : []
      expect(outcomes.slice(0, 3).map(codeOf)).toEqual(['ok', 'ok', code])
      expect(outcomes.length).toBe(3)
      const last = outcomes[2]
      expect(last?.ok === false ? (last.error.detail ?? '') : 'a signature').toBe(detail)
      // One PIN, and no signature after the failing one but those that were on their way when it was found to be wrong.
      expect(asked().replace(/\d+\n/, '')).toMatch(
        fault === 'garbage' || fault === 'short' || fault === 'swap' ? /^LISISIS(IS)*$/ : /^LISISIS$/,
      )
      expect(codeOf(session.ok ? await session.value.sign(one()) : undefined)).toBe('token-removed')

      // A new process, with the PIN asked again, works up to the same fault.
      const next = await open(failing, referenceTo(bench.token(), 0), pin)
      expect((next.ok ? await next.value.signMany([one(), one()]) : []).map(codeOf)).toEqual(['ok', 'ok'])
      if (next.ok) await next.value.close()
    },
  )

  test('that hangs while it is logged in to is ended, too', async (ctx) => {
    if (module === null) return ctx.skip(noCompiler)
    const session = await open(service('login-hangs', 0, { open: 2000 }), referenceTo(bench.token(), 0), pin)
    expect(session).toMatchObject({
      ok: false,
      error: { code: 'module-timeout', detail: 'no answer for 2000 ms in open' },
    })
    expect(asked()).toBe('L')
  })

  test('that crashed while it was looked at is started again only when someone asks for it', async (ctx) => {
    if (module === null) return ctx.skip(noCompiler)
    const failing = service('info-crash')
    const starts = () => bench.log.filter((line) => line.includes('token.host-started')).length
    const before = starts()
    const crashed = { tokens: [], modules: [{ path: module, problem: { code: 'module-crashed', detail: 'SIGABRT' } }] }
    expect(await failing.list({ refresh: false })).toMatchObject(crashed)
    expect(await failing.list({ refresh: false })).toMatchObject(crashed)
    expect(starts() - before).toBe(1)
    expect(await failing.list({ refresh: true })).toMatchObject(crashed)
    expect(starts() - before).toBe(2)
  })

  test('that cannot reach its readers is asked again, and what helps is said', async (ctx) => {
    if (module === null) return ctx.skip(noCompiler)
    const waiting = service('no-reader')
    const listed = await waiting.list({ refresh: false })
    expect(listed).toMatchObject({
      tokens: [],
      modules: [{ problem: { code: 'token-error', detail: 'CKR_DEVICE_ERROR (0x30) at C_GetSlotList' } }],
    })
    expect(listed.modules[0]?.problem?.message).toContain('pcscd')
    writeFileSync(calls, '')
    expect((await waiting.list({ refresh: false })).tokens.map(({ problem }) => problem)).toEqual([null, null])
  })

  test('a wrong PIN is sent to the token once', async (ctx) => {
    if (module === null) return ctx.skip(noCompiler)
    expect(codeOf(await open(service('none'), referenceTo(bench.token(), 0), '000000'))).toBe('pin-incorrect')
    expect(asked()).toBe('L')
  })

  test('the last try is not used unless a person said so, and then once', async (ctx) => {
    if (module === null) return ctx.skip(noCompiler)
    const careful = service('final-try')
    expect(codeOf(await open(careful, referenceTo(bench.token(), 0), pin))).toBe('pin-last-try')
    expect(asked()).toBe('')
    expect((await careful.list({ refresh: false })).tokens.map(({ token }) => token.pinState)).toEqual([
      'final-try',
      'final-try',
    ])
    expect(codeOf(await open(careful, referenceTo(bench.token(), 0), '000000', { useLastTry: true }))).toBe(
      'pin-incorrect',
    )
    expect(asked()).toBe('L')
  })

  test('a locked PIN is not tried at all', async (ctx) => {
    if (module === null) return ctx.skip(noCompiler)
    expect(codeOf(await open(service('locked'), referenceTo(bench.token(), 0), pin, { useLastTry: true }))).toBe(
      'pin-locked',
    )
    expect(asked()).toBe('')
  })

  test('two tokens that show the same identity are used neither', async (ctx) => {
    if (module === null) return ctx.skip(noCompiler)
    const twins = service('twins')
    const key = referenceTo(bench.token(), 0)
    const home =
      key.home.kind === 'token' ? { ...key.home, token: { ...key.home.token, serial: '0000000000000001' } } : key.home
    expect(codeOf(await open(twins, { ...key, home }, pin))).toBe('token-ambiguous')
    expect(asked()).toBe('')
    expect((await twins.list({ refresh: false })).tokens.map(({ problem }) => problem?.code)).toEqual([
      'token-ambiguous',
      'token-ambiguous',
    ])
  })

  test('one token that two modules show is not used', async (ctx) => {
    if (module === null) return ctx.skip(noCompiler)
    const both = bench.service({
      modules: [bench.soft.module, module],
      environment: faultEnvironment('none', bench.soft.module, calls),
    })
    expect(codeOf(await open(both, referenceTo(bench.token(), 0), pin))).toBe('token-ambiguous')
    expect(asked()).toBe('')
  })

  test('a token without a serial number is left out, and that is said', async (ctx) => {
    if (module === null) return ctx.skip(noCompiler)
    const listed = await service('no-serial').list({ refresh: false })
    expect(listed.tokens).toEqual([])
    expect(listed.modules).toMatchObject([
      { problem: { code: 'token-ambiguous', detail: '2 tokens without serial number are left out' } },
    ])
  })

  test('the operator is asked to touch when the token is silent', async (ctx) => {
    if (module === null) return ctx.skip(noCompiler)
    const signals: string[] = []
    const session = await open(service('delay', 0, {}, 50), referenceTo(bench.token(), 0), pin, {
      onSignal: (signal) => signals.push(signal),
    })
    expect(codeOf(session.ok ? await session.value.sign(one()) : undefined)).toBe('ok')
    expect(signals).toEqual(['login', 'touch'])
    if (session.ok) await session.value.close()
  })

  test('a key that wants the PIN each time gets it each time, between C_SignInit and C_Sign', async (ctx) => {
    if (module === null) return ctx.skip(noCompiler)
    const key = referenceTo(bench.token(), 1)
    const session = await open(service('none'), key, pin)
    expect((session.ok ? await session.value.signMany(requestsFor(key, 3)) : []).map(codeOf)).toEqual([
      'ok',
      'ok',
      'ok',
    ])
    if (session.ok) await session.value.close()
    expect(asked()).toBe('LILSILSILS')
  })

  test('no token process outlives main, even while the module hangs', async (ctx) => {
    if (module === null) return ctx.skip(noCompiler)
    const environment = {
      SOFTHSM2_CONF: bench.soft.configuration,
      ...faultEnvironment('hang', bench.soft.module, calls),
    }
    const script = fileURLToPath(new URL('./testing/hang-main.ts', import.meta.url))
    const main = spawn(process.execPath, [script], { stdio: ['pipe', 'ignore', 'inherit'], env: {} })
    main.stdin.end(JSON.stringify({ module, environment, key: referenceTo(bench.token(), 0), pin }))
    const host = await vi.waitFor(() => {
      const process = /(\d+)\n/.exec(asked())
      if (process === null) throw new Error('the module does not hang yet')
      return Number(process[1])
    }, 10_000)
    expect(existsSync(`/proc/${host}`)).toBe(true)
    main.kill('SIGKILL')
    await vi.waitFor(() => expect(existsSync(`/proc/${host}`)).toBe(false), 10_000)
  })
})
