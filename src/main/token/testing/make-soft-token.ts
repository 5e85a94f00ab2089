// Runs as a process: a specification as JSON on standard input, the tokens that were made as JSON on standard output.
import { createHash, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pkcs11js from 'pkcs11js'
import { sha256DigestInfo } from '../../asn1/signature-value.ts'
import { prepareCertificate } from '../../pki/certificate-builder.ts'
import type { SoftKey, SoftKeySpec, SoftToken, SoftTokenSpec } from './soft-token.ts'

type Handle = pkcs11js.Handle
type Pair = { readonly privateKey: Handle; readonly spki: Buffer }

const soPin = 'security-officer'
const CKM_EC_EDWARDS_KEY_PAIR_GEN = 0x1055
const curves = {
  'ec-p256': {
    params: '06082a8648ce3d030107',
    prefix: '3059301306072a8648ce3d020106082a8648ce3d030107034200',
    wrapped: 2,
  },
  'ec-p384': { params: '06052b81040022', prefix: '3076301006072a8648ce3d020106052b81040022036200', wrapped: 2 },
  ed25519: { params: '06032b6570', prefix: '302a300506032b6570032100', wrapped: 2 },
} as const

// The parent wrote it; see soft-token.ts.
const spec = JSON.parse(readFileSync(0, 'utf8')) as { module: string; directory: string; tokens: SoftTokenSpec[] }
const lib = new pkcs11js.PKCS11()
lib.load(spec.module)
lib.C_Initialize()
for (const { label } of spec.tokens) {
  const free = lib
    .C_GetSlotList(true)
    .find((slot) => (lib.C_GetTokenInfo(slot).flags & pkcs11js.CKF_TOKEN_INITIALIZED) === 0)
  if (free === undefined) throw new Error('SoftHSM shows no free slot')
  // pkcs11js reads 32 bytes of the label whatever its length.
  lib.C_InitToken(free, soPin, label.padEnd(32))
  // The slots get their numbers, and the next free slot appears, with the next start.
  lib.C_Finalize()
  lib.C_Initialize()
}
const taken: Handle[] = []
process.stdout.write(JSON.stringify(spec.tokens.map(fillToken)))
lib.C_Finalize()

function fillToken(token: SoftTokenSpec): SoftToken {
  const slot = lib.C_GetSlotList(true).find((candidate) => {
    const same = lib.C_GetTokenInfo(candidate).label.trim() === token.label
    return same && !taken.some((other) => other.equals(candidate))
  })
  if (slot === undefined) throw new Error(`no token ${token.label}`)
  taken.push(slot)
  const session = lib.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION)
  lib.C_Login(session, pkcs11js.CKU_SO, soPin)
  lib.C_InitPIN(session, token.pin)
  lib.C_Logout(session)
  lib.C_Login(session, pkcs11js.CKU_USER, token.pin)
  const info = lib.C_GetTokenInfo(slot)
  const keys = token.keys.map((key, index) => makeKey(session, token, key, index))
  lib.C_Logout(session)
  lib.C_CloseSession(session)
  const id = { manufacturer: info.manufacturerID.trim(), model: info.model.trim(), serial: info.serialNumber.trim() }
  return { label: token.label, pin: token.pin, id, keys }
}

function makeKey(session: Handle, token: SoftTokenSpec, key: SoftKeySpec, index: number): SoftKey {
  const ckaId = key.ckaId ?? (index + 1).toString(16).padStart(2, '0')
  const id = Buffer.from(ckaId, 'hex')
  const imported = key.alwaysAuthenticate === true || key.twice === true
  const pair = imported ? importRsa(session, key, id) : generate(session, key, id)
  const certificate = key.commonName === undefined ? null : certify(session, key, pair, key.commonName)
  if (certificate !== null) {
    lib.C_CreateObject(session, [
      { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_CERTIFICATE },
      { type: pkcs11js.CKA_CERTIFICATE_TYPE, value: pkcs11js.CKC_X_509 },
      { type: pkcs11js.CKA_TOKEN, value: true },
      { type: pkcs11js.CKA_PRIVATE, value: false },
      { type: pkcs11js.CKA_ID, value: id },
      { type: pkcs11js.CKA_LABEL, value: key.commonName ?? '' },
      { type: pkcs11js.CKA_SUBJECT, value: Buffer.from([0x30, 0x00]) },
      { type: pkcs11js.CKA_VALUE, value: certificate },
    ])
  }
  const pem = certificate === null ? null : pemOf(certificate)
  const certificatePath =
    pem === null ? null : join(spec.directory, `${token.label}-${ckaId}-${randomBytes(3).toString('hex')}.pem`)
  if (certificatePath !== null && pem !== null) writeFileSync(certificatePath, pem)
  return {
    ckaId,
    algorithm: key.algorithm,
    spkiBase64: pair.spki.toString('base64'),
    spkiSha256: createHash('sha256').update(pair.spki).digest('hex'),
    certificatePath,
    certificatePem: pem,
    fingerprint: certificate === null ? null : createHash('sha256').update(certificate).digest('hex').toUpperCase(),
  }
}

function generate(session: Handle, key: SoftKeySpec, id: Buffer): Pair {
  const rsa = key.algorithm.startsWith('rsa-')
  const common = [
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_ID, value: id },
    { type: pkcs11js.CKA_LABEL, value: `${key.algorithm} key` },
  ]
  const own =
    key.algorithm === 'rsa-2048' || key.algorithm === 'rsa-3072' || key.algorithm === 'rsa-4096'
      ? [
          { type: pkcs11js.CKA_MODULUS_BITS, value: Number(key.algorithm.slice(4)) },
          { type: pkcs11js.CKA_PUBLIC_EXPONENT, value: Buffer.from([1, 0, 1]) },
        ]
      : [{ type: pkcs11js.CKA_EC_PARAMS, value: Buffer.from(curves[key.algorithm].params, 'hex') }]
  const mechanism = rsa
    ? pkcs11js.CKM_RSA_PKCS_KEY_PAIR_GEN
    : key.algorithm === 'ed25519'
      ? CKM_EC_EDWARDS_KEY_PAIR_GEN
      : pkcs11js.CKM_EC_KEY_PAIR_GEN
  const pair = lib.C_GenerateKeyPair(
    session,
    { mechanism },
    [...common, ...own, { type: pkcs11js.CKA_VERIFY, value: true }],
    [
      ...common,
      { type: pkcs11js.CKA_PRIVATE, value: true },
      { type: pkcs11js.CKA_SENSITIVE, value: true },
      { type: pkcs11js.CKA_EXTRACTABLE, value: false },
      { type: pkcs11js.CKA_SIGN, value: true },
    ],
  )
  return { privateKey: pair.privateKey, spki: readSpki(session, pair.publicKey, key) }
}

/** A second way to the SubjectPublicKeyInfo than the token process has: prefixes for curves, DER of the certificate builder's kin for RSA. */
function readSpki(session: Handle, publicKey: Handle, key: SoftKeySpec): Buffer {
  const read = (type: number) => lib.C_GetAttributeValue(session, publicKey, [{ type }])[0]?.value ?? Buffer.alloc(0)
  if (key.algorithm === 'rsa-2048' || key.algorithm === 'rsa-3072' || key.algorithm === 'rsa-4096') {
    const jwk = { kty: 'RSA', n: read(pkcs11js.CKA_MODULUS).toString('base64url'), e: 'AQAB' }
    return createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'der' })
  }
  const { prefix, wrapped } = curves[key.algorithm]
  return Buffer.concat([Buffer.from(prefix, 'hex'), read(pkcs11js.CKA_EC_POINT).subarray(wrapped)])
}

function importRsa(session: Handle, key: SoftKeySpec, id: Buffer): Pair {
  const pair = generateKeyPairSync('rsa', { modulusLength: Number(key.algorithm.slice(4)) })
  const jwk = pair.privateKey.export({ format: 'jwk' })
  const part = (name: 'n' | 'e' | 'd' | 'p' | 'q' | 'dp' | 'dq' | 'qi') => Buffer.from(jwk[name] ?? '', 'base64url')
  const create = () =>
    lib.C_CreateObject(session, [
      { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
      { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_RSA },
      { type: pkcs11js.CKA_TOKEN, value: true },
      { type: pkcs11js.CKA_PRIVATE, value: true },
      { type: pkcs11js.CKA_SIGN, value: true },
      { type: pkcs11js.CKA_ALWAYS_AUTHENTICATE, value: key.alwaysAuthenticate === true },
      { type: pkcs11js.CKA_ID, value: id },
      { type: pkcs11js.CKA_LABEL, value: `${key.algorithm} imported` },
      { type: pkcs11js.CKA_MODULUS, value: part('n') },
      { type: pkcs11js.CKA_PUBLIC_EXPONENT, value: part('e') },
      { type: pkcs11js.CKA_PRIVATE_EXPONENT, value: part('d') },
      { type: pkcs11js.CKA_PRIME_1, value: part('p') },
      { type: pkcs11js.CKA_PRIME_2, value: part('q') },
      { type: pkcs11js.CKA_EXPONENT_1, value: part('dp') },
      { type: pkcs11js.CKA_EXPONENT_2, value: part('dq') },
      { type: pkcs11js.CKA_COEFFICIENT, value: part('qi') },
    ])
  if (key.twice === true) create()
  return { privateKey: create(), spki: pair.publicKey.export({ type: 'spki', format: 'der' }) }
}

function certify(session: Handle, key: SoftKeySpec, pair: Pair, commonName: string): Buffer {
  if (key.algorithm === 'ed25519' || key.alwaysAuthenticate === true)
    throw new Error('no certificate for this kind of key')
  const rsa = key.algorithm.startsWith('rsa-')
  const now = Date.now()
  const prepared = prepareCertificate({
    subject: [{ type: 'commonName', value: commonName }],
    issuer: null,
    spki: pair.spki,
    // Positive and without a leading zero octet.
    serialNumber: Buffer.concat([Buffer.from([0x5a]), randomBytes(15)]),
    notBefore: new Date(now - 24 * 3600 * 1000),
    notAfter: new Date(now + 15 * 365 * 24 * 3600 * 1000),
    isCa: false,
    keyUsage: ['digitalSignature'],
    codeSigning: true,
    scheme: rsa ? 'rsa-pkcs1-sha256' : 'ecdsa-sha256',
  })
  const data = Buffer.from(rsa ? sha256DigestInfo(prepared.request.digest) : prepared.request.digest)
  lib.C_SignInit(session, { mechanism: rsa ? pkcs11js.CKM_RSA_PKCS : pkcs11js.CKM_ECDSA }, pair.privateKey)
  return Buffer.from(prepared.assemble(lib.C_Sign(session, data, Buffer.alloc(512))))
}

function pemOf(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}
