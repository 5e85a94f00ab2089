import { ok } from '../../../shared/result.ts'
import type { KeyAlgorithm } from '../../../shared/token.ts'
import { generateLocalKey } from '../../signing/testing/local-key.ts'
import { signatureCheck } from '../../token/verify-signature.ts'
import { makeCertificate, readySubkey } from '../certificate.ts'
import { openPgpPublicKey, type PublicKeyForm } from '../public-key.ts'
import type { OpenPgpSigner } from '../signer.ts'

/** Seconds since 1970 of 2026-01-02: when the keys of the tests were made. */
export const testKeyTime = Date.UTC(2026, 0, 2) / 1000

/** A key of this process that signs as a token does, and is checked as a token is. */
export function localSigner(
  algorithm: Exclude<KeyAlgorithm, 'unsupported'>,
  form: Partial<PublicKeyForm> = {},
): OpenPgpSigner {
  const local = generateLocalKey(algorithm)
  const key = openPgpPublicKey(local.spki, { version: 4, created: testKeyTime, ed25519: 'legacy', ...form })
  const check = signatureCheck(local.spki)
  if (key === null || check === null) throw new Error(`no OpenPGP key of ${algorithm}`)
  return {
    key,
    sign: async (request) => {
      const signature = local.sign(request)
      if (!check(request, signature)) throw new Error('the local key’s signature does not verify')
      return ok(signature)
    },
  }
}

/** Its certificate, binary. */
export async function localCertificate(
  primary: OpenPgpSigner,
  userId: string,
  signingSubkey: OpenPgpSigner | null = null,
): Promise<Uint8Array> {
  const ready = signingSubkey === null ? ok(null) : await readySubkey(primary.key, signingSubkey, testKeyTime)
  if (!ready.ok) throw new Error(ready.error.message)
  const made = await makeCertificate({
    primary,
    userId,
    created: testKeyTime,
    expiresAfter: null,
    signingSubkey: ready.value,
  })
  if (!made.ok) throw new Error(made.error.message)
  return made.value.certificate
}
