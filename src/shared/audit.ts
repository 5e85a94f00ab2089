import { z } from 'zod'
import { auditSeq, fingerprint, requestId, sha256Hex, utcTime } from './ids.ts'

/** Every kind of entry. docs/formats/audit-entry.md gives the fields of each. */
export const auditEvent = z.enum([
  'station-created',
  'station-started',
  'enrolment-begun',
  'enrolled',
  'user-token-set',
  'duty-changed',
  'possession-challenged',
  'key-generated',
  'key-generation-intended',
  'key-generation-failed',
  'certificate-intended',
  'openpgp-certificate-changed',
  'openpgp-subkey-bound',
  'key-generation-closed',
  'key-registered',
  'key-attested',
  'key-asset-created',
  'key-state-changed',
  'service-key-added',
  'key-reencrypted',
  'key-import-begun',
  'keys-exported',
  'request-received',
  'request-renewed',
  'sheet-shown',
  'approved',
  'declined',
  'login-failed',
  'intent',
  'signed',
  'sign-failed',
  'returned',
  'incident-opened',
  'incident-closed',
  'clock-moved-back',
  'settings-changed',
  'log-key-created',
  'contradiction-closed',
  'device-log-drained',
  'device-incident-opened',
  'device-incident-closed',
  'attestation-root-added',
  'attestation-root-withdrawn',
  'opened-by-hand',
  'output-delivered',
  'standing-approval-granted',
  'standing-approval-used',
  'standing-approval-withdrawn',
  'confirmation-intended',
  'confirmation-answered',
  'ceremony-begun',
  'ceremony-step-begun',
  'ceremony-act-intended',
  'ceremony-step-failed',
  'ceremony-step-ended',
  'ceremony-deviation',
  'ceremony-ended',
])
export type AuditEvent = z.infer<typeof auditEvent>

/** What a row of a list is: an event, or an entry that this version cannot read. */
export const shownEvent = z.enum([...auditEvent.options, 'unreadable'])
export type ShownEvent = z.infer<typeof shownEvent>

/** Which log is read: the station's own, or the foreign one that is open for review. */
export const auditSource = z.enum(['station', 'opened'])
export type AuditSource = z.infer<typeof auditSource>

/** A row of the Audit log screen. */
export const auditRow = z.strictObject({
  seq: auditSeq,
  at: utcTime,
  event: shownEvent,
  operator: z.string().nullable(),
  requestId: requestId.nullable(),
  /** Of the entry, or of the entry with which its request began. */
  workRequestId: z.int().nullable(),
  purpose: z.string().nullable(),
  fingerprint: z.string().nullable(),
  /** SHA-256 of the input file for intent, signed and sign-failed. */
  inputSha256: sha256Hex.nullable(),
  /** SHA-256 of what `signed` gave: the output file, or, of the key's place from 2 on, that key's signature packet alone. */
  outputSha256: sha256Hex.exactOptional(),
  /** Only of a use of one of several keys that sign a file: its place among them. The first key completes the file. */
  key: z.strictObject({ position: z.int().min(1), count: z.int().min(2) }).exactOptional(),
  /** A `sign-failed` that is no failure: signing was stopped before the key was used for this file. */
  withdrawn: z.boolean(),
  summary: z.string(),
})
export type AuditRow = z.infer<typeof auditRow>

export const auditDetail = z.strictObject({
  row: auditRow,
  /** The bytes of the entry as UTF-8 text: exactly what is hashed, where they are UTF-8. */
  entry: z.string(),
  /** Where they are not (somebody changed them): the bytes in hexadecimal digits. */
  entryHex: z.string().nullable(),
  leafHash: sha256Hex,
  previousLeafHash: sha256Hex,
  /** Text of the entry's `.tlog-proof` file; null while no checkpoint covers it, or where the source has no tree to prove it with. */
  proof: z.string().nullable(),
})
export type AuditDetail = z.infer<typeof auditDetail>

export const auditFilter = z.strictObject({
  event: shownEvent.optional(),
  purpose: z.string().max(64).optional(),
  operator: z.string().max(200).optional(),
  requestId: requestId.optional(),
  workRequestId: z.int().optional(),
  fingerprint: z.string().max(64).optional(),
  digest: z.string().max(64).optional(),
  since: utcTime.optional(),
  until: utcTime.optional(),
})
export type AuditFilter = z.infer<typeof auditFilter>

/** What the start-up check and "Check the log" find. */
export const auditState = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('whole'), entries: z.int().nonnegative(), head: sha256Hex.nullable() }),
  z.strictObject({ kind: z.literal('broken'), firstBadSeq: z.int().positive(), reason: z.string() }),
  z.strictObject({ kind: z.literal('unwritable'), reason: z.string() }),
  /** A checkpoint that was signed for another log than this one was found, now or earlier, and no person has closed that. */
  z.strictObject({ kind: z.literal('contradicted'), reason: z.string() }),
])
export type AuditState = z.infer<typeof auditState>

/** A checkpoint by the key of this log that was found to contradict it. Until a person closes it the station is for reading only. */
export const openContradiction = z.strictObject({
  id: sha256Hex,
  foundAt: utcTime,
  /** Where it lay, or who gave it. */
  path: z.string(),
  /** Entries that it is for. */
  size: z.int().nonnegative(),
  /** Entries that the last checkpoint in the database is for. */
  logSize: z.int().nonnegative(),
  /** The signed note as it was found. */
  note: z.string(),
  /** The log that is here now contains it: the newest copy was put back. */
  isContained: z.boolean(),
  sentence: z.string(),
})
export type OpenContradiction = z.infer<typeof openContradiction>

/** What the log of a YubiHSM and ours do not say alike, and no person has explained yet. */
export const openDeviceIncident = z.strictObject({
  /** Number of the entry that opened it. */
  seq: auditSeq,
  at: utcTime,
  deviceSerial: z.string(),
  code: z.string().max(64),
  sentence: z.string(),
})
export type OpenDeviceIncident = z.infer<typeof openDeviceIncident>

/** A key that verifies notes, as C2SP signed-note writes it: `name+hash+base64`. */
export const verifierKeyText = z.string().min(1).max(1000)

/** The first place that is wrong. `first` and `last` are numbers of entries, both included; null: it is not about entries. */
export const auditFinding = z.strictObject({
  code: z.string().max(64),
  first: z.int().positive().nullable(),
  last: z.int().positive().nullable(),
  sentence: z.string(),
})

/** What a verification read and found. Sizes are numbers of entries. */
export const verificationFacts = z.strictObject({
  origin: z.string().nullable(),
  size: z.int().nonnegative(),
  read: z.int().nonnegative(),
  /** Left out by the export, and shown to be only left out. */
  omitted: z.int().nonnegative(),
  /** Checkpoints whose signature and root hash were found right. */
  checkpoints: z.int().nonnegative(),
  lastCheckpoint: z.strictObject({ size: z.int().nonnegative(), rootHash: sha256Hex }).nullable(),
  /** Sizes of the checkpoints from elsewhere that the log was found to contain. */
  known: z.array(z.int().nonnegative()),
  cosigned: z.array(z.strictObject({ witness: z.string(), size: z.int().nonnegative(), at: utcTime })),
  /** How many intents have no outcome, and the first of them. Null: entries were not read one by one. */
  openIntents: z.strictObject({ count: z.int().nonnegative(), first: z.array(auditSeq).max(100) }).nullable(),
})

/** The answer of a verification: of the station's own log, or of one that is open for review. */
export const verificationReport = z.strictObject({
  verdict: z.enum(['verified', 'tampered', 'cannot-tell']),
  sentence: z.string(),
  /** The first bad place; empty unless `tampered`. */
  findings: z.array(auditFinding).max(1),
  /** Why a log without a fault is still not shown to be whole; empty unless `cannot-tell`. */
  doubts: z.array(z.strictObject({ code: z.string().max(64), sentence: z.string() })),
  /** Null: nothing could be read. */
  facts: verificationFacts.nullable(),
  /** Where the key came from that the checkpoints were checked with. */
  keyFrom: z.enum(['station', 'reviewer', 'log']),
  at: utcTime,
})
export type VerificationReport = z.infer<typeof verificationReport>

/** A foreign log that is open for review. Everything in it was written by somebody else. */
export const openedLog = z.strictObject({
  kind: z.enum(['export', 'database']),
  path: z.string(),
  origin: z.string().nullable(),
  /** Entries that can be listed. */
  entries: z.int().nonnegative(),
  /** What the export leaves out, in its own words; null: nothing, or not known. */
  selection: z.string().nullable(),
  report: verificationReport,
})
export type OpenedLog = z.infer<typeof openedLog>

/** A log on this machine or on a medium that could be opened for review. */
export const foundLog = z.strictObject({
  kind: z.enum(['export', 'database']),
  name: z.string(),
  path: z.string(),
  bytes: z.int().nonnegative(),
  at: utcTime,
})
export type FoundLog = z.infer<typeof foundLog>

/** Whether a newer log begins with an older one of the same station. */
export const logComparison = z.strictObject({
  verdict: z.enum(['verified', 'tampered', 'cannot-tell']),
  sentence: z.string(),
  origin: z.string().nullable(),
  olderSize: z.int().nonnegative().nullable(),
  newerSize: z.int().nonnegative().nullable(),
  /** How: the older one's checkpoint is in the newer, or the newer one's tree was computed up to there. Null: not at all. */
  checkedBy: z.enum(['same-checkpoint', 'tree']).nullable(),
})
export type LogComparison = z.infer<typeof logComparison>

/** Which entries an export holds; the rest is shown to be only left out. All null: everything. */
export const exportSelection = z.strictObject({
  since: utcTime.nullable(),
  until: utcTime.nullable(),
  fingerprint: fingerprint.nullable(),
  requestId: requestId.nullable(),
})
