import type { AttestationRecord } from '../../../shared/attestation.ts'
import type { OpenPgpKeyFacts, RegisteredKey } from '../../../shared/key.ts'
import { idProblem, pivSlots, tokenKind } from '../../../shared/key-place.ts'
import { noExpiry } from '../../../shared/no-expiry.ts'
import type { TokenId, TokenObject, TokenSummary } from '../../../shared/token.ts'
import type { Tone } from '../../design/Badge.tsx'
import { digest, type Fact, name, text } from '../../parts/fact.ts'
import { daysUntil, utc } from '../../parts/format.ts'
import { sameToken } from '../../parts/pin-view.ts'
import { algorithmWords, keyStateWords, pinStateWords } from '../../parts/wording.ts'
import { attestationView, originFact } from './attestation-view.ts'

type Word = { readonly text: string; readonly tone: Tone }

export type KeyCardView = {
  readonly description: string
  readonly production: boolean
  readonly state: Word
  readonly usable: Word & { readonly why: string | null }
  readonly validity: Word
  /** Null for a key in software. */
  readonly attestation: Word | null
  readonly facts: readonly Fact[]
}

/** What a key lacks. One that cannot be used is never called usable, whatever the station says is missing. */
const missingWords: Readonly<Record<RegisteredKey['availability'], Word>> = {
  usable: { text: 'Not usable now', tone: 'attention' },
  'not-known': { text: 'Not usable now', tone: 'attention' },
  'out-of-use': { text: 'Not in use', tone: 'neutral' },
  'token-absent': { text: 'Token not here', tone: 'attention' },
  'key-absent': { text: 'Not on its token', tone: 'refused' },
  'key-differs': { text: 'Another key in its place', tone: 'refused' },
  'pin-locked': { text: 'PIN locked', tone: 'refused' },
  'service-key-absent': { text: 'Service key missing', tone: 'attention' },
}

/** From this many days on the certificate's end is worth a word. */
const soonDays = 60

export function keyCard(key: RegisteredKey, now: number, attestations: readonly AttestationRecord[] = []): KeyCardView {
  const verified = { source: 'station', assurance: 'verified' } as const
  const { certificate, home } = key
  return {
    description: key.description,
    production: key.production,
    state: keyStateWords[key.state],
    usable: key.usableNow
      ? { text: 'Usable now', tone: 'passed', why: null }
      : { ...missingWords[key.availability], why: key.unusableBecause ?? 'The station does not know why.' },
    validity:
      key.openpgp?.revoked === true
        ? { text: 'Revoked', tone: 'refused' }
        : validity(certificate.notBefore, certificate.notAfter, now),
    attestation: attestationView(key, attestations)?.badge ?? null,
    facts: [
      {
        id: 'purpose',
        label: 'Purpose',
        value: text(`${key.purpose}, ${algorithmWords[key.algorithm]}`),
        ...verified,
      },
      originFact(key, attestations),
      { id: 'fingerprint', label: 'Fingerprint', value: digest(key.fingerprint), ...verified },
      ...ownerFacts(key),
      {
        id: 'valid',
        label: 'Valid',
        value: text(
          `${certificate.notBefore.slice(0, 10)} to ${certificate.notAfter === noExpiry ? 'no end' : certificate.notAfter.slice(0, 10)}`,
        ),
        ...verified,
      },
      home.kind === 'token'
        ? {
            id: 'home',
            label: 'Token',
            value: name(
              `${home.token.manufacturer} ${home.token.model}, serial ${home.token.serial}, ${placeOf(home.token, home.ckaId)}`,
            ),
            ...verified,
          }
        : {
            id: 'home',
            label: 'Kept',
            value: text('in this station’s database, sealed for its service key'),
            ...verified,
          },
      { id: 'registered', label: 'Registered', value: { kind: 'time', iso: key.createdAt }, ...verified },
      ...(home.kind === 'software' ? [] : [seenFact(key.lastSeen)]),
      key.lastUsedAt === null
        ? { id: 'used', label: 'Last used', value: text('never'), ...verified }
        : { id: 'used', label: 'Last used', value: { kind: 'time', iso: key.lastUsedAt }, ...verified },
    ],
  }
}

function ownerFacts({ certificate, openpgp, fingerprint }: RegisteredKey): readonly Fact[] {
  const verified = { source: 'station', assurance: 'verified' } as const
  if (openpgp === null)
    return [
      { id: 'subject', label: 'Subject', value: name(certificate.subject), ...verified },
      {
        id: 'issuer',
        label: 'Issuer',
        value: certificate.selfSigned ? text('self-signed') : name(certificate.issuer),
        ...verified,
      },
    ]
  return [
    ...openpgp.userIds.map(
      (userId, index): Fact => ({ id: `user-${index}`, label: 'User id', value: name(userId), ...verified }),
    ),
    ...(openpgp.signingFingerprint === fingerprint
      ? []
      : [{ id: 'subkey', label: 'Signs as subkey', value: digest(openpgp.signingFingerprint), ...verified }]),
    ...primaryFacts(openpgp),
    ...(openpgp.version === 4
      ? []
      : [{ id: 'version', label: 'OpenPGP version', value: text(String(openpgp.version)), ...verified }]),
    {
      id: 'created',
      label: 'Created (part of its fingerprint)',
      value: { kind: 'time', iso: openpgp.created },
      ...verified,
    },
  ]
}

/** Where the key is that certifies, if another signs and the station knows. */
function primaryFacts({ primary }: OpenPgpKeyFacts): readonly Fact[] {
  if (primary === null) return []
  const { token, ckaId, algorithm } = primary
  const place = `${token.manufacturer} ${token.model}, serial ${token.serial}, ${placeOf(token, ckaId)}`
  const value = name(`${algorithmWords[algorithm]}, ${place}`)
  return [{ id: 'primary', label: 'Certified by the key', value, source: 'station', assurance: 'verified' }]
}

function seenFact(seen: RegisteredKey['lastSeen']): Fact {
  const read = { id: 'seen', label: 'Last seen', source: 'token', assurance: 'verified' } as const
  // The label is the token's own word; only its serial number and the key that was read count.
  return seen === null
    ? { ...read, value: text('not yet') }
    : { ...read, value: name(`${utc(seen.at)}, token “${seen.tokenLabel}”, through ${seen.module}`) }
}

export function validity(notBefore: string, notAfter: string, now: number): Word {
  if (notAfter === noExpiry) return { text: 'Does not expire', tone: 'neutral' }
  const left = daysUntil(notAfter, now)
  if (left < 0) return { text: `Expired ${-left} days ago`, tone: 'refused' }
  if (daysUntil(notBefore, now) >= 0 && Date.parse(notBefore) > now)
    return { text: `Not valid before ${utc(notBefore).slice(0, 10)}`, tone: 'refused' }
  return { text: `${left} days left`, tone: left <= soonDays ? 'attention' : 'neutral' }
}

export type TokenCardView = {
  readonly title: string
  readonly label: string
  readonly pin: Word
  /** Its keys are seen after the PIN only. */
  readonly hidesKeys: boolean
  readonly facts: readonly Fact[]
}

/** What of its mechanisms the station signs with. CKM_RSA_PKCS takes the digest as the station makes it; the others stand for families. */
const signing = [
  ['CKM_RSA_PKCS', 'RSA PKCS#1'],
  ['CKM_RSA_PKCS_PSS', 'RSA-PSS'],
  ['CKM_ECDSA', 'ECDSA'],
  ['CKM_EDDSA', 'Ed25519'],
] as const

function signsWith(mechanisms: readonly string[]): string {
  const found = signing.filter(([name]) => mechanisms.includes(name)).map(([, words]) => words)
  return `${found.length === 0 ? 'none that sign' : found.join(', ')} (${mechanisms.length} mechanisms)`
}

/** Yubico's modules put two numbers into one byte: 5.4.3 comes as 5.43, 2.4.0 as 2.40 (libykpiv, yubihsm-shell). */
export function firmwareWords({ id, firmware }: Pick<TokenSummary, 'id' | 'firmware'>): string {
  const [, major, minor, patch] = /^([0-9]+)\.([0-9]+)([0-9])$/.exec(firmware) ?? []
  return tokenKind(id) === 'generic' || patch === undefined ? firmware : `${major}.${minor}.${patch}`
}

export function tokenCard(token: TokenSummary, mechanisms: readonly string[] = []): TokenCardView {
  const claimed = { source: 'token', assurance: 'verified' } as const
  return {
    title: `${token.id.manufacturer} ${token.id.model}`,
    label: token.label,
    pin:
      tokenKind(token.id) === 'yubihsm' && token.pinState === 'ok'
        ? { text: 'PIN not counted', tone: 'neutral' }
        : pinStateWords[token.pinState],
    hidesKeys: tokenKind(token.id) === 'yubihsm',
    facts: [
      { id: 'serial', label: 'Serial', value: name(token.id.serial), ...claimed },
      { id: 'label', label: 'Label', value: name(token.label), ...claimed },
      { id: 'firmware', label: 'Firmware', value: name(firmwareWords(token)), ...claimed },
      {
        id: 'pin-length',
        label: 'PIN length',
        value: text(`${token.minPinLength} to ${token.maxPinLength}`),
        ...claimed,
      },
      ...(mechanisms.length === 0
        ? []
        : [{ id: 'mechanisms', label: 'Signs with', value: text(signsWith(mechanisms)), ...claimed }]),
      { id: 'module', label: 'Module', value: name(token.module), source: 'station', assurance: 'verified' },
    ],
  }
}

export type ObjectRowView = {
  readonly label: string
  /** A YubiKey's slot, or the id. */
  readonly place: string
  readonly about: string
  /** What it is registered as, or why it cannot be; null: nothing to say. */
  readonly note: string | null
  readonly registeredAs: { readonly description: string; readonly production: boolean } | null
  readonly mayRegister: boolean
  /** Of the certificate on the token; null: there is none. */
  readonly validity: Word | null
}

export function objectRow(
  token: TokenId,
  object: TokenObject,
  keys: readonly RegisteredKey[],
  now: number,
): ObjectRowView {
  const registered = keys.find(
    (key) => key.home.kind === 'token' && sameToken(key.home.token, token) && key.home.ckaId === object.ckaId,
  )
  const obstacle = obstacleOf(token, object)
  const { certificateNotAfter: end } = object
  return {
    label: object.label === '' ? '(no label)' : object.label,
    place: placeOf(token, object.ckaId),
    about: [algorithmWords[object.algorithm], originOf(object), ...policyWords(object)].join(', '),
    note: registered === undefined ? obstacle : `Registered as “${registered.description}”.`,
    registeredAs: registered ?? null,
    mayRegister: obstacle === null,
    validity: end === null ? null : validity(new Date(0).toISOString(), end, now),
  }
}

export function placeOf(token: TokenId, ckaId: string): string {
  if (tokenKind(token) !== 'piv') return `id ${ckaId}`
  if (ckaId === attestationSlotId) return 'slot F9'
  const slot = pivSlots.find((each) => each.ckaId === ckaId)
  return slot === undefined ? `id ${ckaId}` : `slot ${slot.slot}`
}

function originOf({ generatedOnToken }: TokenObject): string {
  if (generatedOnToken === null) return 'origin not said'
  return generatedOnToken ? 'generated on the token' : 'imported'
}

const pinPolicyWords = { never: 'no PIN', once: 'PIN once', always: 'PIN for each signature' } as const
const touchPolicyWords = {
  never: 'no touch',
  always: 'touch for each signature',
  cached: 'touch once in 15 seconds',
} as const

/** Only what somebody says: an unknown policy is no policy. */
function policyWords({ policies, alwaysAuthenticate }: TokenObject): readonly string[] {
  const pin =
    policies === null || policies.pin === 'unknown' ? (alwaysAuthenticate === true ? 'always' : null) : policies.pin
  const touch = policies === null || policies.touch === 'unknown' ? null : policies.touch
  return [...(pin === null ? [] : [pinPolicyWords[pin]]), ...(touch === null ? [] : [touchPolicyWords[touch]])]
}

/** ykcs11's CKA_ID of slot F9. */
export const attestationSlotId = '19'

function obstacleOf(token: TokenId, object: TokenObject): string | null {
  if (tokenKind(token) === 'piv' && object.ckaId === attestationSlotId)
    return 'The maker’s own key: it attests the others, and signs nothing else.'
  return object.algorithm === 'unsupported' ? 'The station cannot sign with this kind of key.' : null
}

/** The id of a key that its token does not show, as a person types it; tools write it with `0x`. */
export function objectIdOf(
  token: TokenId,
  typed: string,
): { readonly ckaId: string | null; readonly problem: string | null } {
  const ckaId = typed.trim().toLowerCase().replace(/^0x/, '')
  if (ckaId === '') return { ckaId: null, problem: null }
  const problem = idProblem(tokenKind(token), ckaId)
  return { ckaId: problem === null ? ckaId : null, problem }
}

/** ub-common-name, RFC 5280 Appendix A.1. */
const maxCommonName = 64

/** Why the description cannot be a certificate's common name, or null. Counted as main counts. */
export function commonNameProblem(description: string): string | null {
  const length = Array.from(description.trim()).length
  return length > maxCommonName
    ? `It becomes the certificate’s common name: at most ${maxCommonName} characters, not ${length}.`
    : null
}

/** Whether what was typed is an OpenPGP certificate, by its first line. */
export function isOpenPgpArmor(text: string): boolean {
  return text.trimStart().startsWith('-----BEGIN PGP PUBLIC KEY BLOCK-----')
}

/** Why the certificate as typed cannot be sent, or null. Main parses it; this only spares a round trip for the obvious. */
export function certificateProblem(pem: string): string | null {
  const blocks = pem.match(/-----BEGIN [^-]*-----/g) ?? []
  if (pem.trim() === '') return null
  if (/PRIVATE KEY/.test(pem)) return 'This holds a private key. Never paste a private key; the token keeps it.'
  if (blocks.length === 0) return 'This is no PEM certificate: it has no line “-----BEGIN CERTIFICATE-----”.'
  if (blocks.length > 1) return `This holds ${blocks.length} PEM blocks. Give the certificate of this key alone.`
  if (isOpenPgpArmor(pem))
    return pem.includes('-----END PGP PUBLIC KEY BLOCK-----') ? null : 'This is no complete OpenPGP certificate.'
  if (blocks[0] !== '-----BEGIN CERTIFICATE-----' || !pem.includes('-----END CERTIFICATE-----'))
    return 'This is no complete PEM certificate.'
  return null
}
