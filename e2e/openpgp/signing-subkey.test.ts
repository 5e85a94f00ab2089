import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CertifyInput, certifyTokenKey } from '../../src/main/keys/openpgp/certify-token-key.ts'
import { extendOpenPgp } from '../../src/main/keys/openpgp/change-certificate.ts'
import { verifyOwnCleartext, verifyOwnDetached } from '../../src/main/openpgp/verify-own.ts'
import { TokenBench } from '../../src/main/token/testing/token-bench.ts'
import { sha256Hex } from '../../src/shared/ids.ts'
import type { OpenPgpForm } from '../../src/shared/key-generation.ts'
import { Secret } from '../../src/shared/secret.ts'
import { GenerationBench, valueOf } from '../devices/testing/generation-bench.ts'
import { signedByRegistered } from './signed-by-registered.ts'
import { unpackedTrixie, type VerifierName, Verifiers } from './verifiers.ts'

// Certificates with a signing subkey, made and registered as the window has it done, of keys on two tokens of SoftHSM; then what the
// subkey signs, as it is registered.

const trixie = await unpackedTrixie()
const verifiers = new Verifiers(trixie.ok ? trixie.value : null)
const pins = ['314159', '271828'] as const
const algorithms = ['rsa-2048', 'ec-p256', 'ed25519'] as const
type Algorithm = (typeof algorithms)[number]
let bench: TokenBench

beforeAll(async () => {
  const keys = algorithms.map((algorithm) => ({ algorithm }))
  bench = await TokenBench.make([
    { label: 'certifies', pin: pins[0], keys },
    { label: 'signs', pin: pins[1], keys },
  ])
}, 120_000)
afterAll(async () => {
  verifiers.dispose()
  await bench.dispose()
})

function keyOf(token: 0 | 1, algorithm: Algorithm) {
  const { id, keys } = bench.token(token)
  const found = keys[algorithms.indexOf(algorithm)]
  if (found === undefined) throw new Error(`no key ${algorithm}`)
  const spkiSha256 = sha256Hex.parse(found.spkiSha256)
  return { token: id, ckaId: found.ckaId, spkiSha256, pin: Secret.fromText(pins[token]), useLastTry: false }
}

const ofBookworm: readonly VerifierName[] = ['gpg 2.2', 'gpgv 2.2', 'sq 0.27', 'sqv 1.1']
const ofTrixie: readonly VerifierName[] = ['gpg 2.4', 'sq 1.3', 'sqv 1.3']
const everybody = [...ofBookworm, ...ofTrixie]
const ofSequoia: readonly VerifierName[] = ['sq 1.3', 'sqv 1.3']

describe('what a signing subkey on a token signs', { timeout: 120_000 }, () => {
  it.for<readonly [primary: Algorithm, subkey: Algorithm, form: OpenPgpForm, readonly VerifierName[]]>([
    ['rsa-2048', 'ed25519', 'v4', everybody],
    ['ed25519', 'ec-p256', 'v4', everybody],
    ['ec-p256', 'rsa-2048', 'v4', everybody],
    ['rsa-2048', 'ed25519', 'v4-ed25519', ofSequoia],
    ['ed25519', 'ec-p256', 'v6', ofSequoia],
    ['rsa-2048', 'ed25519', 'v6', ofSequoia],
  ])('is accepted: %s certifies, %s signs, %s', async ([primary, subkey, form, accepted], ctx) => {
    const station = await GenerationBench.make(bench.service())
    try {
      const input: CertifyInput = {
        ...keyOf(0, primary),
        purpose: 'openpgp',
        description: 'Archive',
        production: true,
        plan: { userId: 'Archive Signing Key <archive@example.org>', days: 365, form },
        subkey: { ...keyOf(1, subkey), primarySigns: false },
      }
      const fingerprint = valueOf(await certifyTokenKey(station.ports, input, 'Custodian'))
      const name = { purpose: 'openpgp', fingerprint }
      const made = await signedByRegistered(station, pins[1])
      const { pin: typed, useLastTry } = keyOf(0, primary)
      valueOf(await extendOpenPgp(station.ports, { ...name, days: 730 }, { pin: typed, useLastTry }, 'Custodian'))
      const extended = await signedByRegistered(station, pins[1])
      const present = everybody.filter((judge) => trixie.ok || !ofTrixie.includes(judge))
      const judges = present.filter((judge) => accepted.includes(judge))
      // Who does not take it, as the window says.
      const others = present.filter((judge) => !accepted.includes(judge))
      expect(others.filter((judge) => verifiers.verdict(judge, made) === '')).toEqual([])
      for (const signed of [made, extended])
        expect(judges.map((judge) => [judge, verifiers.verdict(judge, signed)])).toEqual(
          judges.map((judge) => [judge, '']),
        )
      const own = await station.keys().find('openpgp', fingerprint)
      const signingFingerprint = Buffer.from(own?.openpgp?.signingFingerprint ?? '', 'hex')
      for (const { certificates, text, clear, detached } of [made, extended]) {
        const expected = certificates.map((certificate) => ({ certificate, signingFingerprint }))
        expect(await verifyOwnCleartext(clear, text, expected, new Date())).toBeNull()
        expect(await verifyOwnDetached(detached, text, expected, new Date())).toBeNull()
      }
      if (!trixie.ok) ctx.skip(`Debian 12’s programs were asked; ${trixie.error}`)
    } finally {
      await station.dispose()
    }
  })
})
