import { createHash, createPublicKey, createVerify, randomBytes } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { sha256Hex } from '../../shared/ids.ts'
import { generateServiceKey } from '../keys/software/service-keys.ts'
import { softHsmModule } from './testing/soft-token.ts'
import { codeOf, open, TokenBench } from './testing/token-bench.ts'
import type { KeyReference } from './token-service.ts'

const absent = softHsmModule() === null

describe.skipIf(absent)('software keys (needs SoftHSM for its bench)', () => {
  test('are made, sealed, opened and used in the token process', async () => {
    const bench = await TokenBench.make([])
    try {
      const folder = join(bench.directory, 'service-keys')
      const service = bench.service()
      expect(codeOf(await service.generateSoftwareKey('rsa-2048'))).toBe('service-key-absent')
      mkdirSync(folder)
      generateServiceKey(join(folder, '20.key'))
      const made = await service.generateSoftwareKey('rsa-2048')
      if (!made.ok) throw new Error(made.error.message)
      // Rotation: the new first key encrypts from now on, the old one still opens.
      generateServiceKey(join(folder, '10.key'))
      const spkiSha256 = sha256Hex.parse(createHash('sha256').update(made.value.spki).digest('hex'))
      const key: KeyReference = {
        home: { kind: 'software' },
        algorithm: 'rsa-2048',
        spkiSha256,
        sealed: made.value.sealed,
      }
      const session = await open(service, key, null)
      const message = randomBytes(100)
      const digest = createHash('sha256').update(message).digest()
      const signed = session.ok ? await session.value.sign({ scheme: 'rsa-pkcs1-sha256', digest }) : session
      const opened = createPublicKey({ key: Buffer.from(made.value.spki), format: 'der', type: 'spki' })
      expect(signed.ok && createVerify('sha256').update(message).verify(opened, signed.value)).toBe(true)
      if (session.ok) await session.value.close()

      expect(codeOf(await open(service, { ...key, spkiSha256: sha256Hex.parse('0'.repeat(64)) }, null))).toBe(
        'key-mismatch',
      )
      rmSync(join(folder, '20.key'))
      expect(codeOf(await open(service, key, null))).toBe('service-key-absent')
    } finally {
      await bench.dispose()
    }
  })
})
