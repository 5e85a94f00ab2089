import { z } from 'zod'
import { artifactId, auditSeq, fingerprint, requestId, sha256Hex, utcTime, workRequestId } from '../../../shared/ids.ts'
import {
  ceremonyActIntended,
  ceremonyBegun,
  ceremonyDeviation,
  ceremonyEnded,
  ceremonyStepBegun,
  ceremonyStepEnded,
  ceremonyStepFailed,
} from './ceremony-events.ts'
import { certificateIntended, openPgpCertificateChanged, openPgpSubkeyBound } from './certificate-events.ts'
import { deviceIncidentClosed, deviceIncidentOpened, deviceLogDrained } from './device-events.ts'
import { hexDigest, operator, purposeText, tokenSerial, word } from './entry-fields.ts'
import { openedByHand, outputDelivered } from './hand-events.ts'
import {
  attestationRootAdded,
  attestationRootWithdrawn,
  keyAssetCreated,
  keyAttested,
  keyGenerated,
  keyGenerationClosed,
  keyGenerationFailed,
  keyGenerationIntended,
  keyImportBegun,
  keyReencrypted,
  keyRegistered,
  keyStateChanged,
  keysExported,
  possessionChallenged,
  serviceKeyAdded,
} from './key-events.ts'
import { standingApprovalGranted, standingApprovalUsed, standingApprovalWithdrawn } from './standing-events.ts'
import { exactText, messageText } from './text.ts'
import { confirmationAnswered, confirmationIntended } from './wait-events.ts'

// The fields of each event, as docs/formats/audit-entry.md gives them. A field is not optional: absent is `null`, so that
// leaving one out is an error and not a silence. The one exception is `key` of a use, which came later.

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
  /** Which of the keys that sign the same file; left out where it is the only one. */
  key: z.strictObject({ position: z.int().min(1).max(8), count: z.int().min(2).max(8) }).exactOptional(),
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
/** The API token of a user of the server, which reads lists and does what a person asks for in that user's name, is about to be set (true) or removed. */
const userTokenSet = z.strictObject({ event: z.literal('user-token-set'), set: z.boolean(), operator })
const dutyChanged = z.strictObject({ event: z.literal('duty-changed'), onDuty: z.boolean(), operator })
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
  openPgpCertificateChanged,
  openPgpSubkeyBound,
  keyStateChanged,
  serviceKeyAdded,
  keyReencrypted,
  keyImportBegun,
  keysExported,
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
  openedByHand,
  outputDelivered,
  standingApprovalGranted,
  standingApprovalUsed,
  standingApprovalWithdrawn,
  confirmationIntended,
  confirmationAnswered,
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
