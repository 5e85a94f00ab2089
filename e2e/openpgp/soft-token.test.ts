import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeCertificate, readySubkey } from '../../src/main/openpgp/certificate.ts'
import { signCleartext } from '../../src/main/openpgp/cleartext.ts'
import { signDetached } from '../../src/main/openpgp/detached.ts'
import { openPgpPublicKey, type PublicKeyForm } from '../../src/main/openpgp/public-key.ts'
import type { OpenPgpSigner } from '../../src/main/openpgp/signer.ts'
import { verifyOwnCleartext, verifyOwnDetached } from '../../src/main/openpgp/verify-own.ts'
import { open, referenceTo, TokenBench } from '../../src/main/token/testing/token-bench.ts'
import type { SigningSession } from '../../src/main/token/token-service.ts'
import type { KeyAlgorithm } from '../../src/shared/token.ts'
import { type SignedWith, unpackedTrixie, type VerifierName, Verifiers } from './verifiers.ts'

// Keys in SoftHSM, signed with through the station's token layer, judged by every program that has to accept it.

const trixie = await unpackedTrixie()
const verifiers = new Verifiers(trixie.ok ? trixie.value : null)
const algorithms = ['rsa-2048', 'rsa-4096', 'ec-p256', 'ec-p384', 'ed25519'] as const
const created = Math.floor(Date.UTC(2026, 0, 2) / 1000)
const at = new Date()
let bench: TokenBench
const sessions = new Map<KeyAlgorithm, { readonly spki: Uint8Array; readonly session: SigningSession }>()

beforeAll(async () => {
  // One token for each key: a process holds one session.
  bench = await TokenBench.make(
    algorithms.map((algorithm) => ({ label: algorithm, pin: '1234', keys: [{ algorithm }] })),
  )
  for (const [index, algorithm] of algorithms.entries()) {
    const token = bench.token(index)
    const session = await open(bench.service(), referenceTo(token, 0), token.pin)
    if (!session.ok) throw new Error(session.error.message)
    sessions.set(algorithm, { spki: Buffer.from(token.keys[0]?.spkiBase64 ?? '', 'base64'), session: session.value })
  }
}, 180_000)
afterAll(async () => {
  verifiers.dispose()
  await bench.dispose()
})

function signer(algorithm: (typeof algorithms)[number], form: Partial<PublicKeyForm> = {}): OpenPgpSigner {
  const held = sessions.get(algorithm)
  const key = openPgpPublicKey(held?.spki ?? new Uint8Array(), { version: 4, created, ed25519: 'legacy', ...form })
  if (held === undefined || key === null) throw new Error(`no key ${algorithm}`)
  return { key, sign: (request) => held.session.sign(request) }
}

async function certificateOf(primary: OpenPgpSigner, signingSubkey: OpenPgpSigner | null = null): Promise<Uint8Array> {
  const ready = signingSubkey === null ? null : await readySubkey(primary.key, signingSubkey, created)
  if (ready?.ok === false) throw new Error(ready.error.message)
  const made = await makeCertificate({
    primary,
    signingSubkey: ready?.value ?? null,
    userId: 'Archive Signing Key <archive@example.org>',
    created,
    expiresAfter: 3650 * 86_400,
  })
  if (!made.ok) throw new Error(made.error.message)
  return made.value.certificate
}

const text = Buffer.from('Origin: Example\nFrom here on:\n- a dash\n\ttabs and blanks \t\n\nDescription: grüße\n')

async function signedBy(signers: readonly OpenPgpSigner[], certificates: readonly Uint8Array[]): Promise<SignedWith> {
  const clear = await signCleartext(text, signers, at)
  const detached = await signDetached([text.subarray(0, 9), text.subarray(9)], signers, {
    armor: true,
    text: false,
    created: at,
  })
  const detachedText = await signDetached([text], signers, { armor: true, text: true, created: at })
  if (!clear.ok || !detached.ok || !detachedText.ok) throw new Error('not signed')
  const expected = signers.map(({ key }, index) => ({
    certificate: certificates[index] ?? new Uint8Array(),
    signingFingerprint: key.fingerprint,
  }))
  expect(await verifyOwnCleartext(clear.value, text, expected, at)).toBeNull()
  expect(await verifyOwnDetached(detached.value, text, expected, at)).toBeNull()
  expect(await verifyOwnDetached(detachedText.value, text, expected, at)).toBeNull()
  return { certificates, text, clear: clear.value, detached: detached.value, detachedText: detachedText.value }
}

const ofBookworm: readonly VerifierName[] = ['gpg 2.2', 'gpgv 2.2', 'sq 0.27', 'sqv 1.1']
const ofTrixie: readonly VerifierName[] = ['gpg 2.4', 'sq 1.3', 'sqv 1.3']
const everybody = [...ofBookworm, ...ofTrixie]
const ofSequoia: readonly VerifierName[] = ['sq 1.3', 'sqv 1.3']

type Case = readonly [
  name: string,
  make: () => { signers: readonly OpenPgpSigner[]; certificates: Promise<readonly Uint8Array[]> },
  accepted: readonly VerifierName[],
]
const alone = (signer: OpenPgpSigner) => ({
  signers: [signer],
  certificates: certificateOf(signer).then((certificate) => [certificate]),
})
const cases: readonly Case[] = [
  ...algorithms.map((algorithm): Case => [`a version 4 key ${algorithm}`, () => alone(signer(algorithm)), everybody]),
  ['a version 4 key of algorithm 27', () => alone(signer('ed25519', { ed25519: 'current' })), ofSequoia],
  ...(['rsa-4096', 'ec-p256', 'ed25519'] as const).map(
    (algorithm): Case => [`a version 6 key ${algorithm}`, () => alone(signer(algorithm, { version: 6 })), ofSequoia],
  ),
  [
    'a P-256 signing subkey of an RSA-4096 key',
    () => ({
      signers: [signer('ec-p256')],
      certificates: certificateOf(signer('rsa-4096'), signer('ec-p256')).then((certificate) => [certificate]),
    }),
    everybody,
  ],
  [
    'two keys at once, RSA-4096 and Ed25519',
    () => ({
      signers: [signer('rsa-4096'), signer('ed25519')],
      certificates: Promise.all([certificateOf(signer('rsa-4096')), certificateOf(signer('ed25519'))]),
    }),
    everybody,
  ],
]

describe('what a token’s OpenPGP key signs', { timeout: 120_000 }, () => {
  it.for(cases)('with %s is accepted', async ([, make, accepted], ctx) => {
    const { signers, certificates } = make()
    const signed = await signedBy(signers, await certificates)
    const said = accepted
      .filter((name) => trixie.ok || !ofTrixie.includes(name))
      .map((name) => [name, verifiers.verdict(name, signed)])
    expect(Object.fromEntries(said.filter(([, complaint]) => complaint !== ''))).toEqual({})
    if (!trixie.ok) ctx.skip(`Debian 12’s programs accept it; ${trixie.error}`)
  })

  it.for(everybody)('is refused by %s when a byte of the text was changed', async (name, ctx) => {
    if (!trixie.ok && ofTrixie.includes(name)) return ctx.skip(trixie.error)
    const own = signer('ed25519')
    const signed = await signedBy([own], [await certificateOf(own)])
    const other = Buffer.from(Buffer.from(signed.clear).toString('utf8').replace('Origin', 'origin'))
    const changed = { ...signed, text: Buffer.from(text.toString('utf8').replace('Origin', 'origin')), clear: other }
    expect(verifiers.verdict(name, changed)).not.toBe('')
  })
})

describe('a repository index', { timeout: 120_000 }, () => {
  const packages = Buffer.from('')
  const release = Buffer.from(
    [
      'Origin: Example',
      'Suite: stable',
      `Date: ${at.toUTCString().replace('GMT', 'UTC')}`,
      'Architectures: amd64',
      'SHA256:',
      ` ${createHash('sha256').update(packages).digest('hex')} ${packages.length} Packages`,
      '',
    ].join('\n'),
  )
  const suites = ['bookworm', 'trixie'] as const
  const keys: readonly (readonly [string, () => readonly OpenPgpSigner[], readonly (typeof suites)[number][]])[] = [
    ['RSA-4096', () => [signer('rsa-4096')], suites],
    ['P-256', () => [signer('ec-p256')], suites],
    ['P-384', () => [signer('ec-p384')], suites],
    ['Ed25519', () => [signer('ed25519')], suites],
    ['two keys', () => [signer('rsa-4096'), signer('ed25519')], suites],
    ['Ed25519 of version 6', () => [signer('ed25519', { version: 6 })], ['trixie']],
  ]

  it.for(keys)('signed with %s is taken by apt, and a changed one is not', async ([, make, accepting], ctx) => {
    const signers = make()
    const certificates = await Promise.all(signers.map((each) => certificateOf(each)))
    const clear = await signCleartext(release, signers, at)
    const detached = await signDetached([release], signers, { armor: true, text: false, created: at })
    if (!clear.ok || !detached.ok) throw new Error('not signed')
    const inline = { Packages: packages, InRelease: clear.value }
    const apart = { Packages: packages, Release: release, 'Release.gpg': detached.value }
    const forged = {
      ...inline,
      InRelease: Buffer.from(Buffer.from(clear.value).toString('utf8').replace('Example', 'example')),
    }
    for (const suite of accepting) {
      if (suite === 'trixie' && !trixie.ok) return ctx.skip(trixie.error)
      expect([suite, verifiers.apt(suite, { certificates, files: inline })]).toEqual([suite, ''])
      expect([suite, verifiers.apt(suite, { certificates, files: apart })]).toEqual([suite, ''])
      expect(verifiers.apt(suite, { certificates, files: forged })).not.toBe('')
    }
  })
})
