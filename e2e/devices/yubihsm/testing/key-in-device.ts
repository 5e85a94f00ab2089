import { verify } from 'node:crypto'
import pkcs11js from 'pkcs11js'
import { type Pkcs11Session, privateKey, sign, type YubiHsmBench } from './yubihsm-bench.ts'

export const keyId = 0x64

/** Makes a P-256 key with the maker's shell; gives its public half, PEM. */
export async function makeKey(bench: YubiHsmBench, capabilities = 'sign-ecdsa:exportable-under-wrap'): Promise<string> {
  const id = String(keyId)
  await bench.shell('-a', 'generate-asymmetric-key', '-i', id, '-A', 'ecp256', '-c', capabilities, '-l', 'release')
  return await publicKeyOf(bench, keyId)
}

export async function publicKeyOf(bench: YubiHsmBench, id: number): Promise<string> {
  const told = await bench.shell('-a', 'get-public-key', '-i', String(id), '-t', 'asymmetric-key')
  return /-----BEGIN[^]*?-----END PUBLIC KEY-----/.exec(told)?.[0] ?? ''
}

/** ECDSA with SHA-256, r‖s. */
export async function signMessage(open: Pkcs11Session, message: Uint8Array): Promise<Buffer> {
  return await sign(open, await privateKey(open, keyId), { mechanism: pkcs11js.CKM_ECDSA_SHA256 }, message)
}

export function isBy(publicKeyPem: string, message: Uint8Array, signature: Uint8Array): boolean {
  return verify('sha256', message, { key: publicKeyPem, dsaEncoding: 'ieee-p1363' }, signature)
}

/** The name of the PKCS#11 error that something ended with. */
export async function codeOf(attempt: Promise<unknown>): Promise<string> {
  return await attempt.then(
    () => 'CKR_OK',
    (error: unknown) => /CKR_\w+/.exec(String(error))?.[0] ?? String(error),
  )
}
