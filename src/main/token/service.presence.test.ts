import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { makeSoftToken, softHsmModule } from './testing/soft-token.ts'
import { codeOf, open, referenceTo, requestFor, TokenBench } from './testing/token-bench.ts'

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
})
