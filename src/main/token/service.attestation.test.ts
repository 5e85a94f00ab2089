import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { softHsmModule } from './testing/soft-token.ts'
import { codeOf, TokenBench } from './testing/token-bench.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const pin = '271828'
const tool = '/usr/bin/pkcs11-tool'
const absent = softHsmModule() === null || !existsSync(tool)

// Certificate objects with the labels that ykcs11 gives to attestations, in a token that is none of Yubico's: the host hands on what it
// finds, and leaves it to main to see that it is worth nothing.
describe.skipIf(absent)(
  'attestation objects in a token (needs SoftHSM and pkcs11-tool: apt-get install softhsm2 opensc)',
  () => {
    let bench: TokenBench
    beforeAll(async () => {
      const keys = ['01', '02', '03'].map((ckaId) => ({
        algorithm: 'ec-p256' as const,
        ckaId,
        commonName: `Key ${ckaId}`,
      }))
      bench = await TokenBench.make([{ label: 'planted', pin, keys }])
      plant('02', 'X.509 Certificate for PIV Attestation 9c')
      plant('03', 'X.509 Certificate for PIV Attestation 9d')
      plant('03', 'X.509 Certificate for PIV Attestation 9d')
      plant('19', 'X.509 Certificate for PIV Attestation')
    })
    afterAll(() => bench.dispose())

    function plant(id: string, label: string) {
      const file = join(bench.directory, `${id}.der`)
      writeFileSync(file, der())
      const words = ['--module', bench.soft.module, '--token-label', 'planted', '--login', '--pin', pin]
      execFileSync(tool, [...words, '--write-object', file, '--type', 'cert', '--id', id, '--label', label], {
        env: { SOFTHSM2_CONF: bench.soft.configuration },
        stdio: 'pipe',
      })
    }
    const der = () => new X509Certificate(bench.token().keys[0]?.certificatePem ?? '').raw

    test('are handed on as they are, the statement of the key that was asked for', async () => {
      const service = bench.service()
      const given = { statement: Uint8Array.from(der()), device: Uint8Array.from(der()) }
      expect(await service.readAttestation(bench.token().id, '02')).toEqual({ ok: true, value: given })
      // A certificate of the key's own, under the same id, is no statement.
      expect(await service.readAttestation(bench.token().id, '01')).toEqual({
        ok: true,
        value: { ...given, statement: null },
      })
    })

    test('are refused when there are two for one key', async () => {
      expect(codeOf(await bench.service().readAttestation(bench.token().id, '03'))).toBe('key-ambiguous')
    })

    test('are not looked for in a token that is not there', async () => {
      const id = { ...bench.token().id, serial: '1' }
      expect(codeOf(await bench.service().readAttestation(id, '02'))).toBe('token-absent')
    })
  },
)
