import { X509Certificate } from 'node:crypto'
import pkcs11js from 'pkcs11js'
import type { TokenId, TokenObject } from '../../../shared/token.ts'
import { type KeyPolicies, readKeyPolicies } from './key-policies.ts'
import type { Attributes, Handle, Pkcs11Module } from './module.ts'
import { HostError } from './pkcs11-error.ts'
import { CKK_EC_EDWARDS, type PublicKey, publicKeyAttributes, publicKeyOf, publicKeyOfSpki } from './public-key.ts'

type FoundKey = {
  readonly handle: Handle
  readonly id: string
  readonly attributes: Attributes
  readonly publicKey: PublicKey | null
}
export type FoundCertificate = {
  readonly id: string
  readonly label: string
  readonly pem: string
  readonly notAfter: string
  readonly der: Buffer
  readonly publicKey: PublicKey
}

/** The longest certificate that is looked at; real ones have 1 to 4 kB. */
const maxCertificate = 48 * 1024

const described = [pkcs11js.CKA_ID, pkcs11js.CKA_LABEL, pkcs11js.CKA_LOCAL, pkcs11js.CKA_ALWAYS_AUTHENTICATE] as const

/**
 * The keys of a token as far as they can be seen, one row for each id and public key. Objects without CKA_ID are left out: they
 * could not be named again. Before login most tokens show public keys and certificates only.
 */
export function listKeys(module: Pkcs11Module, session: Handle, token: TokenId): TokenObject[] {
  // Only a YubiKey has them; before the login its module shows them in the attestation, if at all.
  const hasPolicies = token.model.startsWith('YubiKey')
  const publicKeys = findKeys(module, session, pkcs11js.CKO_PUBLIC_KEY, null)
  const privateKeys = findKeys(module, session, pkcs11js.CKO_PRIVATE_KEY, null)
  const certificates = findCertificates(module, session, null)
  const rows = new Map<string, TokenObject>()
  for (const key of [...publicKeys, ...privateKeys]) {
    // A private EC key does not hold its point: its row is the public key's of the same id.
    const publicKey = key.publicKey ?? publicKeys.find((other) => other.id === key.id)?.publicKey ?? null
    const name = `${key.id} ${publicKey?.spkiSha256 ?? ''}`
    const before = rows.get(name)
    const certificate = publicKey === null ? null : certificateOf(publicKey, key.id, certificates)
    const local = flag(key.attributes, pkcs11js.CKA_LOCAL)
    rows.set(name, {
      ckaId: key.id,
      label: before?.label || label(key.attributes),
      algorithm: publicKey?.algorithm ?? 'unsupported',
      spkiSha256: publicKey?.spkiSha256 ?? null,
      certificatePem: certificate?.pem ?? null,
      certificateNotAfter: certificate?.notAfter ?? null,
      policies: before?.policies ?? (hasPolicies ? readKeyPolicies(module, session, key.handle, key.id) : null),
      alwaysAuthenticate: before?.alwaysAuthenticate ?? flag(key.attributes, pkcs11js.CKA_ALWAYS_AUTHENTICATE),
      // Both halves must say so.
      generatedOnToken:
        before === undefined || before.generatedOnToken === null
          ? local
          : local === null
            ? before.generatedOnToken
            : local && before.generatedOnToken,
    })
  }
  return [...rows.values()].sort((a, b) => a.ckaId.localeCompare(b.ckaId))
}

/** The public key of an id: of the public key object, or of the certificate where the token keeps none (OpenSC). */
export function readPublicKey(module: Pkcs11Module, session: Handle, ckaId: string): PublicKey {
  const id = Buffer.from(ckaId, 'hex')
  const found = publicKeysOf(module, session, id)
  const [key] = found
  if (key === undefined) throw new HostError('key-absent', `CKA_ID ${ckaId}`)
  if (found.length > 1) throw new HostError('key-ambiguous', `${found.length} public keys with CKA_ID ${ckaId}`)
  return key
}

export type PrivateKey = {
  readonly handle: Handle
  readonly publicKey: PublicKey
  readonly alwaysAuthenticate: boolean
  readonly policies: KeyPolicies
}

/**
 * Finds the private key that belongs to a registered public key. The id alone proves nothing: whoever can write to the token
 * can put another key under it. An RSA private key is compared by its own modulus; a private EC key does not hold its point, so
 * the public object of the id stands for it, and the check of every signature is what proves it.
 */
export function findPrivateKey(module: Pkcs11Module, session: Handle, ckaId: string, spkiSha256: string): PrivateKey {
  const id = Buffer.from(ckaId, 'hex')
  const privateKeys = findKeys(module, session, pkcs11js.CKO_PRIVATE_KEY, id)
  if (privateKeys.length === 0) throw new HostError('key-absent', `CKA_ID ${ckaId}`)
  const publicKeys = publicKeysOf(module, session, id)
  const matches = privateKeys.flatMap((key) => {
    const candidates =
      key.publicKey === null ? publicKeys.filter((candidate) => sameType(candidate, key.attributes)) : [key.publicKey]
    const publicKey = candidates.find((candidate) => candidate.spkiSha256 === spkiSha256)
    return publicKey === undefined ? [] : [{ key, publicKey }]
  })
  const [match] = matches
  if (match === undefined) throw new HostError('key-mismatch', `CKA_ID ${ckaId} holds another key`)
  if (matches.length > 1) throw new HostError('key-ambiguous', `${matches.length} private keys with CKA_ID ${ckaId}`)
  const { attributes, handle } = match.key
  return {
    handle,
    publicKey: match.publicKey,
    alwaysAuthenticate: flag(attributes, pkcs11js.CKA_ALWAYS_AUTHENTICATE) ?? false,
    policies: readKeyPolicies(module, session, handle, ckaId),
  }
}

function publicKeysOf(module: Pkcs11Module, session: Handle, id: Buffer): PublicKey[] {
  const keys = findKeys(module, session, pkcs11js.CKO_PUBLIC_KEY, id).map((key) => key.publicKey)
  const certificates = findCertificates(module, session, id).map((certificate) => certificate.publicKey)
  const bySpki = new Map<string, PublicKey>()
  for (const key of [...keys, ...certificates]) if (key !== null) bySpki.set(key.spkiSha256, key)
  return [...bySpki.values()]
}

function findKeys(module: Pkcs11Module, session: Handle, objectClass: number, id: Buffer | null): FoundKey[] {
  return module.findObjects(session, objectClass, id).flatMap((handle) => {
    const attributes = module.attributes(session, handle, [...described, ...publicKeyAttributes])
    const found = attributes.get(pkcs11js.CKA_ID)
    if (found === undefined || found.length === 0 || found.length > 128) return []
    return [{ handle, id: found.toString('hex'), attributes, publicKey: publicKeyOf(attributes) }]
  })
}

export function findCertificates(module: Pkcs11Module, session: Handle, id: Buffer | null): FoundCertificate[] {
  return module.findObjects(session, pkcs11js.CKO_CERTIFICATE, id).flatMap((handle) => {
    const attributes = module.attributes(session, handle, [pkcs11js.CKA_ID, pkcs11js.CKA_LABEL, pkcs11js.CKA_VALUE])
    const der = attributes.get(pkcs11js.CKA_VALUE)
    if (der === undefined || der.length === 0 || der.length > maxCertificate) return []
    try {
      const certificate = new X509Certificate(der)
      const publicKey = publicKeyOfSpki(certificate.publicKey.export({ type: 'spki', format: 'der' }))
      const found = {
        id: attributes.get(pkcs11js.CKA_ID)?.toString('hex') ?? '',
        label: label(attributes),
        pem: certificate.toString(),
        notAfter: new Date(certificate.validTo).toISOString(),
        der,
      }
      return publicKey === null ? [] : [{ ...found, publicKey }]
    } catch {
      // Not a certificate: a YubiHSM shows opaque objects as such.
      return []
    }
  })
}

/**
 * By public key, then by id. ykcs11 shows the attestation certificate of a slot under the same id, and it certifies the same
 * public key: it comes last.
 */
function certificateOf(key: PublicKey, id: string, certificates: readonly FoundCertificate[]): FoundCertificate | null {
  const rank = (certificate: FoundCertificate) =>
    (/attestation/i.test(certificate.label) ? 2 : 0) + (certificate.id === id ? 0 : 1)
  const matching = certificates.filter((certificate) => certificate.publicKey.spkiSha256 === key.spkiSha256)
  return matching.sort((a, b) => rank(a) - rank(b))[0] ?? null
}

function sameType(key: PublicKey, attributes: Attributes): boolean {
  const type = attributes.get(pkcs11js.CKA_KEY_TYPE)?.readUInt32LE(0)
  if (key.algorithm === 'ed25519') return type === CKK_EC_EDWARDS
  return type === (key.algorithm.startsWith('ec-') ? pkcs11js.CKK_EC : pkcs11js.CKK_RSA)
}

export function flag(attributes: Attributes, type: number): boolean | null {
  const value = attributes.get(type)
  return value === undefined || value.length === 0 ? null : value[0] !== 0
}

function label(attributes: Attributes): string {
  return (attributes.get(pkcs11js.CKA_LABEL)?.toString('utf8') ?? '').slice(0, 200)
}
