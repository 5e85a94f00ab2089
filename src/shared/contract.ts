import { z } from 'zod'
import { answer, done, furtherPins, pin } from './answer.ts'
import {
  auditDetail,
  auditFilter,
  auditRow,
  auditSource,
  auditState,
  exportSelection,
  foundLog,
  logComparison,
  openedLog,
  verificationReport,
  verifierKeyText,
} from './audit.ts'
import { ceremonyChannels } from './ceremony-channels.ts'
import { deskContract } from './contract-desk.ts'
import { deviceLogState } from './device-log.ts'
import { usbState } from './devices.ts'
import { doctorReport } from './doctor.ts'
import { failure } from './failure.ts'
import { auditSeq, fingerprint, requestId, sha256Hex, utcTime, workRequestId } from './ids.ts'
import { keyChannels } from './key-channels.ts'
import { logPath } from './log-path.ts'
import { moduleDiscovery } from './modules.ts'
import { pendingWork, requestDetail, requestSummary } from './request.ts'
import { settings } from './settings.ts'
import { stationStatus } from './status.ts'
import { tokenObject, tokenSummary } from './token.ts'
import { typedText } from './typed-text.ts'
import { confirmOutcome, confirmWords, waitingList } from './waiting.ts'

/** A cursor is opaque to the renderer. */
const cursor = z.string().max(200)

/**
 * Every message between the window and main: channel → input and answer. The renderer is untrusted (invariant I7): main
 * parses each input strictly, answers with data, and never believes it about facts; an approval carries the digest of the
 * sheet that was shown and main compares it with its own.
 */
export const contract = {
  'station.status': { input: z.null(), output: answer(stationStatus) },
  /** Makes the database, the log and the software key store: an explicit act, never a side effect of opening. */
  'station.create': {
    input: z.strictObject({ stationName: typedText(200), operatorName: typedText(200) }),
    output: done,
  },

  'requests.list': {
    input: z.strictObject({
      view: z.enum(['in-hand', 'done']),
      search: z.string().max(200).nullable(),
      cursor: cursor.nullable(),
      limit: z.int().min(1).max(500),
    }),
    output: answer(
      z.strictObject({ rows: z.array(requestSummary), total: z.int().nonnegative(), nextCursor: cursor.nullable() }),
    ),
  },
  'requests.next': {
    input: z.null(),
    output: answer(z.strictObject({ work: z.array(pendingWork), asOf: z.string() })),
  },
  'requests.show': { input: z.strictObject({ requestId }), output: answer(requestDetail) },

  /** The operator has the sheet in front of him: recorded, with the sheet's digest. */
  'review.open': { input: z.strictObject({ requestId, sheetDigest: sha256Hex }), output: done },
  /** Makes all checks anew (a token was inserted, a key registered); gives a new sheet if anything differs. */
  'review.recheck': { input: z.strictObject({ requestId }), output: answer(requestDetail) },
  'review.approve': {
    input: z.strictObject({
      requestId,
      sheetDigest: sha256Hex,
      acknowledged: z.array(z.string().max(100)).max(50),
      /** Null only for a software key. */
      pin: pin.nullable(),
      /** The operator agreed by name to use the last PIN try. */
      useLastTry: z.boolean(),
      /** Absent: one token, or one key. */
      furtherPins,
    }),
    output: done,
  },
  'review.decline': { input: z.strictObject({ requestId, reason: typedText(1000) }), output: done },
  /** Stops between two files; what is signed stays signed and is reported as partial. */
  'signing.cancel': { input: z.strictObject({ requestId }), output: done },
  /** Goes on with an interrupted request, under the same decision. */
  'signing.resume': {
    input: z.strictObject({
      requestId,
      sheetDigest: sha256Hex,
      pin: pin.nullable(),
      useLastTry: z.boolean(),
      furtherPins,
    }),
    output: done,
  },
  /** Ends an interrupted request: what is signed is returned, the rest is reported as not signed. */
  'signing.stop': { input: z.strictObject({ requestId, reason: typedText(1000) }), output: done },
  'incident.close': { input: z.strictObject({ requestId, note: typedText(1000) }), output: done },
  /** Explains what a device's log and ours do not say alike; `opened` is the number of the entry that opened the incident. */
  'incident.close-device': { input: z.strictObject({ opened: auditSeq, note: typedText(1000) }), output: done },
  /** Tries again what the server did not take. */
  'return.retry': { input: z.strictObject({ requestId }), output: done },
  /**
   * Fetches a held request again because its token is dead or ends within a day (debusine ≥ 0.14.8: 7 days). The server counts it
   * as one of three losses and gives the request up after the third. Refused where it is of no use or does harm.
   */
  'request.renew': { input: z.strictObject({ requestId }), output: done },
  /**
   * Writes the signed outputs of a request to the export folder, each with its `.tlog-proof`, and the checkpoint. `proofs` is
   * less than `files` where the log has no key, or its checkpoint could not be signed.
   */
  'outputs.save': {
    input: z.strictObject({ requestId }),
    output: answer(z.strictObject({ folder: z.string(), files: z.int(), proofs: z.int() })),
  },

  /** What waits at the server for the user whose API token is set. Asks the server. */
  'waiting.list': { input: z.null(), output: answer(waitingList) },
  /** Answers a question that waits, once. `words`: as they were shown; main refuses where the server words it otherwise now. */
  'waiting.answer': {
    input: z.strictObject({
      workRequestId,
      confirm: z.boolean(),
      comment: typedText(1000).nullable(),
      words: confirmWords,
    }),
    output: answer(confirmOutcome),
  },
  /** Takes an upload that waits for this user's own signature into hand, to be signed with a registered OpenPGP key. */
  'waiting.take': {
    input: z.strictObject({ workRequestId, fingerprint }),
    output: answer(z.strictObject({ requestId })),
  },

  ...deskContract,

  'duty.set': { input: z.strictObject({ onDuty: z.boolean() }), output: done },

  'tokens.list': {
    input: z.strictObject({ refresh: z.boolean() }),
    output: answer(
      z.strictObject({
        tokens: z.array(
          z.strictObject({
            token: tokenSummary,
            objects: z.array(tokenObject),
            mechanisms: z.array(z.string()),
            problem: failure.nullable(),
          }),
        ),
        modules: z.array(z.strictObject({ path: z.string(), problem: failure.nullable() })),
      }),
    ),
  },
  /** Tokens and readers on USB, whether or not a module shows them. Needs no station. */
  'devices.list': { input: z.null(), output: answer(usbState) },
  /** PKCS#11 modules of this machine: proposals, of which none is loaded before it is in the settings. */
  'modules.find': { input: z.null(), output: answer(moduleDiscovery) },
  /** Why a token is not shown. Reads only; can take as long as the slowest module. Needs no station. */
  'doctor.run': { input: z.null(), output: answer(doctorReport) },
  /** The logs that YubiHSMs keep: those that are there, and those that were taken out before. */
  'tokens.device-logs': { input: z.null(), output: answer(z.array(deviceLogState)) },
  ...keyChannels,
  ...ceremonyChannels,

  'audit.list': {
    input: z.strictObject({
      source: auditSource,
      filter: auditFilter,
      /** Where to begin, newest first: null is the head. */
      cursor: cursor.nullable(),
      /** Rows to leave out after that place: a list that is scrolled to its middle asks for what is seen there. */
      skip: z.int().min(0).max(1_000_000_000),
      limit: z.int().min(1).max(500),
    }),
    output: answer(
      z.strictObject({
        rows: z.array(auditRow),
        total: z.int().nonnegative(),
        nextCursor: cursor.nullable(),
        /** The place at which this answer's list begins, so that entries that come meanwhile move nothing. Null: it is empty. */
        anchor: cursor.nullable(),
      }),
    ),
  },
  'audit.show': { input: z.strictObject({ source: auditSource, seq: auditSeq }), output: answer(auditDetail) },
  /** Reads the whole log and checks every hash. */
  'audit.check': { input: z.null(), output: answer(auditState) },
  /**
   * Reads the whole log as an auditor does: tree, checkpoints, their signatures. Answers when it is done; one at a time. The
   * station's own log is held against the checkpoints that are kept outside the database.
   */
  'audit.verify': { input: z.strictObject({ source: auditSource }), output: answer(verificationReport) },
  /** Ends what is being verified, opened or compared; that call answers with a failure `cancelled`. */
  'audit.verify-cancel': { input: z.null(), output: done },
  /** Writes an export to the exports folder, and the log's verifier key beside it. Answers when it is on disk. */
  'audit.export': {
    input: exportSelection,
    output: answer(z.strictObject({ path: z.string(), entries: z.int().nonnegative(), bytes: z.int().nonnegative() })),
  },
  'audit.export-cancel': { input: z.null(), output: done },
  /** Signs what the log holds now. */
  'audit.checkpoint': {
    input: z.null(),
    output: answer(z.strictObject({ size: z.int().positive(), note: z.string() })),
  },
  /** The last checkpoint as it is kept, with the lines of witnesses; null: there is none yet. */
  'audit.last-checkpoint': {
    input: z.null(),
    output: answer(z.strictObject({ size: z.int().positive(), at: utcTime, note: z.string() }).nullable()),
  },
  /** Keeps what a witness of the settings answered for a checkpoint of this log, if it verifies. */
  'audit.add-cosignature': {
    input: z.strictObject({ text: z.string().min(1).max(10_000), witness: verifierKeyText }),
    output: done,
  },
  /**
   * Opens an export or a foreign database for review, for reading only. Needs no station. `vkey` and `checkpoint` (the text of a
   * note) are what the reviewer has from elsewhere; without them the verdict cannot be `verified`.
   */
  'audit.open': {
    input: z.strictObject({
      path: logPath,
      vkey: verifierKeyText.nullable(),
      checkpoint: z.string().min(1).max(70_000).nullable(),
    }),
    output: answer(openedLog),
  },
  'audit.opened': { input: z.null(), output: answer(openedLog.nullable()) },
  'audit.close-opened': { input: z.null(), output: done },
  /** Logs in the exports folder and on mounted media, newest first. */
  'audit.found': { input: z.null(), output: answer(z.array(foundLog).max(1000)) },
  /** Whether the newer of two logs of one station begins with the older. */
  'audit.compare': { input: z.strictObject({ older: logPath, newer: logPath }), output: answer(logComparison) },
  /**
   * A person says why the station may go on although a checkpoint contradicted its log; recorded in the log. Taken also while the
   * station is for reading only. It works again from its next start.
   */
  'audit.close-contradiction': {
    input: z.strictObject({ contradiction: sha256Hex, reason: typedText(1000) }),
    output: done,
  },
  /** Makes the log's key: the explicit act for a station that is older than log keys. */
  'log.create-key': { input: z.null(), output: done },

  'settings.get': { input: z.null(), output: answer(settings) },
  'settings.set': { input: settings, output: done },
  /** Registers this station as a signing worker; with an activation token it is enabled at once (debusine ≥ 0.12). */
  'server.enrol': { input: z.strictObject({ activationToken: z.string().max(200).nullable() }), output: done },
  /** Kept in a file of mode 0600; null removes it. */
  'server.set-user-token': { input: z.strictObject({ token: z.string().min(1).max(200).nullable() }), output: done },
} as const

export type Contract = typeof contract
export type Channel = keyof Contract
export type Input<C extends Channel> = z.infer<Contract[C]['input']>
export type Output<C extends Channel> = z.infer<Contract[C]['output']>
/** The value inside a successful answer. */
export type Answer<C extends Channel> = Extract<Output<C>, { ok: true }>['value']

/** The largest message that main reads from the window, in UTF-16 units of its JSON. */
export const maxMessageLength = 1_000_000
