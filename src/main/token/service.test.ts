import { spawnSync } from 'node:child_process'
import { createHash, createPublicKey, createVerify, randomBytes, verify, X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../shared/secret.ts'
import { ecdsaSigValue } from '../asn1/signature-value.ts'
import { softHsmModule } from './testing/soft-token.ts'
import { codeOf, open, referenceTo, requestFor, requestsFor, TokenBench } from './testing/token-bench.ts'
import type { KeyReference } from './token-service.ts'

const pin = '271828'
const absent = softHsmModule() === null

describe.skipIf(absent)('token service over SoftHSM (needs it: apt-get install softhsm2)', () => {
  let bench: TokenBench

  beforeAll(async () => {
    bench = await TokenBench.make([
      {
        label: 'release',
        pin,
        keys: [
          { algorithm: 'rsa-2048', commonName: 'two thousand' },
          { algorithm: 'rsa-4096', commonName: 'four thousand' },
          { algorithm: 'ec-p256', commonName: 'p256' },
          { algorithm: 'ec-p384', commonName: 'p384' },
          { algorithm: 'rsa-2048', ckaId: '0a0b', alwaysAuthenticate: true },
          { algorithm: 'ed25519' },
          { algorithm: 'rsa-2048', ckaId: '77', twice: true },
        ],
      },
      { label: 'release', pin, keys: [{ algorithm: 'rsa-2048', commonName: 'the other' }] },
    ])
  })
  afterAll(() => bench.dispose())

  test('lists tokens by identity with their keys and certificates as read back', async () => {
    const listed = await bench.service().list({ refresh: false })
    expect(listed.modules).toEqual([{ path: bench.soft.module, problem: null }])
    const token = bench.token()
    const seen = listed.tokens.find((candidate) => candidate.token.id.serial === token.id.serial)
    expect(seen?.token).toEqual({
      id: { manufacturer: 'SoftHSM project', model: 'SoftHSM v2', serial: token.id.serial },
      label: 'release',
      module: bench.soft.module,
      firmware: '2.6',
      hardware: '2.6',
      pinState: 'ok',
      pinRequired: true,
      minPinLength: 4,
      maxPinLength: 255,
    })
    // Imported private keys have no public half that could be seen before login.
    const visible = token.keys.filter((key) => !['0a0b', '77'].includes(key.ckaId))
    expect(
      seen?.objects.map(({ ckaId, algorithm, spkiSha256, generatedOnToken }) => ({
        ckaId,
        algorithm,
        spkiSha256,
        generatedOnToken,
      })),
    ).toEqual(
      visible.map(({ ckaId, algorithm, spkiSha256 }) => ({ ckaId, algorithm, spkiSha256, generatedOnToken: true })),
    )
    const fingerprints = seen?.objects.map(({ certificatePem }) =>
      certificatePem === null ? null : new X509Certificate(certificatePem).fingerprint256.replaceAll(':', ''),
    )
    expect(fingerprints).toEqual(visible.map(({ fingerprint }) => fingerprint))
  })

  test('says of each key what pkcs11-tool says of it', async (ctx) => {
    const token = bench.token()
    const listed = await bench.service().list({ refresh: false })
    const ours = listed.tokens.find((candidate) => candidate.token.id.serial === token.id.serial)?.objects ?? []
    // OpenSC 0.23 cannot print a P-384 key ("cannot create EVP_PKEY").
    for (const ckaId of ['01', '02', '03']) {
      const args = [
        '--module',
        bench.soft.module,
        '--slot',
        slotOf(token.id.serial),
        '--read-object',
        '--type',
        'pubkey',
        '--id',
        ckaId,
      ]
      const told = spawnSync('pkcs11-tool', args, { env: { ...process.env, SOFTHSM2_CONF: bench.soft.configuration } })
      if (told.error !== undefined) ctx.skip('pkcs11-tool is not installed (apt-get install opensc)')
      expect(ours.find((object) => object.ckaId === ckaId)?.spkiSha256).toBe(spkiDigest(told.stdout))
    }
  })

  test.each([
    [0, 'rsa-2048'],
    [1, 'rsa-4096'],
  ])('signs with RSA so that OpenSSL verifies it (key %i, %s)', async (index) => {
    const key = referenceTo(bench.token(), index)
    const session = await open(bench.service(), key, pin)
    const message = randomBytes(1000)
    const digest = createHash('sha256').update(message).digest()
    const signed = session.ok ? await session.value.sign({ scheme: 'rsa-pkcs1-sha256', digest }) : session
    expect(signed.ok && createVerify('sha256').update(message).verify(publicKey(index), signed.value)).toBe(true)
    if (session.ok) await session.value.close()
  })

  test.each([
    [2, 'ec-p256', 64],
    [3, 'ec-p384', 96],
  ])('signs with ECDSA as r‖s so that OpenSSL verifies it (key %i, %s)', async (index, _, length) => {
    const session = await open(bench.service(), referenceTo(bench.token(), index), pin)
    const message = randomBytes(1000)
    const digest = createHash('sha256').update(message).digest()
    const signed = session.ok ? await session.value.sign({ scheme: 'ecdsa-sha256', digest }) : session
    expect(signed.ok && signed.value.length).toBe(length)
    expect(signed.ok && verify('sha256', message, publicKey(index), ecdsaSigValue(signed.value))).toBe(true)
    if (session.ok) await session.value.close()
  })

  test('signs a batch in order, tells each as it comes, and asks the module twice for each', async () => {
    const key = referenceTo(bench.token(), 0)
    const session = await open(bench.service(), key, pin)
    const requests = requestsFor(key, 40)
    const order: number[] = []
    const outcomes = session.ok ? await session.value.signMany(requests, (index) => order.push(index)) : []
    expect(order).toEqual(requests.map((_, index) => index))
    expect(outcomes.map((outcome, index) => outcome.ok && opens(outcome.value, requests[index]?.digest))).toEqual(
      requests.map(() => true),
    )
    const calls = bench.log
      .map((line): { op?: string; calls?: number } => JSON.parse(line))
      .findLast(({ op }) => op === 'sign')?.calls
    expect(calls).toBe(80)
    if (session.ok) await session.value.close()
  })

  test('asks the token with a key that wants the PIN for each signature', async () => {
    const key = referenceTo(bench.token(), 4)
    const session = await open(bench.service(), key, pin)
    const outcomes = session.ok ? await session.value.signMany(requestsFor(key, 3)) : []
    expect(outcomes.map(codeOf)).toEqual(['ok', 'ok', 'ok'])
    if (session.ok) await session.value.close()
  })

  test.each<[string, (key: KeyReference) => KeyReference, string | null, string]>([
    ['a wrong PIN', (key) => key, '999999', 'pin-incorrect'],
    ['a PIN that is too short', (key) => key, '123', 'pin-length'],
    ['a PIN that is too long for any token', (key) => key, 'x'.repeat(256), 'pin-length'],
    ['no PIN', (key) => key, null, 'pin-wanted'],
    ['a token that is not there', (key) => onToken(key, { serial: 'ffffffffffffffff' }), pin, 'token-absent'],
    ['the right serial of another maker', (key) => onToken(key, { manufacturer: 'Yubico' }), pin, 'token-absent'],
    ['an id that holds no key', (key) => withId(key, '99'), pin, 'key-absent'],
    ['an id that holds another key', (key) => withId(key, '02'), pin, 'key-mismatch'],
    ['the same key twice under one id', () => referenceTo(bench.token(), 6), pin, 'key-ambiguous'],
  ])('refuses %s', async (_, change, typed, code) => {
    const service = bench.service()
    expect(codeOf(await open(service, change(referenceTo(bench.token(), 0)), typed))).toBe(code)
    // And works after it.
    const session = await open(service, referenceTo(bench.token(), 0), pin)
    expect(codeOf(session)).toBe('ok')
    if (session.ok) await session.value.close()
  })

  test.each([
    [5, 'ed25519-sha512', 'ok'],
    [5, 'ecdsa-sha512', 'mechanism-unsupported'],
    [0, 'rsa-pkcs1-sha512', 'ok'],
    [0, 'ed25519-sha512', 'mechanism-unsupported'],
  ] as const)('has key %i sign as %s: %s', async (index, scheme, code) => {
    const session = await open(bench.service(), referenceTo(bench.token(), index), pin)
    if (!session.ok) throw new Error(session.error.message)
    expect(codeOf(await session.value.sign({ scheme, digest: Buffer.alloc(64, 7) }))).toBe(code)
    await session.value.close()
  })

  test('tells two tokens of the same label apart', async () => {
    const service = bench.service()
    for (const token of [bench.token(0), bench.token(1)]) {
      const session = await open(service, referenceTo(token, 0), pin)
      expect(codeOf(session)).toBe('ok')
      if (session.ok) await session.value.close()
    }
    // The key of one, looked for under the same id on the other.
    expect(codeOf(await open(service, onToken(referenceTo(bench.token(0), 0), bench.token(1).id), pin))).toBe(
      'key-mismatch',
    )
  })

  test('refuses a scheme that does not fit the key', async () => {
    const session = await open(bench.service(), referenceTo(bench.token(), 0), pin)
    const digest = randomBytes(32)
    expect(codeOf(session.ok ? await session.value.sign({ scheme: 'ecdsa-sha256', digest }) : session)).toBe(
      'mechanism-unsupported',
    )
  })

  test('wipes the PIN whatever happens', async () => {
    const service = bench.service()
    const key = referenceTo(bench.token(), 0)
    const never = new AbortController()
    never.abort()
    const wiped = async (reference: KeyReference, text: string, signal = new AbortController().signal) => {
      const secret = Secret.fromText(text)
      const session = await service.openSession(reference, secret, { useLastTry: false, signal, onSignal: () => {} })
      if (session.ok) await session.value.close()
      return [codeOf(session), Buffer.from(secret.reveal()).equals(Buffer.alloc(text.length))]
    }
    expect(await wiped(key, pin)).toEqual(['ok', true])
    expect(await wiped(key, 'wrong-pin')).toEqual(['pin-incorrect', true])
    expect(await wiped(withId(key, '99'), pin)).toEqual(['key-absent', true])
    expect(await wiped(onToken(key, { serial: 'none' }), pin)).toEqual(['token-absent', true])
    expect(await wiped(key, pin, never.signal)).toEqual(['cancelled', true])
  })

  test('stops between two signatures and keeps those that were made', async () => {
    const key = referenceTo(bench.token(), 1)
    const stop = new AbortController()
    const session = await open(bench.service(), key, pin, { signal: stop.signal })
    const outcomes = session.ok
      ? await session.value.signMany(requestsFor(key, 500), (index) => {
          if (index === 2) stop.abort()
        })
      : []
    expect(outcomes.length).toBeGreaterThanOrEqual(4)
    expect(outcomes.length).toBeLessThan(500)
    expect(outcomes.map(codeOf)).toEqual([...outcomes.slice(1).map(() => 'ok'), 'cancelled'])
    expect(codeOf(session.ok ? await session.value.sign(requestFor(key)) : session)).toBe('cancelled')
    if (session.ok) await session.value.close()
  })

  test('gives nothing from a closed session, and a second approval waits for the first', async () => {
    const service = bench.service()
    const key = referenceTo(bench.token(), 0)
    const session = await open(service, key, pin)
    expect(codeOf(await open(service, key, pin))).toBe('token-error')
    if (session.ok) await session.value.close()
    expect(codeOf(session.ok ? await session.value.sign(requestFor(key)) : session)).toBe('cancelled')
    const next = await open(service, key, pin)
    expect(codeOf(next)).toBe('ok')
  })

  test('of two approvals at the same moment one gets the token, and the other does not break it', async () => {
    const service = bench.service()
    const key = referenceTo(bench.token(), 0)
    const sessions = await Promise.all([open(service, key, pin), open(service, key, pin)])
    expect(sessions.map(codeOf).sort()).toEqual(['ok', 'token-error'])
    const session = sessions.find(({ ok }) => ok)
    expect(codeOf(session?.ok === true ? await session.value.sign(requestFor(key)) : undefined)).toBe('ok')
    if (session?.ok === true) await session.value.close()
  })

  test('a reset ends the session, and the next approval works', async () => {
    const service = bench.service()
    const key = referenceTo(bench.token(), 0)
    const session = await open(service, key, pin)
    await service.reset()
    expect(codeOf(session.ok ? await session.value.sign(requestFor(key)) : session)).toBe('token-removed')
    expect(codeOf(await open(service, key, pin))).toBe('ok')
  })

  test('shows what it saw before while a session is open, and disturbs nothing', async () => {
    const service = bench.service()
    const key = referenceTo(bench.token(), 0)
    const before = await service.list({ refresh: false })
    const session = await open(service, key, pin)
    expect(await service.list({ refresh: true })).toEqual(before)
    expect(codeOf(session.ok ? await session.value.sign(requestFor(key)) : session)).toBe('ok')
  })

  test('reads a public key now', async () => {
    const key = bench.token().keys[2]
    const read = await bench.service().readPublicKey(bench.token().id, '03')
    expect(read.ok && Buffer.from(read.value).toString('base64')).toBe(key?.spkiBase64)
    expect(codeOf(await bench.service().readPublicKey(bench.token().id, 'ff'))).toBe('key-absent')
  })

  test('a module that does not load does not hide the others', async () => {
    const text = join(bench.directory, 'text.so')
    writeFileSync(text, 'not a library')
    const wrong = spawnSync('sh', ['-c', 'ls /lib/*/libz.so.1 /usr/lib/*/libz.so.1 2>/dev/null | head -1'], {
      encoding: 'utf8',
    }).stdout.trim()
    const missing = join(bench.directory, 'missing.so')
    const modules = [missing, text, wrong === '' ? '/nowhere/libz.so' : wrong, bench.soft.module]
    const listed = await bench.service({ modules }).list({ refresh: false })
    expect(listed.modules.map(({ problem }) => problem?.code ?? 'ok')).toEqual([
      'module-not-loadable',
      'module-not-loadable',
      'module-not-loadable',
      'ok',
    ])
    expect(listed.modules[0]?.problem?.detail).toContain('missing.so')
    expect(listed.tokens.length).toBe(2)
  })

  test('notices a module that is enabled and one that is disabled', async () => {
    const service = bench.service({ modules: [] })
    expect(await service.list({ refresh: false })).toEqual({ tokens: [], modules: [] })
    await service.setModules([bench.soft.module])
    expect((await service.list({ refresh: false })).tokens.length).toBe(2)
    await service.setModules([])
    expect(codeOf(await open(service, referenceTo(bench.token(), 0), pin))).toBe('token-absent')
  })

  function publicKey(index: number) {
    const spki = bench.token().keys[index]?.spkiBase64 ?? ''
    return createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' })
  }

  function opens(signature: Uint8Array, digest: Uint8Array | undefined): boolean {
    const key = publicKey(0).export({ format: 'jwk' })
    const number = (text: string | undefined) => BigInt(`0x${Buffer.from(text ?? '', 'base64url').toString('hex')}`)
    const opened = power(BigInt(`0x${Buffer.from(signature).toString('hex')}`), number(key.e), number(key.n))
    return opened.toString(16).endsWith(`0420${Buffer.from(digest ?? []).toString('hex')}`)
  }
})

function onToken(key: KeyReference, change: { serial?: string; manufacturer?: string; model?: string }): KeyReference {
  return key.home.kind === 'token' ? { ...key, home: { ...key.home, token: { ...key.home.token, ...change } } } : key
}

function withId(key: KeyReference, ckaId: string): KeyReference {
  return key.home.kind === 'token' ? { ...key, home: { ...key.home, ckaId } } : key
}

/** SoftHSM's slot number: the low 31 bits of the last 8 digits of the serial. */
function slotOf(serial: string): string {
  return String(Number.parseInt(serial.slice(-8), 16) & 0x7fffffff)
}

/** pkcs11-tool prints a SubjectPublicKeyInfo for each kind of key. */
function spkiDigest(der: Buffer): string {
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  for (let square = base % modulus, rest = exponent; rest > 0n; rest >>= 1n, square = (square * square) % modulus) {
    if ((rest & 1n) === 1n) result = (result * square) % modulus
  }
  return result
}
