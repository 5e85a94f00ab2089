import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { yubihsm, yubikey } from '../usb/testing/sample-devices.ts'
import { compileFaultModule, faultEnvironment } from './testing/fault-module.ts'
import { makeSoftToken, softHsmModule } from './testing/soft-token.ts'
import { codeOf, open, referenceTo, requestFor, requestsFor, TokenBench } from './testing/token-bench.ts'

const pin = '271828'
const absent = softHsmModule() === null

describe.skipIf(absent)('a token that comes and goes (needs SoftHSM)', () => {
  test('a token that is removed under an open session is reported as removed', async () => {
    const bench = await TokenBench.make([{ label: 'short', pin, keys: [{ algorithm: 'rsa-2048' }] }])
    try {
      const service = bench.service()
      const key = referenceTo(bench.token(), 0)
      const session = await open(service, key, pin)
      for (const name of readdirSync(bench.soft.tokenFolder))
        rmSync(join(bench.soft.tokenFolder, name), { recursive: true })
      expect(codeOf(session.ok ? await session.value.sign(requestFor(key)) : session)).toBe('token-removed')
      expect(codeOf(await open(service, key, pin))).toBe('token-absent')
    } finally {
      await bench.dispose()
    }
  })

  test('a token that was made after the process was started is found', async () => {
    const bench = await TokenBench.make([{ label: 'first', pin, keys: [] }])
    try {
      const service = bench.service()
      expect((await service.list({ refresh: false })).tokens.map(({ token }) => token.label)).toEqual(['first'])
      const more = await makeSoftToken({
        directory: bench.directory,
        tokens: [{ label: 'second', pin, keys: [{ algorithm: 'ec-p256' }] }],
      })
      const [token] = more.tokens
      expect(codeOf(token === undefined ? undefined : await open(service, referenceTo(token, 0), pin))).toBe('ok')
    } finally {
      await bench.dispose()
    }
  })

  test('a change on USB ends idle token processes, so that the next look finds what came', async () => {
    const bench = await TokenBench.make([{ label: 'first', pin, keys: [] }])
    try {
      const service = bench.service()
      const labels = async () => (await service.list({ refresh: false })).tokens.map(({ token }) => token.label)
      expect(await labels()).toEqual(['first'])
      await makeSoftToken({ directory: bench.directory, tokens: [{ label: 'second', pin, keys: [] }] })
      expect(await labels()).toEqual(['first'])
      await service.devicesChanged([yubikey])
      expect((await labels()).sort()).toEqual(['first', 'second'])
    } finally {
      await bench.dispose()
    }
  })

  test('a session lives through what other devices do, and ends when its own is unplugged', async (ctx) => {
    const bench = await TokenBench.make([{ label: 'own', pin, keys: [{ algorithm: 'rsa-2048' }] }])
    try {
      const module = compileFaultModule(bench.directory)
      if (module === null) return ctx.skip('there is no C compiler (apt-get install gcc)')
      const environment = faultEnvironment('yubico', bench.soft.module, join(bench.directory, 'calls'), 3)
      const service = bench.service({ modules: [module], environment })
      await service.devicesChanged([yubikey, yubihsm])
      const reference = referenceTo(bench.token(), 0)
      const key = {
        ...reference,
        home: {
          kind: 'token' as const,
          ckaId: '01',
          pkcs11Uri: '',
          token: { ...bench.token().id, manufacturer: 'Yubico (www.yubico.com)', model: 'YubiKey YK5' },
        },
      }
      const session = await open(service, key, pin)
      expect(codeOf(session)).toBe('ok')
      if (!session.ok) return undefined
      expect(codeOf(await session.value.sign(requestFor(key)))).toBe('ok')
      await service.devicesChanged([yubikey])
      await service.devicesChanged([yubikey, yubihsm, { ...yubikey, plug: '1-7:1.11' }])
      expect(codeOf(await session.value.sign(requestFor(key)))).toBe('ok')
      // Taken out in the middle of the third signature after the first two.
      const outcomes = await session.value.signMany(requestsFor(key, 5), (index) => {
        if (index === 0) void service.devicesChanged([yubihsm])
      })
      expect(outcomes.map(codeOf)).toEqual(['ok', 'token-removed'])
      expect(codeOf(await session.value.sign(requestFor(key)))).toBe('token-removed')
      return undefined
    } finally {
      await bench.dispose()
    }
  })
})
