import { createHash, createPublicKey, verify, X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { sha256Hex } from '../../shared/ids.ts'
import type { GeneratedAlgorithm } from '../../shared/key-generation.ts'
import { defaultPolicies } from '../../shared/key-place.ts'
import { Secret } from '../../shared/secret.ts'
import { prepareCertificate } from '../pki/certificate-builder.ts'
import { softHsmModule } from './testing/soft-token.ts'
import { codeOf, open, requestFor, TokenBench } from './testing/token-bench.ts'
import type { KeyReference, TokenLogin } from './token-service.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const pin = '271828'

function login(change: Partial<TokenLogin> = {}): TokenLogin {
  return { user: 'user', secret: Secret.fromText(pin), useLastTry: false, onSignal: () => {}, ...change }
}

describe.skipIf(softHsmModule() === null)('making a key on a token (needs SoftHSM: apt-get install softhsm2)', () => {
  let bench: TokenBench
  beforeAll(async () => {
    bench = await TokenBench.make([
      { label: 'maker', pin, keys: [{ algorithm: 'rsa-2048', ckaId: '01', commonName: 'There before' }] },
    ])
  })
  afterAll(() => bench.dispose())

  const wanted = (algorithm: GeneratedAlgorithm, ckaId: string) => ({
    token: bench.token().id,
    ckaId,
    label: `made ${ckaId}`,
    algorithm,
    policies: defaultPolicies,
  })
  const reference = (algorithm: GeneratedAlgorithm, ckaId: string, spki: Uint8Array): KeyReference => ({
    home: { kind: 'token', token: bench.token().id, ckaId, pkcs11Uri: '' },
    algorithm,
    spkiSha256: sha256Hex.parse(createHash('sha256').update(spki).digest('hex')),
    sealed: null,
  })

  test('says what the token can make and which ids are taken, without a PIN', async () => {
    expect(await bench.service().generationAbilities(bench.token().id)).toEqual({
      ok: true,
      value: {
        algorithms: ['rsa-2048', 'rsa-3072', 'rsa-4096', 'ec-p256', 'ec-p384', 'ed25519'],
        taken: ['01'],
      },
    })
  })

  test.for<[GeneratedAlgorithm, string]>([
    ['rsa-2048', '20'],
    ['rsa-3072', '21'],
    ['rsa-4096', '22'],
    ['ec-p256', '23'],
    ['ec-p384', '24'],
    ['ed25519', '25'],
  ])('makes a key %s that cannot leave the token and signs at once', async ([algorithm, ckaId]) => {
    const service = bench.service()
    const secret = Secret.fromText(pin)
    const made = await service.generateKey(wanted(algorithm, ckaId), login({ secret }))
    expect(made).toMatchObject({ ok: true, value: { local: true, sensitive: true, extractable: false } })
    expect(Buffer.from(secret.reveal()).every((byte) => byte === 0)).toBe(true)
    if (!made.ok) return
    const { spki } = made.value
    // Read anew, by another process.
    expect(await service.readPublicKey(bench.token().id, ckaId)).toEqual({ ok: true, value: Buffer.from(spki) })
    if (algorithm === 'ed25519') return
    const key = reference(algorithm, ckaId, spki)
    const session = await open(service, key, pin)
    expect(codeOf(session)).toBe('ok')
    if (!session.ok) return
    expect(codeOf(await session.value.sign(requestFor(key)))).toBe('ok')
    await session.value.close()
  })

  test('refuses an id under which anything is, and leaves that as it was', async () => {
    const service = bench.service()
    const before = await service.readPublicKey(bench.token().id, '01')
    const made = await service.generateKey(wanted('ec-p256', '01'), login())
    expect(made).toMatchObject({
      ok: false,
      error: { code: 'id-occupied', keyMayExist: false, detail: 'CKA_ID 01: private key, public key, certificate' },
    })
    expect(await service.readPublicKey(bench.token().id, '01')).toEqual(before)
  })

  test('tries a wrong PIN once, and makes nothing', async () => {
    const service = bench.service()
    const made = await service.generateKey(wanted('ec-p256', '30'), login({ secret: Secret.fromText('wrong') }))
    expect(made).toMatchObject({ ok: false, error: { code: 'pin-incorrect', keyMayExist: false } })
    expect(codeOf(await service.readPublicKey(bench.token().id, '30'))).toBe('key-absent')
  })

  test('reads a public key after one login, and tries a wrong PIN once', async () => {
    const service = bench.service()
    const key = { token: bench.token().id, ckaId: '01' }
    const secret = Secret.fromText(pin)
    const shown = await service.readPublicKey(key.token, key.ckaId)
    expect(shown.ok).toBe(true)
    expect(await service.revealPublicKey(key, login({ secret }))).toEqual(shown)
    expect(Buffer.from(secret.reveal()).every((byte) => byte === 0)).toBe(true)
    const wrong = Secret.fromText('000000')
    expect(codeOf(await service.revealPublicKey(key, login({ secret: wrong })))).toBe('pin-incorrect')
    expect(Buffer.from(wrong.reveal()).every((byte) => byte === 0)).toBe(true)
    expect(codeOf(await service.revealPublicKey({ ...key, ckaId: '7f' }, login()))).toBe('key-absent')
  })

  test('puts a certificate beside its key, once, and beside no other', async () => {
    const service = bench.service()
    const [first] = bench.token().keys
    const made = await service.generateKey(wanted('rsa-2048', '40'), login())
    if (!made.ok || first?.certificatePem == null) throw new Error('no key')
    const foreign = new X509Certificate(first.certificatePem).raw
    const key = reference('rsa-2048', '40', made.value.spki)
    const prepared = prepareCertificate({
      subject: [{ type: 'commonName', value: 'Made here' }],
      issuer: null,
      spki: made.value.spki,
      serialNumber: Uint8Array.of(1),
      notBefore: new Date('2026-01-01T00:00:00Z'),
      notAfter: new Date('2036-01-01T00:00:00Z'),
      isCa: false,
      keyUsage: ['digitalSignature'],
      codeSigning: true,
      scheme: 'rsa-pkcs1-sha256',
    })
    const session = await open(service, key, pin)
    const signature = session.ok ? await session.value.sign(prepared.request) : null
    if (session.ok) await session.value.close()
    if (signature?.ok !== true) throw new Error('no signature')
    const own = prepared.assemble(signature.value)
    const at = (ckaId: string, der: Uint8Array, spkiSha256: string = key.spkiSha256) =>
      service.storeCertificate(
        { token: bench.token().id, ckaId, label: 'x', der, spkiSha256: sha256Hex.parse(spkiSha256) },
        login(),
      )
    expect(await at('01', foreign, first.spkiSha256)).toEqual({ ok: true, value: 'there' })
    expect(codeOf(await at('40', foreign, first.spkiSha256))).toBe('key-mismatch')
    expect(codeOf(await at('40', foreign))).toBe('key-mismatch')
    expect(await at('40', own)).toEqual({ ok: true, value: 'stored' })
    expect(await at('40', own)).toEqual({ ok: true, value: 'there' })
    const objects = (await service.list({ refresh: true })).tokens[0]?.objects ?? []
    const found = objects.find(({ ckaId }) => ckaId === '40')
    expect(found?.spkiSha256).toBe(key.spkiSha256)
    expect(new X509Certificate(found?.certificatePem ?? '').raw).toEqual(Buffer.from(own))
  })

  test('verifies with the public key that was handed out', async () => {
    const service = bench.service()
    const made = await service.generateKey(wanted('rsa-2048', '50'), login())
    if (!made.ok) throw new Error(made.error.code)
    const key = reference('rsa-2048', '50', made.value.spki)
    const session = await open(service, key, pin)
    if (!session.ok) throw new Error(session.error.code)
    const data = Buffer.from('what a certificate says')
    const digest = createHash('sha256').update(data).digest()
    const signature = await session.value.sign({ scheme: 'rsa-pkcs1-sha256', digest })
    await session.value.close()
    const publicKey = createPublicKey({ key: Buffer.from(made.value.spki), format: 'der', type: 'spki' })
    expect(signature.ok && verify('sha256', data, publicKey, signature.value)).toBe(true)
  })
})
