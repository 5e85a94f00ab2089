import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { defaultPolicies } from '../../shared/key-place.ts'
import { Secret } from '../../shared/secret.ts'
import type { Deadlines } from './deadlines.ts'
import { compileFaultModule, type Fault, faultEnvironment } from './testing/fault-module.ts'
import { softHsmModule } from './testing/soft-token.ts'
import { TokenBench } from './testing/token-bench.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

// Whoever controls the module or the token controls every answer. What must not happen: a key is called made that is not the one
// that was asked for, or that can leave the token; "no key was made" is said where one may be; a secret comes back.

const pin = 'PIN-marker-7c1f90'
const wrongPin = 'PIN-marker-wrong7'
const marker = 'PIN-marker'

describe.skipIf(softHsmModule() === null)('a token that makes keys (needs SoftHSM: apt-get install softhsm2)', () => {
  let bench: TokenBench
  let folder = ''
  let module: string | null = null
  let id = 0x100
  beforeAll(async () => {
    bench = await TokenBench.make([{ label: 'hostile', pin, keys: [] }])
    folder = mkdtempSync(join(bench.directory, 'fault-'))
    module = compileFaultModule(folder)
  })
  afterAll(async () => {
    await bench.dispose()
    rmSync(folder, { recursive: true, force: true })
  })
  afterEach(() => {
    id += 1
  })

  const calls = () => join(folder, 'calls')
  const noCompiler = 'there is no C compiler (apt-get install gcc)'
  const wanted = () => ({
    token: bench.token().id,
    ckaId: id.toString(16).padStart(4, '0'),
    label: 'hostile',
    algorithm: 'rsa-2048' as const,
    policies: defaultPolicies,
  })
  const login = (secret = Secret.fromText(pin)) => ({
    user: 'user' as const,
    secret,
    useLastTry: false,
    onSignal: () => {},
  })
  function service(fault: Fault, deadlines: Partial<Deadlines> = {}) {
    writeFileSync(calls(), '')
    return bench.service({
      modules: [module ?? ''],
      environment: faultEnvironment(fault, bench.soft.module, calls()),
      deadlines,
    })
  }

  test.for<[string, Fault, Partial<Deadlines>, string, boolean]>([
    ['hangs with the key made', 'generate-hangs', { generateOnToken: 4000 }, 'module-timeout', true],
    ['dies with the key made', 'generate-aborts', {}, 'module-crashed', true],
    ['says that it was removed', 'generate-removed', {}, 'generation-unclear', true],
    ['says that it made one and did not', 'generate-lies', {}, 'generation-unclear', true],
    ['shows another public key each time', 'generate-other-key', {}, 'generation-unclear', true],
    ['admits that the key is not sensitive', 'generate-unprotected', {}, 'key-unprotected', true],
    ['admits that the key can be taken out', 'generate-extractable', {}, 'key-unprotected', true],
    ['refuses before it begins', 'generate-refuses', {}, 'generation-refused', false],
  ])('that %s is told as such', async ([, fault, deadlines, code, keyMayExist], ctx) => {
    if (module === null) return ctx.skip(noCompiler)
    const secret = Secret.fromText(pin)
    const made = await service(fault, deadlines).generateKey(wanted(), login(secret))
    expect(made).toMatchObject({ ok: false, error: { code, keyMayExist } })
    // Asked once, whatever came of it.
    expect(readFileSync(calls(), 'utf8')).toBe('LG')
    expect(Buffer.from(secret.reveal()).every((byte) => byte === 0)).toBe(true)
  })

  test('that hangs at the login was asked for no key', async (ctx) => {
    if (module === null) return ctx.skip(noCompiler)
    const made = await service('login-hangs', { generateOnToken: 4000 }).generateKey(wanted(), login())
    expect(made).toMatchObject({ ok: false, error: { code: 'module-timeout', keyMayExist: false } })
    expect(readFileSync(calls(), 'utf8')).toBe('L')
  })

  test('whose PIN has one try left is not tried unless a person says so', async (ctx) => {
    if (module === null) return ctx.skip(noCompiler)
    const careful = service('final-try')
    expect(await careful.generateKey(wanted(), login())).toMatchObject({
      ok: false,
      error: { code: 'pin-last-try', keyMayExist: false },
    })
    expect(readFileSync(calls(), 'utf8')).toBe('')
    const agreed = { ...login(), useLastTry: true }
    expect((await careful.generateKey(wanted(), agreed)).ok).toBe(true)
  })

  test('gets its PIN through the pipe alone: it is in no message, result, log line, argument or environment', async () => {
    const real = bench.service()
    const results: unknown[] = []
    for (const typed of [wrongPin, marker.repeat(30), pin]) {
      const secret = Secret.fromText(typed)
      results.push(await real.generateKey(wanted(), login(secret)))
      expect(Buffer.from(secret.reveal()).every((byte) => byte === 0)).toBe(true)
    }
    const told = `${bench.log.join('')}${JSON.stringify(results)}${inspect(results, { depth: 12, showHidden: true })}`
    expect(told).toContain('pin-incorrect')
    expect(told).toContain('generate')
    expect(told).not.toContain(marker)
    expect(told).not.toContain(Buffer.from(marker).toString('base64').slice(0, 12))
    expect(told).not.toContain(Buffer.from(marker).toString('hex'))
  })
})
