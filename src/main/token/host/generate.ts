import { X509Certificate } from 'node:crypto'
import pkcs11js from 'pkcs11js'
import { type GeneratedAlgorithm, generatedAlgorithm } from '../../../shared/key-generation.ts'
import { tokenKind } from '../../../shared/key-place.ts'
import { readCertificateFields } from '../../asn1/certificate-fields.ts'
import type { HostAnswer, HostRequest } from '../protocol.ts'
import { findCertificates, flag, readPublicKey } from './keys.ts'
import { CKA_YUBICO_PIN_POLICY, CKA_YUBICO_TOUCH_POLICY, type Handle, type Pkcs11Module } from './module.ts'
import type { Pin } from './pin.ts'
import { CryptokiFailure, failureOf, HostError } from './pkcs11-error.ts'
import { CKK_EC_EDWARDS, publicKeyAttributes, publicKeyOf, publicKeyOfSpki } from './public-key.ts'
import { checkPin, closeQuietly, login } from './session.ts'
import { findToken } from './tokens.ts'

type Request<O extends HostRequest['op']> = Extract<HostRequest, { op: O }>

/** pkcs11js has no name for it (PKCS#11 v3.0). */
const CKM_EC_EDWARDS_KEY_PAIR_GEN = 0x1055

type Recipe = {
  readonly mechanism: number
  readonly keyType: number
  /** Modulus bits, or the bits of the curve: what a mechanism's smallest and largest size are compared with. */
  readonly bits: number
  /** What makes the public half, besides its names. */
  readonly parameters: () => pkcs11js.Template
}

const rsa = (bits: number): Recipe => ({
  mechanism: pkcs11js.CKM_RSA_PKCS_KEY_PAIR_GEN,
  keyType: pkcs11js.CKK_RSA,
  bits,
  parameters: () => [
    { type: pkcs11js.CKA_MODULUS_BITS, value: bits },
    { type: pkcs11js.CKA_PUBLIC_EXPONENT, value: Buffer.from([1, 0, 1]) },
  ],
})
const ec = (bits: number, oid: string): Recipe => ({
  mechanism: pkcs11js.CKM_EC_KEY_PAIR_GEN,
  keyType: pkcs11js.CKK_EC,
  bits,
  parameters: () => [{ type: pkcs11js.CKA_EC_PARAMS, value: Buffer.from(oid, 'hex') }],
})

const recipes: Readonly<Record<GeneratedAlgorithm, Recipe>> = {
  'rsa-2048': rsa(2048),
  'rsa-3072': rsa(3072),
  'rsa-4096': rsa(4096),
  'ec-p256': ec(256, '06082a8648ce3d030107'),
  'ec-p384': ec(384, '06052b81040022'),
  ed25519: {
    mechanism: CKM_EC_EDWARDS_KEY_PAIR_GEN,
    keyType: CKK_EC_EDWARDS,
    bits: 255,
    // "edwards25519" as a PrintableString (PKCS#11 v3.1 §6.3.5).
    parameters: () => [{ type: pkcs11js.CKA_EC_PARAMS, value: Buffer.from('130c656477617264733235353139', 'hex') }],
  },
}

/** What the token's own list of mechanisms says, and which ids are seen to be taken before anybody logs in. */
export function generationAbilities(
  module: Pkcs11Module,
  path: string,
  { token }: Request<'generation-abilities'>,
): HostAnswer<'generation-abilities'> {
  const { slot } = findToken(module, path, token)
  const listed = new Set(module.mechanisms(slot))
  const algorithms = generatedAlgorithm.options.filter((algorithm) => {
    const { mechanism, bits } = recipes[algorithm]
    if (!listed.has(mechanism)) return false
    const { flags, minKeySize, maxKeySize } = module.mechanismInfo(slot, mechanism)
    if ((flags & pkcs11js.CKF_GENERATE_KEY_PAIR) === 0) return false
    // A module that does not know its sizes says 0. One bit is forgiven: Ed25519 has 255 or 256.
    return maxKeySize === 0 || (bits + 1 >= minKeySize && bits <= maxKeySize)
  })
  const session = module.openSession(slot)
  try {
    const taken = objectClasses.flatMap(([objectClass]) =>
      module.findObjects(session, objectClass, null).flatMap((object) => {
        const id = module.attributes(session, object, [pkcs11js.CKA_ID]).get(pkcs11js.CKA_ID)
        return id === undefined || id.length === 0 || id.length > 128 ? [] : [id.toString('hex')]
      }),
    )
    return { algorithms, taken: [...new Set(taken)].sort() }
  } catch (error) {
    // A YubiHSM shows nothing before a login.
    if (error instanceof CryptokiFailure && error.cryptoki.number === pkcs11js.CKR_USER_NOT_LOGGED_IN)
      return { algorithms, taken: [] }
    throw error
  } finally {
    closeQuietly(module, session)
  }
}

type Listener = { readonly onLogin: () => void; readonly onGenerating: () => void }

/**
 * Makes a key pair on the token, under an id at which nothing is. The private half is sensitive and not extractable, and the
 * token's word on that is read back. From `onGenerating` on the token may hold a new key, whatever it answers.
 */
export function generateKey(
  module: Pkcs11Module,
  path: string,
  request: Request<'generate'>,
  pin: Pin,
  listener: Listener,
): HostAnswer<'generate'> {
  return loggedIn(module, path, request, pin, listener, (session) => {
    const id = Buffer.from(request.ckaId, 'hex')
    refuseOccupied(module, session, id)
    const recipe = recipes[request.algorithm]
    const templates = templatesFor(recipe, id, request)
    listener.onGenerating()
    const pair = madePair(module, session, recipe.mechanism, templates)
    try {
      return readBack(module, session, pair, request)
    } catch (error) {
      if (error instanceof HostError && error.failure.code === 'key-unprotected') throw error
      throw new HostError('generation-unclear', failureOf(error).detail)
    }
  })
}

/**
 * Puts the certificate beside its key. What is under the id is left alone, unless it is a YubiKey's slot: there ykcs11 put a
 * placeholder when it made the key, and a slot has one certificate. Also there a certificate of another key is left alone.
 */
export function storeCertificate(
  module: Pkcs11Module,
  path: string,
  request: Request<'store-certificate'>,
  pin: Pin,
  listener: Pick<Listener, 'onLogin'>,
): HostAnswer<'store-certificate'> {
  const fields = readCertificateFields(request.certificate)
  if (!fields.ok) throw new HostError('token-error', 'not a certificate')
  const { subject } = fields.value
  return loggedIn(module, path, request, pin, listener, (session) => {
    const id = Buffer.from(request.ckaId, 'hex')
    const key = readPublicKey(module, session, request.ckaId)
    if (key.spkiSha256 !== request.spkiSha256)
      throw new HostError('key-mismatch', `CKA_ID ${request.ckaId} holds another key`)
    const value = Buffer.from(request.certificate)
    if (spkiSha256Of(value) !== request.spkiSha256)
      throw new HostError('key-mismatch', 'the certificate is for another key')
    const there = findCertificates(module, session, id).filter(({ label }) => !/attestation/i.test(label))
    if (there.some(({ der }) => der.equals(value))) return 'there'
    const foreign = there.some(({ publicKey }) => publicKey.spkiSha256 !== request.spkiSha256)
    if (foreign || (there.length > 0 && tokenKind(request.token) !== 'piv'))
      throw new HostError('id-occupied', `CKA_ID ${request.ckaId}: certificate`)
    module.createObject(session, [
      { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_CERTIFICATE },
      { type: pkcs11js.CKA_CERTIFICATE_TYPE, value: pkcs11js.CKC_X_509 },
      { type: pkcs11js.CKA_TOKEN, value: true },
      { type: pkcs11js.CKA_PRIVATE, value: false },
      { type: pkcs11js.CKA_ID, value: id },
      { type: pkcs11js.CKA_LABEL, value: request.label },
      { type: pkcs11js.CKA_SUBJECT, value: Buffer.from(subject) },
      { type: pkcs11js.CKA_VALUE, value },
    ])
    return 'stored'
  })
}

/** The public key of an id, read after a login: a YubiHSM shows nothing before. The key that signs with it has to have it, too. */
export function revealPublicKey(
  module: Pkcs11Module,
  path: string,
  request: Request<'reveal-public-key'>,
  pin: Pin,
  listener: Pick<Listener, 'onLogin'>,
): HostAnswer<'reveal-public-key'> {
  return loggedIn(
    module,
    path,
    request,
    pin,
    listener,
    (session) => readPublicKey(module, session, request.ckaId).spki,
    'read',
  )
}

/** Of a certificate that main has read before; null where OpenSSL cannot. */
function spkiSha256Of(certificate: Buffer): string | null {
  try {
    const { publicKey } = new X509Certificate(certificate)
    return publicKeyOfSpki(publicKey.export({ type: 'spki', format: 'der' }))?.spkiSha256 ?? null
  } catch {
    return null
  }
}

/** Logs in for the one operation. The PIN is zeroed as soon as the token has it, whatever comes of it. */
function loggedIn<T>(
  module: Pkcs11Module,
  path: string,
  request: Request<'generate'> | Request<'store-certificate'> | Request<'reveal-public-key'>,
  pin: Pin,
  listener: Pick<Listener, 'onLogin'>,
  work: (session: Handle) => T,
  mode: 'read' | 'write' = 'write',
): T {
  let session: Handle | null = null
  try {
    const found = findToken(module, path, request.token)
    if (request.user === 'user') checkPin(found.summary, pin, request.useLastTry)
    else checkOfficerPin(module.tokenInfo(found.slot).flags, request.useLastTry)
    session = module.openSession(found.slot, mode)
    listener.onLogin()
    if (request.user === 'user') login(module, path, session, pin, request.token)
    else module.login(session, 'security-officer', pin.reveal())
    pin.wipe()
    return work(session)
  } finally {
    pin.wipe()
    if (session !== null) closeQuietly(module, session)
  }
}

/** Invariant I6 for the security officer's PIN. A YubiKey's management key has no counter and shows no flag. */
function checkOfficerPin(flags: number, useLastTry: boolean): void {
  if ((flags & pkcs11js.CKF_SO_PIN_LOCKED) !== 0) throw new HostError('pin-locked', 'CKF_SO_PIN_LOCKED')
  if ((flags & pkcs11js.CKF_SO_PIN_FINAL_TRY) !== 0 && !useLastTry)
    throw new HostError('pin-last-try', 'CKF_SO_PIN_FINAL_TRY')
}

const objectClasses = [
  [pkcs11js.CKO_PRIVATE_KEY, 'private key'],
  [pkcs11js.CKO_PUBLIC_KEY, 'public key'],
  [pkcs11js.CKO_CERTIFICATE, 'certificate'],
  [pkcs11js.CKO_SECRET_KEY, 'secret key'],
] as const

/** ykcs11 would make a new key over the one that is in the slot, and SoftHSM a second one under the same id. */
function refuseOccupied(module: Pkcs11Module, session: Handle, id: Buffer): void {
  const there = objectClasses.filter(([objectClass]) => module.findObjects(session, objectClass, id).length > 0)
  if (there.length > 0)
    throw new HostError('id-occupied', `CKA_ID ${id.toString('hex')}: ${there.map(([, name]) => name).join(', ')}`)
}

const policyValues = { default: 0, never: 1, once: 2, always: 3 } as const
const touchValues = { default: 0, never: 1, always: 2, cached: 3 } as const

type Templates = { readonly publicHalf: pkcs11js.Template; readonly privateHalf: pkcs11js.Template }

function templatesFor(recipe: Recipe, id: Buffer, request: Request<'generate'>): Templates {
  return tokenKind(request.token) === 'piv' ? slotTemplates(recipe, id, request) : objectTemplates(recipe, id, request)
}

function objectTemplates(recipe: Recipe, id: Buffer, { label }: Request<'generate'>): Templates {
  const named: pkcs11js.Template = [
    { type: pkcs11js.CKA_KEY_TYPE, value: recipe.keyType },
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_ID, value: id },
    { type: pkcs11js.CKA_LABEL, value: label },
  ]
  const privateHalf: pkcs11js.Template = [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
    ...named,
    { type: pkcs11js.CKA_PRIVATE, value: true },
    { type: pkcs11js.CKA_SENSITIVE, value: true },
    { type: pkcs11js.CKA_EXTRACTABLE, value: false },
    { type: pkcs11js.CKA_SIGN, value: true },
  ]
  const publicHalf: pkcs11js.Template = [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PUBLIC_KEY },
    ...named,
    { type: pkcs11js.CKA_VERIFY, value: true },
    ...recipe.parameters(),
  ]
  return { publicHalf, privateHalf }
}

/**
 * A slot's key never leaves a YubiKey, whatever it is asked, and a slot has the name that it has: ykcs11 before 2.7 takes no
 * attribute that says so.
 */
function slotTemplates(recipe: Recipe, id: Buffer, { policies }: Request<'generate'>): Templates {
  const named: pkcs11js.Template = [
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_ID, value: id },
  ]
  const privateHalf: pkcs11js.Template = [{ type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY }, ...named]
  // One byte each, as ykcs11 reads them. Left out where nothing is asked: ykcs11 before 2.7 does not know them.
  if (policies.pin !== 'default')
    privateHalf.push({ type: CKA_YUBICO_PIN_POLICY, value: Buffer.from([policyValues[policies.pin]]) })
  if (policies.touch !== 'default')
    privateHalf.push({ type: CKA_YUBICO_TOUCH_POLICY, value: Buffer.from([touchValues[policies.touch]]) })
  const publicHalf: pkcs11js.Template = [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PUBLIC_KEY },
    ...named,
    ...recipe.parameters(),
  ]
  return { publicHalf, privateHalf }
}

/** Answers by which a module says that it did not begin. After any other error a key may be there. */
const notBegun: ReadonlySet<number> = new Set([
  pkcs11js.CKR_MECHANISM_INVALID,
  pkcs11js.CKR_MECHANISM_PARAM_INVALID,
  pkcs11js.CKR_TEMPLATE_INCOMPLETE,
  pkcs11js.CKR_TEMPLATE_INCONSISTENT,
  pkcs11js.CKR_ATTRIBUTE_TYPE_INVALID,
  pkcs11js.CKR_ATTRIBUTE_VALUE_INVALID,
  pkcs11js.CKR_ATTRIBUTE_READ_ONLY,
  pkcs11js.CKR_KEY_SIZE_RANGE,
  pkcs11js.CKR_DOMAIN_PARAMS_INVALID,
  pkcs11js.CKR_FUNCTION_NOT_SUPPORTED,
  pkcs11js.CKR_USER_NOT_LOGGED_IN,
  pkcs11js.CKR_SESSION_READ_ONLY,
  pkcs11js.CKR_TOKEN_WRITE_PROTECTED,
])

function madePair(module: Pkcs11Module, session: Handle, mechanism: number, templates: Templates): pkcs11js.KeyPair {
  try {
    return module.generateKeyPair(session, mechanism, templates.publicHalf, templates.privateHalf)
  } catch (error) {
    const refused = error instanceof CryptokiFailure && notBegun.has(error.cryptoki.number)
    throw new HostError(refused ? 'generation-refused' : 'generation-unclear', failureOf(error).detail)
  }
}

/** The key as the token shows it now: found anew by its id, of the kind that was asked for, and unable to leave the token. */
function readBack(
  module: Pkcs11Module,
  session: Handle,
  pair: pkcs11js.KeyPair,
  request: Request<'generate'>,
): HostAnswer<'generate'> {
  const found = readPublicKey(module, session, request.ckaId)
  const handed = publicKeyOf(module.attributes(session, pair.publicKey, publicKeyAttributes))
  if (found.algorithm !== request.algorithm || handed === null || handed.spkiSha256 !== found.spkiSha256)
    throw new HostError('key-mismatch', 'the public key is not the one that was asked for')
  const said = module.attributes(session, pair.privateKey, [
    pkcs11js.CKA_LOCAL,
    pkcs11js.CKA_SENSITIVE,
    pkcs11js.CKA_EXTRACTABLE,
  ])
  const sensitive = flag(said, pkcs11js.CKA_SENSITIVE)
  const extractable = flag(said, pkcs11js.CKA_EXTRACTABLE)
  if (sensitive === false || extractable === true)
    throw new HostError('key-unprotected', 'CKA_SENSITIVE or CKA_EXTRACTABLE')
  return { spki: found.spki, local: flag(said, pkcs11js.CKA_LOCAL), sensitive, extractable }
}
