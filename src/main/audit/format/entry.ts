import { z } from 'zod'
import { attestationSource, attestationVerdict, attestedDevice } from '../../../shared/attestation.ts'
import { artifactId, auditSeq, fingerprint, requestId, sha256Hex, utcTime, workRequestId } from '../../../shared/ids.ts'
import { keyState } from '../../../shared/key.ts'
import { exactText, messageText } from './text.ts'

// The fields of each event, as docs/formats/audit-entry.md gives them. A field is never optional: absent is `null`, so that
// leaving one out is an error and not a silence.

const operator = exactText(200).min(1)
/** A word of the program: a code, a method, an algorithm. */
const word = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/)
const purposeText = exactText(64).min(1)
const tokenSerial = exactText(64).min(1).nullable()
const hexDigest = z.string().regex(/^(?:[0-9a-f]{2}){32,64}$/)

/** What the artifact said about the certificates that its signature will be trusted by, and how many the station knows. */
export const trustedCertsVerdict = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('not-declared') }),
  z.strictObject({ kind: z.literal('declared-empty') }),
  z.strictObject({ kind: z.literal('declared'), declared: z.int().positive(), trusted: z.int().nonnegative() }),
])
export type TrustedCertsVerdict = z.infer<typeof trustedCertsVerdict>

/** One use of a private key. The same in the intent and in its outcome, so that each can be read alone. */
const use = {
  requestId,
  /** Position of the file in the sheet, from 0. */
  ordinal: z.int().nonnegative(),
  path: exactText(4096),
  inputSha256: sha256Hex,
  /** What the key signs, and how it was computed from the file. */
  digest: hexDigest,
  digestAlgorithm: word,
  what: exactText(200),
  purpose: purposeText,
  fingerprint,
  sheetDigest: sha256Hex,
  /** Null for a software key. */
  tokenSerial,
  workRequestId: workRequestId.nullable(),
  workspace: exactText(500).nullable(),
  /** Who asked, as the server named him. */
  username: exactText(500).nullable(),
  operator,
  trustedCertsVerdict,
}

const maxErrors = 16
const returnedErrors = z
  .array(z.strictObject({ code: messageText(100), message: messageText(1000) }))
  .overwrite((errors) =>
    errors.length <= maxErrors
      ? errors
      : [...errors.slice(0, maxErrors - 1), { code: 'more', message: `${errors.length - maxErrors + 1} more errors` }],
  )

const stationCreated = z.strictObject({
  event: z.literal('station-created'),
  stationName: exactText(200).min(1),
  operator,
  softwareVersion: exactText(100),
})
const stationStarted = z.strictObject({
  event: z.literal('station-started'),
  version: exactText(100),
  previousHead: sha256Hex.nullable(),
})
/** The token that names this station as a worker is about to be sent. */
const enrolmentBegun = z.strictObject({
  event: z.literal('enrolment-begun'),
  server: exactText(400),
  fqdn: exactText(400),
  method: word,
  operator,
})
const enrolled = z.strictObject({
  event: z.literal('enrolled'),
  server: exactText(400),
  fqdn: exactText(400),
  method: word,
})
/** The API token of a user of the server, which reads the list of waiting work, is about to be set (true) or removed. */
const userTokenSet = z.strictObject({ event: z.literal('user-token-set'), set: z.boolean(), operator })
const dutyChanged = z.strictObject({ event: z.literal('duty-changed'), onDuty: z.boolean(), operator })
const keyRegistered = z.strictObject({
  event: z.literal('key-registered'),
  purpose: purposeText,
  fingerprint,
  description: exactText(200),
  origin: z.enum(['generated', 'imported', 'unknown', 'software']),
  home: z.enum(['token', 'software']),
  tokenSerial,
  spkiSha256: sha256Hex,
  operator,
})
/** One look at what the maker of its token says of a key (docs/formats/attestation.md). */
const keyAttested = z.strictObject({
  event: z.literal('key-attested'),
  purpose: purposeText,
  fingerprint,
  tokenSerial,
  source: attestationSource,
  verdict: attestationVerdict,
  /** SHA-256 of each certificate's DER, the statement first. */
  certificates: z.array(sha256Hex).max(16),
  operator,
})
/** The intent of the one use of a key that is not a signature for somebody: it proves that the token holds the key. */
const possessionChallenged = z.strictObject({
  event: z.literal('possession-challenged'),
  purpose: purposeText,
  fingerprint,
  digest: hexDigest,
  tokenSerial,
  operator,
})
/** A key was made, and the intent of its first use: it signs its own certificate or the request for one, so the fingerprint is not known yet. */
const keyGenerated = z.strictObject({
  event: z.literal('key-generated'),
  purpose: purposeText,
  description: exactText(200),
  algorithm: word,
  spkiSha256: sha256Hex,
  digest: hexDigest,
  tokenSerial,
  operator,
})
/** A token is about to be asked to make a key. Its end is `key-generated`, `key-generation-failed` or an incident that names it. */
const keyGenerationIntended = z.strictObject({
  event: z.literal('key-generation-intended'),
  /** The request that asked for it; by hand: an id of its own. */
  requestId,
  purpose: purposeText,
  description: exactText(200),
  production: z.boolean(),
  algorithm: word,
  pinPolicy: word,
  touchPolicy: word,
  tokenSerial: exactText(64).min(1),
  ckaId: exactText(64).min(2),
  operator,
})
const keyGenerationFailed = z.strictObject({
  event: z.literal('key-generation-failed'),
  requestId,
  intentSeq: auditSeq,
  code: word,
  message: messageText(2000),
  tokenSerial: exactText(64).min(1),
  operator,
})
/** The intent of another use of a generated key for its own certificate or request, after the one of `key-generated` came to nothing. */
const certificateIntended = z.strictObject({
  event: z.literal('certificate-intended'),
  requestId,
  purpose: purposeText,
  spkiSha256: sha256Hex,
  what: z.enum(['certificate', 'certificate-request']),
  digest: hexDigest,
  tokenSerial: exactText(64).min(1),
  operator,
})
/** A person ended the making of a key that is on the token and not registered. */
const keyGenerationClosed = z.strictObject({
  event: z.literal('key-generation-closed'),
  requestId,
  spkiSha256: sha256Hex,
  note: exactText(1000),
  operator,
})
/** The key is known at a server, as an asset there. */
const keyAssetCreated = z.strictObject({
  event: z.literal('key-asset-created'),
  requestId: requestId.nullable(),
  server: exactText(400),
  workspace: exactText(500),
  purpose: purposeText,
  fingerprint,
  assetId: z.int().positive(),
  operator,
})
const keyStateChanged = z.strictObject({
  event: z.literal('key-state-changed'),
  purpose: purposeText,
  fingerprint,
  from: keyState,
  to: keyState,
  operator,
})
const requestReceived = z.strictObject({
  event: z.literal('request-received'),
  requestId,
  server: exactText(400),
  workRequestId: workRequestId.nullable(),
  scope: exactText(500).nullable(),
  workspace: exactText(500),
  purpose: purposeText,
  fingerprint: fingerprint.nullable(),
  /** Id of the user who made the work request, at the server. */
  createdBy: z.int().nullable(),
})
const requestRenewed = z.strictObject({
  event: z.literal('request-renewed'),
  requestId,
  /** False: the server did not hand it out again. */
  held: z.boolean(),
  operator,
})
const sheetShown = z.strictObject({ event: z.literal('sheet-shown'), requestId, sheetDigest: sha256Hex, operator })
const approved = z.strictObject({
  event: z.literal('approved'),
  requestId,
  sheetDigest: sha256Hex,
  acknowledged: z.array(exactText(100)).max(50),
  operator,
})
const declined = z.strictObject({
  event: z.literal('declined'),
  requestId,
  /** Null: declined before there was a sheet. */
  sheetDigest: sha256Hex.nullable(),
  reason: exactText(1000),
  operator,
})
const loginFailed = z.strictObject({
  event: z.literal('login-failed'),
  requestId: requestId.nullable(),
  code: word,
  tokenSerial,
  operator,
})
const intent = z.strictObject({ event: z.literal('intent'), ...use })
const signed = z.strictObject({
  event: z.literal('signed'),
  ...use,
  intentSeq: auditSeq,
  outputSha256: sha256Hex,
  signatureSha256: sha256Hex,
})
const signFailed = z.strictObject({
  event: z.literal('sign-failed'),
  ...use,
  intentSeq: auditSeq,
  code: word,
  message: messageText(2000),
  /** The token was asked and its answer is not known. */
  signatureMayExist: z.boolean(),
})
const returned = z.strictObject({
  event: z.literal('returned'),
  requestId,
  /** What the server was told. */
  result: z.enum(['success', 'failure', 'error']),
  outputArtifacts: z.array(artifactId).max(1000),
  errors: returnedErrors,
})
const incidentOpened = z.strictObject({
  event: z.literal('incident-opened'),
  requestId,
  /** Numbers of the intents that have no outcome. */
  openIntents: z.array(auditSeq).max(1000),
  reason: messageText(2000),
})
const incidentClosed = z.strictObject({
  event: z.literal('incident-closed'),
  requestId,
  note: exactText(1000),
  operator,
})
const clockMovedBack = z.strictObject({ event: z.literal('clock-moved-back'), from: utcTime, to: utcTime })
const settingsChanged = z.strictObject({
  event: z.literal('settings-changed'),
  fields: z.array(exactText(100)).max(100),
  operator,
})
/** From here on checkpoints are signed, by the key of this vkey. */
const logKeyCreated = z.strictObject({ event: z.literal('log-key-created'), vkey: exactText(1000).min(1), operator })
const attestationRoot = {
  name: exactText(1024),
  /** Of the certificate's DER. */
  sha256: sha256Hex,
  device: attestedDevice,
  role: z.enum(['root', 'intermediate']),
  operator,
}
/** From here on attestations may end at it. */
const attestationRootAdded = z.strictObject({ event: z.literal('attestation-root-added'), ...attestationRoot })
const attestationRootWithdrawn = z.strictObject({ event: z.literal('attestation-root-withdrawn'), ...attestationRoot })

/** A checkpoint by the key of this log that is not of it; a person says why the station may go on. */
const contradictionClosed = z.strictObject({
  event: z.literal('contradiction-closed'),
  /** SHA-256 of the signed text of the checkpoint. */
  contradiction: sha256Hex,
  foundAt: utcTime,
  path: messageText(4200),
  size: z.int().nonnegative(),
  /** Whether the log contains the checkpoint now. */
  contained: z.boolean(),
  /** The signed note as it was found. */
  checkpoint: messageText(70_000),
  reason: exactText(1000),
  operator,
})

/** The log of a YubiHSM was taken out of it and stored (docs/formats/device-log.md). */
const deviceLogDrained = z.strictObject({
  event: z.literal('device-log-drained'),
  deviceSerial: exactText(64).min(1),
  /** Number of the drain among all that are stored. */
  drain: z.int().positive(),
  /** The last entry of this log before the device was asked. */
  askedSeq: z.int().nonnegative(),
  /** Entries of the device that were new, and that were stored before. */
  fresh: z.int().nonnegative(),
  known: z.int().nonnegative(),
  /** The device's own number of its newest entry; null: it gave none. */
  lastNumber: z.int().nonnegative().nullable(),
  /** Digest of the newest that is stored, which stands for all before it; null: none is. */
  lastDigest: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .nullable(),
  unloggedBoots: z.int().nonnegative(),
  unloggedAuthentications: z.int().nonnegative(),
})
/** The device's log and this one do not say the same. */
const deviceIncidentOpened = z.strictObject({
  event: z.literal('device-incident-opened'),
  /** By which the same finding is known again. */
  name: exactText(300).min(1),
  deviceSerial: exactText(64).min(1),
  code: word,
  /** Places of entries of the device, the first 1000. */
  places: z.array(z.int().positive()).max(1000),
  /** Numbers of entries of this log, the first 1000. */
  auditSeqs: z.array(auditSeq).max(1000),
  /** How many are wrong. */
  count: z.int().nonnegative(),
  sentence: messageText(4000),
})
const deviceIncidentClosed = z.strictObject({
  event: z.literal('device-incident-closed'),
  name: exactText(300).min(1),
  deviceSerial: exactText(64).min(1),
  openedSeq: auditSeq,
  note: exactText(1000),
  operator,
})

/** The digest of a record is over its canonical bytes (docs/formats/ceremony.md). */
const ceremony = { ceremonyId: z.uuid(), recordSha256: sha256Hex, operator }
const ceremonyStep = exactText(40).min(1)
const ceremonyBegun = z.strictObject({
  event: z.literal('ceremony-begun'),
  ...ceremony,
  title: exactText(200).min(1),
  scriptSha256: sha256Hex,
  planSha256: sha256Hex,
})
const ceremonyStepBegun = z.strictObject({
  event: z.literal('ceremony-step-begun'),
  ...ceremony,
  step: ceremonyStep,
  kind: word,
  attempt: z.int().positive(),
})
/** A device is about to be asked for something that changes it, or takes something out of it. */
const ceremonyActIntended = z.strictObject({
  event: z.literal('ceremony-act-intended'),
  ...ceremony,
  step: ceremonyStep,
  act: word,
  deviceSerial: exactText(64).min(1),
  object: exactText(200),
})
const ceremonyStepFailed = z.strictObject({
  event: z.literal('ceremony-step-failed'),
  ...ceremony,
  step: ceremonyStep,
  code: word,
  message: messageText(2000),
})
const ceremonyStepEnded = z.strictObject({ event: z.literal('ceremony-step-ended'), ...ceremony, step: ceremonyStep })
const ceremonyDeviation = z.strictObject({
  event: z.literal('ceremony-deviation'),
  ...ceremony,
  /** Null: it is about the whole. */
  step: ceremonyStep.nullable(),
  effect: z.enum(['skipped', 'noted']),
  by: exactText(200).min(1),
  reason: exactText(1000).min(1),
})
const ceremonyEnded = z.strictObject({
  event: z.literal('ceremony-ended'),
  ceremonyId: z.uuid(),
  outcome: z.enum(['completed', 'abandoned']),
  deviations: z.int().nonnegative(),
  /** Of the transcript's canonical bytes: it is sealed by this entry. */
  transcriptSha256: sha256Hex,
  operator,
})

/** What an entry says, without its place in the log. */
export const auditEntryBody = z.discriminatedUnion('event', [
  stationCreated,
  stationStarted,
  enrolmentBegun,
  enrolled,
  userTokenSet,
  dutyChanged,
  possessionChallenged,
  keyGenerated,
  keyRegistered,
  keyAttested,
  keyGenerationIntended,
  keyGenerationFailed,
  certificateIntended,
  keyGenerationClosed,
  keyAssetCreated,
  keyStateChanged,
  requestReceived,
  requestRenewed,
  sheetShown,
  approved,
  declined,
  loginFailed,
  intent,
  signed,
  signFailed,
  returned,
  incidentOpened,
  incidentClosed,
  clockMovedBack,
  settingsChanged,
  logKeyCreated,
  contradictionClosed,
  deviceLogDrained,
  deviceIncidentOpened,
  deviceIncidentClosed,
  attestationRootAdded,
  attestationRootWithdrawn,
  ceremonyBegun,
  ceremonyStepBegun,
  ceremonyActIntended,
  ceremonyStepFailed,
  ceremonyStepEnded,
  ceremonyDeviation,
  ceremonyEnded,
])
export type AuditEntryBody = z.infer<typeof auditEntryBody>
export type AuditEntryOf<E extends AuditEntryBody['event']> = Extract<AuditEntryBody, { event: E }>
export type IntentEntry = AuditEntryOf<'intent'>

/** The place of an entry in the log. */
export const entryPlace = z.strictObject({
  v: z.literal(1),
  seq: auditSeq,
  at: utcTime.length(24),
  /** Leaf hash of the entry before; 64 zeros for the first. */
  prev: sha256Hex,
})
export type EntryPlace = z.infer<typeof entryPlace>
