import { z } from 'zod'
import { sha256Hex } from '../../shared/ids.ts'
import { generatedAlgorithm, keyPolicies } from '../../shared/key-generation.ts'
import { maxKeyLabel } from '../../shared/key-place.ts'
import { keyAlgorithm, tokenId, tokenObject, tokenSummary } from '../../shared/token.ts'
import { hostFailure } from './host-failure.ts'

/**
 * The contract between main and a token process, both directions. It carries digests, never files, and no PIN: the PIN's bytes
 * go through a pipe of their own (`pinPipe`), one way, so no message that is parsed, copied or logged can hold one. Both ends
 * parse strictly: a module that an attacker controls speaks through the host, and main must not trust what comes back.
 */

/** Descriptors of a token process. `leash` ends when main ends: its end of file kills the process, even while the module hangs. */
export const descriptors = { leash: 0, ipc: 3, pinPipe: 4 } as const

/** PKCS#11 modules take at most 255 bytes (SoftHSM); a YubiHSM's 4 + 64. */
export const maxPinLength = 255

/** Digests in one message; a longer batch goes in several. */
export const maxBatch = 1024

/** Keys that one process holds open at once. Their sessions are named by numbers from 0. */
export const maxSessions = 16

const callId = z.int().positive()
const session = z.int().min(0).lt(maxSessions)
const bytes = (min: number, max: number) =>
  z.custom<Uint8Array>(
    (value) => value instanceof Uint8Array && value.length >= min && value.length <= max,
    `${min} to ${max} bytes`,
  )

const ckaId = z.string().regex(/^(?:[0-9a-f]{2}){1,128}$/)
const base64 = z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/)

/** debusine's `nacl` record, without its `storage` word. A PKCS#8 PEM of RSA-4096 has 3272 bytes. */
export const sealedKey = z.strictObject({ publicKey: base64.max(64), encrypted: base64.max(32_768) })
export type SealedKey = z.infer<typeof sealedKey>

const ed25519Key = bytes(32, 32)

/** How an operation that changes the token logs in, and how long the secret is that waits in the pipe. */
const tokenLogin = {
  user: z.enum(['user', 'security-officer']),
  pinLength: z.int().min(1).max(maxPinLength),
  useLastTry: z.boolean(),
}
/** What decides, before a login, whether a key can be opened. */
const beforeLogin = {
  token: tokenId,
  algorithm: keyAlgorithm,
  /** Length of the PIN that main has. Null: it has none. */
  pinLength: z.int().min(1).max(maxPinLength).nullable(),
  useLastTry: z.boolean(),
}
/** Which key a sealed record has to hold: nothing is sealed anew, and nothing is said to be whole, that holds another. */
export const sealedContent = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('private-key'), spkiSha256: sha256Hex }),
  z.strictObject({ kind: z.literal('log-key'), publicKey: ed25519Key }),
])
export type SealedContent = z.infer<typeof sealedContent>

/**
 * All that the key of the log ever signs: a checkpoint's three lines (docs/formats/checkpoint.md). Not any text, so that whoever
 * speaks in main's name cannot have something else signed with it.
 */
export const checkpointLines = z
  .string()
  .max(1000)
  .regex(/^[^\s\0]{1,400}\n(?:0|[1-9][0-9]{0,15})\n[A-Za-z0-9+/]{43}=\n$/)

/** As DEVICE INFO gives it: 32 bits. */
const deviceSerial = z.int().min(0).max(0xffff_ffff)

const hsmObjectId = z.int().min(1).max(0xfffe)
const hsmObjectType = z.enum(['asymmetric-key', 'wrap-key'])
/** Values of an option: off, on, or on until the device is reset. */
const optionValue = z.literal([0, 1, 2])

export const digestRequest = z.discriminatedUnion('scheme', [
  z.strictObject({ scheme: z.enum(['rsa-pkcs1-sha256', 'ecdsa-sha256']), digest: bytes(32, 32) }),
  z.strictObject({
    scheme: z.enum(['rsa-pkcs1-sha512', 'ecdsa-sha512', 'ed25519-sha512']),
    digest: bytes(64, 64),
  }),
])

export const hostRequest = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('list'), id: callId }),
  /** Whether a token is there, before a PIN leaves main. */
  z.strictObject({ op: z.literal('has-token'), id: callId, token: tokenId }),
  z.strictObject({ op: z.literal('read-public-key'), id: callId, token: tokenId, ckaId }),
  /** What the token's maker says of the key, where the module shows it. Costs no PIN. */
  z.strictObject({ op: z.literal('read-attestation'), id: callId, token: tokenId, ckaId }),
  /** The public key, and the token that has it, in one look. */
  z.strictObject({ op: z.literal('see-key'), id: callId, token: tokenId, ckaId }),
  /** What `open` looks at before it takes the PIN, which stays in main: of several tokens all are looked at before one is logged in to. */
  z.strictObject({ op: z.literal('check-token'), id: callId, ...beforeLogin }),
  /**
   * Opens a key beside those that are open. A token with an open key is logged in to, and is not logged in to again: the PIN is then
   * for a key that wants it for each signature. If it fails, those that were open are closed as well. `pinLength`: bytes that wait in
   * the PIN pipe.
   */
  z.strictObject({
    op: z.literal('open'),
    id: callId,
    session,
    ckaId,
    spkiSha256: sha256Hex,
    ...beforeLogin,
    /** A key that wants the PIN for each signature is not opened: the PIN would have to be kept here. */
    keepsNoPin: z.literal(true).exactOptional(),
  }),
  z.strictObject({
    op: z.literal('open-software'),
    id: callId,
    session,
    sealed: sealedKey,
    algorithm: keyAlgorithm,
    spkiSha256: sha256Hex,
  }),
  /** A failure closes every session of the process. */
  z.strictObject({
    op: z.literal('sign'),
    id: callId,
    session,
    requests: z.array(digestRequest).min(1).max(maxBatch),
  }),
  /** Reads the session's public key again: tells a swapped device from a faulty one. */
  z.strictObject({ op: z.literal('reread-public-key'), id: callId, session }),
  z.strictObject({
    op: z.literal('generate-software-key'),
    id: callId,
    algorithm: z.enum(['rsa-2048', 'rsa-3072', 'rsa-4096']),
  }),
  /** Whether the service key with this public half is in the folder. The sealed record itself is not needed for it. */
  z.strictObject({ op: z.literal('has-service-key'), id: callId, publicKey: sealedKey.shape.publicKey }),
  /** Makes a service key if the folder has none; its secret half is born here and never leaves but to its file. */
  z.strictObject({ op: z.literal('ensure-service-key'), id: callId }),
  /** Names and public halves of all service keys, also of those that are not safe to use. */
  z.strictObject({ op: z.literal('list-service-keys'), id: callId }),
  /** Makes one more, which comes first and encrypts from now on. */
  z.strictObject({ op: z.literal('make-service-key'), id: callId }),
  /** Seals what a record holds to the service key `to`, and opens the new record again before it is answered. */
  z.strictObject({
    op: z.literal('reseal'),
    id: callId,
    sealed: sealedKey,
    holds: sealedContent,
    to: sealedKey.shape.publicKey,
  }),
  /** Whether a record opens and holds that key. */
  z.strictObject({ op: z.literal('check-sealed'), id: callId, sealed: sealedKey, holds: sealedContent }),
  /** Makes an Ed25519 key for the checkpoints of the log, sealed as software keys are. */
  z.strictObject({ op: z.literal('make-log-key'), id: callId }),
  z.strictObject({
    op: z.literal('sign-checkpoint'),
    id: callId,
    sealed: sealedKey,
    publicKey: ed25519Key,
    text: checkpointLines,
  }),
  /** Which keys the token generates by its own list of mechanisms. Costs no PIN. */
  z.strictObject({ op: z.literal('generation-abilities'), id: callId, token: tokenId }),
  /** Makes a key pair under an id that is free. The secret in the pipe is the PIN, or the security officer's. */
  z.strictObject({
    op: z.literal('generate'),
    id: callId,
    token: tokenId,
    ckaId,
    label: z.string().min(1).max(maxKeyLabel),
    algorithm: generatedAlgorithm,
    policies: keyPolicies,
    ...tokenLogin,
  }),
  /** Logs in and reads the public key of an id: for a token that shows it only then. Changes nothing. */
  z.strictObject({ op: z.literal('reveal-public-key'), id: callId, token: tokenId, ckaId, ...tokenLogin }),
  /** Puts a certificate beside the key that it is for. */
  z.strictObject({
    op: z.literal('store-certificate'),
    id: callId,
    token: tokenId,
    ckaId,
    label: z.string().min(1).max(maxKeyLabel),
    certificate: bytes(64, 32_768),
    spkiSha256: sha256Hex,
    ...tokenLogin,
  }),
  /** Of the device behind the connector, before any login: nothing proves it. The one of a log process, as all that follow. */
  z.strictObject({ op: z.literal('log-device'), id: callId }),
  /** Takes the PIN; with what is made of it each of the following opens a session with that device and closes it. */
  z.strictObject({
    op: z.literal('log-login'),
    id: callId,
    serial: deviceSerial,
    pinLength: z.int().min(1).max(maxPinLength),
  }),
  /** GET LOG ENTRIES, of the device of that serial number. */
  z.strictObject({ op: z.literal('log-read'), id: callId }),
  /** SET LOG INDEX: the entries up to this number may go. */
  z.strictObject({ op: z.literal('log-free'), id: callId, upTo: z.int().min(0).max(0xffff) }),
  /** How full the log is, and what is audited. */
  z.strictObject({ op: z.literal('log-state'), id: callId }),
  /** What a ceremony does with a YubiHSM beside PKCS#11 (docs/flows/ceremony.md). The one of an HSM process, as all that follow. */
  z.strictObject({ op: z.literal('hsm-object'), id: callId, type: hsmObjectType, objectId: hsmObjectId }),
  z.strictObject({
    op: z.literal('hsm-generate'),
    id: callId,
    objectId: hsmObjectId,
    label: z.string().max(40),
    algorithm: z.enum(['rsa-2048', 'rsa-3072', 'rsa-4096', 'ec-p256', 'ec-p384']),
  }),
  z.strictObject({ op: z.literal('hsm-export'), id: callId, wrapKeyId: hsmObjectId, objectId: hsmObjectId }),
  z.strictObject({ op: z.literal('hsm-import'), id: callId, wrapKeyId: hsmObjectId, wrapped: bytes(30, 3000) }),
  z.strictObject({ op: z.literal('hsm-delete'), id: callId, type: hsmObjectType, objectId: hsmObjectId }),
  z.strictObject({ op: z.literal('hsm-attest'), id: callId, objectId: hsmObjectId }),
  /** `signatures`: command audit of those commands that sign. */
  z.strictObject({
    op: z.literal('hsm-audit'),
    id: callId,
    force: optionValue.nullable(),
    signatures: optionValue.nullable(),
  }),
  /** Ends all sessions and finalises the module, so that the device is left in order before the process is killed. */
  z.strictObject({ op: z.literal('close'), id: callId }),
  /** Stops the batch `id` between two signatures. Has no answer of its own. */
  z.strictObject({ op: z.literal('cancel'), id: callId }),
])
export type HostRequest = z.infer<typeof hostRequest>
export type HostOperation = Exclude<HostRequest['op'], 'cancel'>

/** `unknown`: the token does not say whether the key waits for touch. */
export const touchPolicy = z.enum(['never', 'always', 'cached', 'unknown'])
export type TouchPolicy = z.infer<typeof touchPolicy>

const spki = bytes(32, 1024)

/** What DEVICE INFO says of the log. */
const logStore = { serial: deviceSerial, capacity: z.int().min(0).max(255), used: z.int().min(0).max(255) }

/** What each operation answers when it succeeds. */
export const hostAnswers = {
  list: z.strictObject({
    tokens: z
      .array(
        z.strictObject({
          token: tokenSummary,
          objects: z.array(tokenObject).max(1024),
          mechanisms: z.array(z.string().max(80)).max(512),
          problem: hostFailure.nullable(),
        }),
      )
      .max(64),
    /** Tokens that cannot be named because they have no serial number. */
    unnamed: z.int().nonnegative(),
  }),
  'has-token': z.boolean(),
  'read-public-key': spki,
  /** DER as the module gave it, unread. Null: there is no such object. */
  'read-attestation': z.strictObject({
    statement: bytes(1, 16_384).nullable(),
    device: bytes(1, 16_384).nullable(),
  }),
  'see-key': z.strictObject({ spki, token: tokenSummary }),
  'check-token': z.null(),
  open: z.strictObject({ spki, touch: touchPolicy }),
  'open-software': z.strictObject({ spki, touch: touchPolicy }),
  sign: z.strictObject({ signed: z.int().nonnegative() }),
  'reread-public-key': spki,
  'generate-software-key': z.strictObject({ spki, sealed: sealedKey }),
  'has-service-key': z.boolean(),
  'ensure-service-key': z.enum(['made', 'there']),
  'list-service-keys': z
    .array(
      z.strictObject({
        file: z.string().min(1).max(255),
        publicKey: bytes(32, 32).nullable(),
        problem: z.string().max(200).nullable(),
      }),
    )
    .max(1024),
  'make-service-key': z.strictObject({ file: z.string().min(1).max(255), publicKey: bytes(32, 32) }),
  reseal: sealedKey,
  'check-sealed': z.null(),
  'make-log-key': z.strictObject({ publicKey: ed25519Key, sealed: sealedKey }),
  /** RFC 8032: 64 bytes. */
  'sign-checkpoint': bytes(64, 64),
  'generation-abilities': z.strictObject({
    algorithms: z.array(generatedAlgorithm).max(16),
    /** Ids under which an object was seen without a login. */
    taken: z.array(ckaId).max(2048),
  }),
  generate: z.strictObject({
    spki,
    /** The token's own words about the private half; null: it does not say. */
    local: z.boolean().nullable(),
    sensitive: z.boolean().nullable(),
    extractable: z.boolean().nullable(),
  }),
  'reveal-public-key': spki,
  /** `there`: this very certificate was there already. */
  'store-certificate': z.enum(['stored', 'there']),
  'log-device': z.strictObject({ ...logStore, firmware: z.string().max(16) }),
  'log-login': z.null(),
  /** The data of the answer, at most 64 entries (docs/formats/device-log.md §4). */
  'log-read': z.strictObject({ ...logStore, answer: bytes(5, 5 + 64 * 32) }),
  'log-free': z.null(),
  'log-state': z.strictObject({
    ...logStore,
    /** Null: the authentication key may not ask. `commands`: those that are audited. */
    audit: z
      .strictObject({
        force: optionValue,
        commands: z.array(z.strictObject({ command: z.int().min(0).max(255), value: optionValue })).max(256),
      })
      .nullable(),
  }),
  /** Null: there is none. `capabilities` and `delegated`: 16 hex digits. */
  'hsm-object': z
    .strictObject({
      capabilities: z.string().length(16),
      delegated: z.string().length(16),
      domains: z.int().min(0).max(0xffff),
      algorithm: z.int().min(0).max(255),
      origin: z.int().min(0).max(255),
      label: z.string().max(40),
      /** Of an asymmetric key whose kind is known here. */
      spki: bytes(32, 1024).nullable(),
    })
    .nullable(),
  'hsm-generate': spki,
  'hsm-export': bytes(30, 3000),
  'hsm-import': z.strictObject({ type: z.int().min(0).max(255), objectId: z.int().min(0).max(0xffff) }),
  'hsm-delete': z.null(),
  /** DER: the certificate about the key, and the device's own. */
  'hsm-attest': z.strictObject({ statement: bytes(64, 4096), device: bytes(64, 4096) }),
  /** Read back after it. `signatures`: the lowest value of the commands that sign. */
  'hsm-audit': z.strictObject({ force: optionValue, signatures: optionValue }),
  close: z.null(),
} as const satisfies Record<HostOperation, z.ZodType>
export type HostAnswer<O extends HostOperation> = z.infer<(typeof hostAnswers)[O]>

export const hostMessage = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ready') }),
  z.strictObject({ kind: z.literal('unusable'), error: hostFailure }),
  /** `calls`: PKCS#11 functions that the module was asked during the operation. `value` is parsed by the operation's schema. */
  z.strictObject({ kind: z.literal('done'), id: callId, value: z.unknown(), calls: z.int().nonnegative() }),
  z.strictObject({ kind: z.literal('failed'), id: callId, error: hostFailure, calls: z.int().nonnegative() }),
  /** One of a batch, in order, while the batch runs. */
  z.strictObject({
    kind: z.literal('signature'),
    id: callId,
    index: z
      .int()
      .min(0)
      .max(maxBatch - 1),
    signature: bytes(1, 1024),
  }),
  /** The token waits for a person, while the call runs; `generating`: it is about to be asked for a key. */
  z.strictObject({ kind: z.literal('signal'), id: callId, signal: z.enum(['touch', 'login', 'generating']) }),
  /** The host itself is wrong; it kills itself after this. Text of an exception of our own code. */
  z.strictObject({ kind: z.literal('defect'), text: z.string().max(2000) }),
])
export type HostMessage = z.infer<typeof hostMessage>
