import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes, X509Certificate } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Failure } from '../../shared/failure.ts'
import type { GenerationPlan } from '../../shared/key-generation.ts'
import { defaultPolicies } from '../../shared/key-place.ts'
import type { Result } from '../../shared/result.ts'
import { Secret } from '../../shared/secret.ts'
import { type AuditStation, auditStation } from '../audit/testing/audit-station.ts'
import { softHsmModule } from '../token/testing/soft-token.ts'
import { TokenBench } from '../token/testing/token-bench.ts'
import { bringCertificate, closeGeneration, continueGeneration } from './finish-generation.ts'
import { generateOnToken } from './generate-key.ts'
import type { StoredGeneration } from './generation.repository.ts'
import type { GenerationPorts, GenerationSecrets } from './generation-ports.ts'
import { createKeyRegistry } from './key-registry.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const pin = '314159'
const operator = 'Custodian'
const subject = { commonName: 'Secure Boot signing 2027', organization: 'Zoë & Söhne', unit: null, country: 'DE' }

function made(result: Result<StoredGeneration, Failure>): StoredGeneration {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message} ${result.error.detail ?? ''}`)
  return result.value
}

describe.skipIf(softHsmModule() === null)('making a key by hand (needs SoftHSM: apt-get install softhsm2)', () => {
  let bench: TokenBench
  let station: AuditStation
  let count = 0
  beforeAll(async () => {
    bench = await TokenBench.make([{ label: 'ceremony', pin, keys: [{ algorithm: 'ec-p256', ckaId: 'ee' }] }])
  })
  afterAll(() => bench.dispose())
  beforeEach(async () => {
    count += 1
    station = await auditStation(join(bench.directory, `generation-${count}.db`))
  })
  afterEach(() => station.close())

  const ports = (): GenerationPorts => ({
    db: station.db,
    audit: station.log,
    tokens: bench.service(),
    shippedRoots: [],
    now: () => new Date(),
    serialNumber: () => Buffer.concat([Buffer.from([0x41]), randomBytes(19)]),
  })
  const secrets = (typed = pin): GenerationSecrets => ({
    pin: Secret.fromText(typed),
    officerPin: null,
    useLastTry: false,
    onSignal: () => {},
  })
  const planFor = (change: Partial<GenerationPlan> = {}): GenerationPlan => ({
    purpose: 'uefi',
    description: 'Secure Boot signing 2027',
    production: true,
    token: bench.token().id,
    ckaId: `20${count.toString(16).padStart(2, '0')}`,
    label: 'sb-2027',
    algorithm: 'rsa-2048',
    policies: defaultPolicies,
    certificate: { kind: 'self-signed', subject, days: 3650 },
    ...change,
  })
  const generate = (plan: GenerationPlan, given = secrets()) =>
    generateOnToken(ports(), { plan, forRequest: null }, given, operator)
  const log = async () =>
    (await station.db.selectFrom('audit_entry').select('entry').orderBy('seq').execute()).map(
      ({ entry }): Readonly<Record<string, unknown>> => JSON.parse(Buffer.from(entry).toString('utf8')), // our own log
    )
  const events = async () => (await log()).map((entry) => entry['event'])
  const folder = () => mkdtempSync(join(bench.directory, 'openssl-'))
  const registry = () =>
    createKeyRegistry({
      db: station.db,
      audit: station.log,
      tokens: bench.service(),
      opensSealed: () => {
        throw new Error('no software key here')
      },
      now: () => new Date(),
    })

  test.for(['rsa-2048', 'rsa-3072', 'rsa-4096', 'ec-p256', 'ec-p384'] as const)(
    'has a token make a key %s, certify itself and be registered, each use on record before it',
    async (algorithm) => {
      const given = secrets()
      const plan = planFor({ algorithm })
      const generation = made(await generate(plan, given))
      expect(generation).toMatchObject({
        state: 'registered',
        plan,
        failure: null,
        certificateNotOnToken: null,
        operator,
      })
      expect(await log()).toMatchObject([
        { event: 'key-generation-intended', requestId: generation.id, production: true, ckaId: plan.ckaId },
        { event: 'key-generated', spkiSha256: generation.spkiSha256, tokenSerial: bench.token().id.serial },
        { event: 'possession-challenged', fingerprint: generation.fingerprint },
        { event: 'key-registered', origin: 'generated', home: 'token', fingerprint: generation.fingerprint },
        // What its maker says of it: SoftHSM's says nothing, and that stands in the log too.
        { event: 'key-attested', fingerprint: generation.fingerprint, verdict: { kind: 'not-offered' } },
      ])
      const [key] = await registry().list()
      expect(key).toMatchObject({ usableNow: true, origin: 'generated', production: true, algorithm })
      const pem = key?.certificatePem ?? ''
      // Another program's word on the certificate that the token's key made of itself.
      const file = join(folder(), 'certificate.pem')
      writeFileSync(file, pem)
      expect(
        execFileSync('openssl', ['verify', '-check_ss_sig', '-CAfile', file, file], { encoding: 'utf8' }),
      ).toContain('OK')
      const text = execFileSync(
        'openssl',
        ['x509', '-in', file, '-noout', '-subject', '-nameopt', 'RFC2253,utf8,-esc_msb'],
        {
          encoding: 'utf8',
        },
      )
      expect(text).toContain('CN=Secure Boot signing 2027,O=Zoë & Söhne,C=DE')
      // It is on the token, too.
      const objects = (await bench.service().list({ refresh: true })).tokens[0]?.objects ?? []
      const object = objects.find(({ ckaId }) => ckaId === plan.ckaId)
      expect(new X509Certificate(object?.certificatePem ?? '').raw).toEqual(new X509Certificate(pem).raw)
      expect(Buffer.from(given.pin.reveal()).every((byte) => byte === 0)).toBe(true)
    },
  )

  test('asks a CA, waits, and takes only the certificate that is for this key', async () => {
    const plan = planFor({ certificate: { kind: 'request', subject } })
    const waiting = made(await generate(plan))
    expect(waiting.state).toBe('awaiting-certificate')
    const at = folder()
    const request = join(at, 'request.pem')
    writeFileSync(request, waiting.certificateRequest ?? '')
    expect(spawnSync('openssl', ['req', '-verify', '-noout', '-in', request], { encoding: 'utf8' }).stderr).toContain(
      'verify OK',
    )
    const issue = (name: string, csr: string[]): string => {
      const [key, ca, out] = ['ca.key', 'ca.pem', `${name}.pem`].map((each) => join(at, each))
      if (key === undefined || ca === undefined || out === undefined) throw new Error('no names')
      execFileSync(
        'openssl',
        ['req', '-x509', '-newkey', 'rsa:2048', '-noenc', '-keyout', key, '-out', ca, '-subj', '/CN=CA', '-days', '30'],
        { stdio: 'ignore' },
      )
      execFileSync(
        'openssl',
        [
          'x509',
          '-req',
          ...csr,
          '-CA',
          ca,
          '-CAkey',
          key,
          '-CAcreateserial',
          '-days',
          '30',
          '-copy_extensions',
          'copy',
          '-out',
          out,
        ],
        { stdio: 'ignore' },
      )
      return execFileSync('cat', [out], { encoding: 'utf8' })
    }
    execFileSync(
      'openssl',
      [
        'req',
        '-new',
        '-newkey',
        'rsa:2048',
        '-noenc',
        '-keyout',
        join(at, 'other.key'),
        '-out',
        join(at, 'other.csr'),
        '-subj',
        '/CN=Other',
      ],
      { stdio: 'ignore' },
    )
    const foreign = issue('foreign', ['-in', join(at, 'other.csr')])
    expect(
      await bringCertificate(ports(), { id: waiting.id, certificatePem: foreign }, secrets(), operator),
    ).toMatchObject({
      ok: false,
      error: { code: 'certificate-of-another-key' },
    })
    const right = issue('right', ['-in', request])
    const registered = made(
      await bringCertificate(ports(), { id: waiting.id, certificatePem: right }, secrets(), operator),
    )
    expect(registered).toMatchObject({ state: 'registered', certificateNotOnToken: null })
    const [key] = await registry().list()
    expect(key).toMatchObject({ usableNow: true, certificate: { issuer: 'CN=CA', extendedKeyUsage: ['codeSigning'] } })
    expect(await events()).toEqual([
      'key-generation-intended',
      'key-generated',
      'possession-challenged',
      'key-registered',
      'key-attested',
    ])
  })

  test('refuses an id that is taken before anything is written', async () => {
    expect(await generate(planFor({ ckaId: 'ee' }))).toMatchObject({ ok: false, error: { code: 'id-occupied' } })
    expect(await events()).toEqual([])
  })

  test('writes down that a wrong PIN made no key', async () => {
    const generation = made(await generate(planFor(), secrets('wrong')))
    expect(generation).toMatchObject({ state: 'failed', failure: { code: 'pin-incorrect' }, spkiSha256: null })
    expect(await events()).toEqual(['key-generation-intended', 'login-failed', 'key-generation-failed'])
    // The id is free again.
    expect(made(await generate(generation.plan)).state).toBe('registered')
  })

  /** The token makes keys, and opens none. */
  const locked = (): GenerationPorts => {
    const real = ports()
    return {
      ...real,
      tokens: {
        ...real.tokens,
        openSession: async () => ({ ok: false, error: refused }),
        generateKey: (...given) => real.tokens.generateKey(...given),
        generationAbilities: (token) => real.tokens.generationAbilities(token),
        list: (options) => real.tokens.list(options),
        reset: () => real.tokens.reset(),
        setModules: (...modules) => real.tokens.setModules(...modules),
        readPublicKey: (token, id) => real.tokens.readPublicKey(token, id),
      },
    }
  }

  test('goes on with a key whose certificate could not be made, under another record of its use', async () => {
    const plan = planFor()
    const stuck = made(await generateOnToken(locked(), { plan, forRequest: null }, secrets(), operator))
    expect(stuck).toMatchObject({ state: 'made', failure: { code: 'pin-locked' } })
    expect(await registry().list()).toEqual([])
    expect(await generate(plan)).toMatchObject({ ok: false, error: { code: 'id-occupied' } })
    const done = made(await continueGeneration(ports(), stuck.id, secrets(), operator))
    expect(done).toMatchObject({ state: 'registered', failure: null })
    expect(await events()).toEqual([
      'key-generation-intended',
      'key-generated',
      'login-failed',
      'certificate-intended',
      'possession-challenged',
      'key-registered',
      'key-attested',
    ])
    const digests = (await log()).flatMap((entry) => (entry['digest'] === undefined ? [] : [entry['digest']]))
    expect(new Set(digests).size).toBe(3)
  })

  test('makes an OpenPGP key of version 6, whose first signature is the one that is on record', async () => {
    const plan = (ckaId: string) =>
      planFor({
        ckaId,
        purpose: 'openpgp',
        algorithm: 'ed25519',
        certificate: { kind: 'openpgp', userId: 'Uploads', days: null, form: 'v6' },
      })
    expect(made(await generate(plan('7a01')))).toMatchObject({ state: 'registered', failure: null })
    const whole = (await log()).map(({ event, what }) => what ?? event)
    // The direct key signature is the one that `key-generated` told of.
    expect(whole).toEqual([
      'key-generation-intended',
      'key-generated',
      'openpgp-certification',
      'openpgp-key-revocation',
      'possession-challenged',
      'key-registered',
      'key-attested',
    ])
    const stuck = made(await generateOnToken(locked(), { plan: plan('7a02'), forRequest: null }, secrets(), operator))
    expect(made(await continueGeneration(ports(), stuck.id, secrets(), operator)).state).toBe('registered')
    const continued = (await log()).slice(whole.length).map(({ event, what }) => what ?? event)
    expect(continued).toEqual([
      'key-generation-intended',
      'key-generated',
      'login-failed',
      'openpgp-direct-key',
      ...whole.slice(2),
    ])
    const keys = await registry().list()
    expect(keys.map(({ openpgp, fingerprint }) => [openpgp?.version, fingerprint.length])).toEqual([
      [6, 64],
      [6, 64],
    ])
  })

  test('gives a key up that is on the token, for good', async () => {
    const waiting = made(await generate(planFor({ certificate: { kind: 'request', subject } })))
    expect((await closeGeneration(ports(), waiting.id, 'The CA refused it.', operator)).ok).toBe(true)
    expect(await closeGeneration(ports(), waiting.id, 'Again', operator)).toMatchObject({
      ok: false,
      error: { code: 'not-now' },
    })
    expect((await events()).at(-1)).toBe('key-generation-closed')
  })

  test.for<[string, Partial<GenerationPlan>, string]>([
    ['an id that the token cannot have', { ckaId: 'xyz' }, 'id-malformed'],
    ['an algorithm that does not sign for the purpose', { algorithm: 'ed25519' }, 'algorithm-unsupported'],
    ['a policy of another kind of token', { policies: { pin: 'always', touch: 'default' } }, 'policies-unsupported'],
    ['a token that is not there', { token: { manufacturer: 'm', model: 'm', serial: '1' } }, 'token-absent'],
    [
      'a YubiKey without its management key',
      { token: { manufacturer: 'Yubico', model: 'YubiKey YK5', serial: '1' }, ckaId: '02' },
      'management-key-wanted',
    ],
  ])('refuses %s before anything is written', async ([, change, code]) => {
    const given = secrets()
    expect(await generate(planFor(change), given)).toMatchObject({ ok: false, error: { code } })
    expect(await events()).toEqual([])
    expect(Buffer.from(given.pin.reveal()).every((byte) => byte === 0)).toBe(true)
  })
})

const refused = { kind: 'refused', code: 'pin-locked', message: 'The PIN of the token is locked.' } as const
