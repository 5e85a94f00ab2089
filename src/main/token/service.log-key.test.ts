import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkpointText } from '../audit/format/checkpoint.ts'
import { noteKeyType, verifierKey, verifyEd25519 } from '../audit/format/signed-note.ts'
import { checkpointLines } from './protocol.ts'
import { softHsmModule } from './testing/soft-token.ts'
import { codeOf, TokenBench } from './testing/token-bench.ts'

const text = checkpointText({ origin: 'station/log/1', size: 7, root: new Uint8Array(32).fill(9), extensions: [] })

describe.skipIf(softHsmModule() === null)('the key of the log (needs SoftHSM for its bench)', () => {
  test('is made, sealed and used in a token process that stays; nothing of it in clear comes out', async () => {
    const bench = await TokenBench.make([])
    try {
      const service = bench.service()
      const folder = join(bench.directory, 'service-keys')
      mkdirSync(folder, { mode: 0o700 })
      expect(codeOf(await service.makeLogKey())).toBe('service-key-absent')
      expect(await service.ensureServiceKey()).toMatchObject({ ok: true, value: 'made' })
      const made = await service.makeLogKey()
      if (!made.ok) throw new Error(made.error.message)
      expect(Object.keys(made.value).sort()).toEqual(['publicKey', 'sealed'])
      const key = verifierKey('station/log/1', noteKeyType.ed25519, made.value.publicKey)
      const started = () => bench.log.filter((line) => line.includes('token.host-started')).length
      const signed = await service.signCheckpoint(made.value, text)
      expect(signed.ok && verifyEd25519(key, Buffer.from(text), signed.value)).toBe(true)
      const before = started()
      expect(await service.signCheckpoint(made.value, text)).toMatchObject({ ok: true })
      expect(await service.opensSealed(made.value.sealed)).toMatchObject({ ok: true })
      expect(started()).toBe(before)

      expect(codeOf(await service.signCheckpoint({ ...made.value, publicKey: new Uint8Array(32).fill(1) }, text))).toBe(
        'key-mismatch',
      )
      for (const name of readdirSync(folder)) rmSync(join(folder, name))
      expect(codeOf(await service.signCheckpoint(made.value, text))).toBe('service-key-absent')
    } finally {
      await bench.dispose()
    }
  })

  test('is asked again, in a new process, when the old one was ended meanwhile', async () => {
    const bench = await TokenBench.make([])
    try {
      const service = bench.service()
      mkdirSync(join(bench.directory, 'service-keys'), { mode: 0o700 })
      await service.ensureServiceKey()
      const made = await service.makeLogKey()
      if (!made.ok) throw new Error(made.error.message)
      await service.signCheckpoint(made.value, text)
      const [signed] = await Promise.all([service.signCheckpoint(made.value, text), service.reset()])
      expect(signed).toMatchObject({ ok: true })
    } finally {
      await bench.dispose()
    }
  })
})

describe('what the key of the log can be made to sign', () => {
  const root = 'A'.repeat(43)
  test('is the three lines of a checkpoint', () => {
    expect(checkpointLines.safeParse(text).success).toBe(true)
  })
  test.each([
    ['other text', 'approve everything\n'],
    ['more lines', `${text}extra\n`],
    ['a size that is none', `log\n07\n${root}=\n`],
    ['an empty origin', `\n7\n${root}=\n`],
    ['a cosignature’s beginning', `cosignature/v1\ntime 1\n${text}`],
    ['a root that is no hash', 'log\n7\nAAAA\n'],
    ['no last line end', `log\n7\n${root}=`],
  ])('and not %s', (_name, other) => {
    expect(checkpointLines.safeParse(other).success).toBe(false)
  })
})
