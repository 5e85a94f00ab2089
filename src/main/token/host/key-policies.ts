import pkcs11js from 'pkcs11js'
import type { KeyAlgorithm, TokenId } from '../../../shared/token.ts'
import type { TouchPolicy } from '../protocol.ts'
import { readAttestation } from './attestation.ts'
import { CKA_YUBICO_PIN_POLICY, CKA_YUBICO_TOUCH_POLICY, type Handle, type Pkcs11Module } from './module.ts'
import { CryptokiFailure, HostError } from './pkcs11-error.ts'

/** What a key waits for besides the login. `unknown`: neither the module nor an attestation says. */
export type KeyPolicies = {
  readonly touch: TouchPolicy
  readonly pin: 'never' | 'once' | 'always' | 'unknown'
}

/** Yubico's policy extension of an attestation, 1.3.6.1.4.1.41482.3.8: an OCTET STRING of two bytes, PIN policy and touch policy. */
const policyExtension = Buffer.from('060a2b0601040182c40a03080402', 'hex')

/**
 * The policies of a private key: the module's own attributes (ykcs11 2.7 and later), or the attestation of the slot, which every
 * ykcs11 shows for a key that was made in it. Nothing that is read here permits anything: it says in advance whether the key waits
 * for touch, and so what an answer means that PKCS#11 has one word for.
 */
export function readKeyPolicies(module: Pkcs11Module, session: Handle, key: Handle, ckaId: string): KeyPolicies {
  const told = module.attributes(session, key, [CKA_YUBICO_PIN_POLICY, CKA_YUBICO_TOUCH_POLICY])
  const pin = told.get(CKA_YUBICO_PIN_POLICY)?.[0]
  const touch = told.get(CKA_YUBICO_TOUCH_POLICY)?.[0]
  if (pin !== undefined && touch !== undefined) return { pin: pinPolicyOf(pin), touch: touchPolicyOf(touch) }
  const attested = attestedPolicies(module, session, ckaId)
  return { pin: pinPolicyOf(pin ?? attested?.[0]), touch: touchPolicyOf(touch ?? attested?.[1]) }
}

function attestedPolicies(module: Pkcs11Module, session: Handle, ckaId: string): Buffer | null {
  try {
    const statement = Buffer.from(readAttestation(module, session, ckaId).statement ?? [])
    const at = statement.indexOf(policyExtension)
    return at < 0 ? null : statement.subarray(at + policyExtension.length, at + policyExtension.length + 2)
  } catch (error) {
    // A hint that cannot be read is no hint; the signature is asked for all the same.
    if (error instanceof HostError || error instanceof CryptokiFailure) return null
    throw error
  }
}

function pinPolicyOf(value: number | undefined): KeyPolicies['pin'] {
  return value === 1 ? 'never' : value === 2 ? 'once' : value === 3 ? 'always' : 'unknown'
}

function touchPolicyOf(value: number | undefined): TouchPolicy {
  return value === 1 ? 'never' : value === 2 ? 'always' : value === 3 ? 'cached' : 'unknown'
}

/**
 * What C_Sign meant by CKR_USER_NOT_LOGGED_IN, which a YubiKey's 6982 becomes: a touch that did not come, or a PIN that is wanted.
 * It was the touch if the key waits for one and the PIN cannot have been missing: given for this very signature, or wanted once.
 */
export function meaningOf(error: unknown, policies: KeyPolicies, pinGivenForThis: boolean): unknown {
  if (!(error instanceof CryptokiFailure)) return error
  const { number, method } = error.cryptoki
  if (number !== pkcs11js.CKR_USER_NOT_LOGGED_IN || method !== 'C_Sign') return error
  const waitsForTouch = policies.touch === 'always' || policies.touch === 'cached'
  const hasPin = pinGivenForThis || policies.pin === 'once' || policies.pin === 'never'
  return waitsForTouch && hasPin ? new HostError('touch-timeout', error.message) : error
}

/**
 * Refuses, before the PIN is used, an RSA key that is longer than Yubico's module can sign with: ykcs11 2.2 shows an RSA-3072 key of
 * firmware 5.7 as any other, and C_Sign then says CKR_DEVICE_ERROR, the word for a token that was pulled out.
 */
export function checkModuleTakes(module: Pkcs11Module, slot: Handle, token: TokenId, algorithm: KeyAlgorithm): void {
  if (!token.model.startsWith('YubiKey') || !algorithm.startsWith('rsa-')) return
  const bits = Number(algorithm.slice('rsa-'.length))
  const { maxKeySize } = module.mechanismInfo(slot, pkcs11js.CKM_RSA_PKCS)
  // A module that does not know its sizes says 0.
  if (maxKeySize > 0 && bits > maxKeySize)
    throw new HostError('module-too-old', `CKM_RSA_PKCS takes at most ${maxKeySize} bits`)
}
