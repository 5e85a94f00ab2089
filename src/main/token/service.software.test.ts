import { createHash, createPublicKey, createVerify, generateKeyPairSync, randomBytes, verify } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { sha256Hex } from '../../shared/ids.ts'
import { sealPrivateKey } from '../keys/software/sealed-record.ts'
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

  test.each([
    ['prime256v1', 'ec-p256'],
    ['secp384r1', 'ec-p384'],
  ] as const)('on %s sign, too, when they are moved in from elsewhere', async (namedCurve, algorithm) => {
    const bench = await TokenBench.make([])
    try {
      const folder = join(bench.directory, 'service-keys')
      mkdirSync(folder)
      const servicePublicKey = generateServiceKey(join(folder, 'a.key'))
      if (!servicePublicKey.ok) throw new Error(servicePublicKey.error.message)
      const pair = generateKeyPairSync('ec', { namedCurve })
      const pem = Buffer.from(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }))
      const spki = pair.publicKey.export({ type: 'spki', format: 'der' })
      const spkiSha256 = sha256Hex.parse(createHash('sha256').update(spki).digest('hex'))
      const sealed = sealPrivateKey(pem, servicePublicKey.value)
      const session = await open(bench.service(), { home: { kind: 'software' }, algorithm, spkiSha256, sealed }, null)
      const message = randomBytes(100)
      const digest = createHash('sha256').update(message).digest()
      const signed = session.ok ? await session.value.sign({ scheme: 'ecdsa-sha256', digest }) : session
      const key = { key: pair.publicKey, dsaEncoding: 'ieee-p1363' } as const
      expect(signed.ok && verify('sha256', message, key, signed.value)).toBe(true)
    } finally {
      await bench.dispose()
    }
  })
})
