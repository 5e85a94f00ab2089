import { z } from 'zod'
import { ceremonyScript, plainLine, plainLines } from './ceremony-script.ts'
import { failure } from './failure.ts'
import { auditSeq, fingerprint, sha256Hex, utcTime } from './ids.ts'
import { purpose } from './purpose.ts'
import { keyAlgorithm, tokenId } from './token.ts'

/** A ceremony of this station; a UUID made when it begins. */
export const ceremonyId = z.uuid().brand('CeremonyId')
export type CeremonyId = z.infer<typeof ceremonyId>

/** One thing that a step found out or was told. `words`: a digest's, for reading aloud. */
export const ceremonyFact = z.strictObject({
  label: z.string().max(200),
  form: z.enum(['text', 'lines', 'digest', 'words']),
  value: z.string().max(20_000),
})
export type CeremonyFact = z.infer<typeof ceremonyFact>

/** A file of the evidence. Its bytes are kept beside the record. */
export const evidenceFile = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,100}$/),
  sha256: sha256Hex,
  bytes: z.int().nonnegative(),
})
export type EvidenceFile = z.infer<typeof evidenceFile>

export const ceremonyPerson = z.strictObject({
  role: plainLine(80),
  name: plainLine(120),
  organisation: plainLine(120).nullable(),
})
export type CeremonyPerson = z.infer<typeof ceremonyPerson>

/** A device as a step of this ceremony found it. */
export const ceremonyDevice = z.strictObject({ name: z.string(), token: tokenId, firmware: z.string().max(64) })
export type CeremonyDevice = z.infer<typeof ceremonyDevice>

/** A key as far as it is known. `fingerprint` null: it has no certificate yet. */
export const ceremonyKey = z.strictObject({
  name: z.string(),
  purpose,
  fingerprint: fingerprint.nullable(),
  token: tokenId,
  ckaId: z.string().max(64),
  algorithm: keyAlgorithm,
  spkiSha256: sha256Hex,
  spkiPem: z.string().max(4096),
  /** The making of it at this station; null: it was there before. */
  generation: z.uuid().nullable(),
})
export type CeremonyKey = z.infer<typeof ceremonyKey>

/** What came of a step. */
export const stepResult = z.strictObject({
  facts: z.array(ceremonyFact).max(200),
  files: z.array(evidenceFile).max(20),
  people: z.array(ceremonyPerson).max(100).nullable(),
  device: ceremonyDevice.nullable(),
  key: ceremonyKey.nullable(),
})
export type StepResult = z.infer<typeof stepResult>

const about = { n: z.int().positive(), at: utcTime, operator: z.string().max(200) }
const stepName = z.string().max(40)

/**
 * The records of a ceremony, in order: all that is known of it. Each is one entry of the audit log, which has the digest of its canonical
 * bytes (docs/formats/ceremony.md).
 */
export const ceremonyRecord = z.discriminatedUnion('event', [
  z.strictObject({
    ...about,
    event: z.literal('ceremony-begun'),
    scriptSha256: sha256Hex,
    planSha256: sha256Hex,
    softwareVersion: z.string().max(100),
  }),
  z.strictObject({ ...about, event: z.literal('ceremony-step-begun'), step: stepName, attempt: z.int().positive() }),
  /** A device is about to be asked for something that changes it, or that uses what is on it. */
  z.strictObject({
    ...about,
    event: z.literal('ceremony-act-intended'),
    step: stepName,
    act: z.string().max(64),
    deviceSerial: z.string().max(64),
    object: z.string().max(200),
  }),
  z.strictObject({
    ...about,
    event: z.literal('ceremony-step-failed'),
    step: stepName,
    code: z.string().max(64),
    message: z.string().max(2000),
  }),
  z.strictObject({ ...about, event: z.literal('ceremony-step-ended'), step: stepName, result: stepResult }),
  /** `skipped`: the step was not done. `noted`: something went otherwise than the script says. */
  z.strictObject({
    ...about,
    event: z.literal('ceremony-deviation'),
    step: stepName.nullable(),
    effect: z.enum(['skipped', 'noted']),
    by: plainLine(120),
    reason: plainLines(1000),
  }),
])
export type CeremonyRecord = z.infer<typeof ceremonyRecord>

/** Where a step is. */
export const stepState = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('waiting') }),
  z.strictObject({
    kind: z.literal('begun'),
    at: utcTime,
    attempt: z.int().positive(),
    failure: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
    /** The station stopped, or an attempt ended, after a device was asked: what became of that is looked at first. */
    intended: z.string().nullable(),
  }),
  z.strictObject({ kind: z.literal('done'), startedAt: utcTime, endedAt: utcTime, result: stepResult }),
  z.strictObject({ kind: z.literal('skipped'), at: utcTime, by: z.string(), reason: z.string() }),
])
export type StepState = z.infer<typeof stepState>

export const ceremonyOutcome = z.enum(['completed', 'abandoned'])

export const ceremonySummary = z.strictObject({
  id: ceremonyId,
  title: z.string(),
  state: z.enum(['open', 'completed', 'abandoned']),
  begunAt: utcTime,
  endedAt: utcTime.nullable(),
  deviations: z.int().nonnegative(),
  transcriptSha256: sha256Hex.nullable(),
  /** Of the entry that sealed the transcript. */
  sealedSeq: auditSeq.nullable(),
})
export type CeremonySummary = z.infer<typeof ceremonySummary>

/** A script with its parameters filled in: what will be done, before and while it is done. */
export const ceremonyPlan = z.strictObject({
  script: ceremonyScript,
  /** SHA-256 of the file as it was read. */
  scriptSha256: sha256Hex,
  /** SHA-256 of the canonical form with the parameters filled in. */
  planSha256: sha256Hex,
  parameters: z.record(z.string(), z.string()),
})
export type CeremonyPlan = z.infer<typeof ceremonyPlan>

export const ceremonyDetail = z.strictObject({
  summary: ceremonySummary,
  plan: ceremonyPlan,
  steps: z.array(stepState),
  /** The step that is now; null: all are done. */
  now: z.int().nonnegative().nullable(),
  /** For a step of digests: what is read aloud, pair by pair. */
  words: z.array(z.strictObject({ hex: z.string(), word: z.string() })).nullable(),
  records: z.array(ceremonyRecord),
})
export type CeremonyDetail = z.infer<typeof ceremonyDetail>

/** A ready script or one from a file. */
export const scriptSource = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ready'), name: z.string().regex(/^[a-z0-9-]{1,60}$/) }),
  z.strictObject({
    kind: z.literal('file'),
    path: z
      .string()
      .max(4096)
      .regex(/^\/[^\0]*$/),
  }),
])
export type ScriptSource = z.infer<typeof scriptSource>

export const readScript = z.strictObject({ source: scriptSource, script: ceremonyScript, sha256: sha256Hex })
export type ReadScript = z.infer<typeof readScript>
export const readyScript = z.strictObject({
  name: z.string(),
  script: ceremonyScript.nullable(),
  problem: failure.nullable(),
})

/** PEM as pasted; a certificate with its issuers at most. */
const pem = z.string().max(64 * 1024)

/** What the operator gives to end a step. A PIN is never in here. */
export const stepInput = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('note'), by: plainLine(120).nullable() }),
  z.strictObject({ kind: z.literal('roles'), people: z.array(ceremonyPerson).min(1).max(100) }),
  z.strictObject({
    kind: z.literal('inspect-device'),
    token: tokenId,
    /** As it stands on the case. */
    serial: plainLine(64),
    seal: plainLine(120).nullable(),
    remark: plainLines(1000).nullable(),
  }),
  z.strictObject({ kind: z.literal('software') }),
  z.strictObject({ kind: z.literal('generate-key') }),
  z.strictObject({ kind: z.literal('import-key'), certificatePem: pem }),
  z.strictObject({ kind: z.literal('attest'), certificatesPem: pem }),
  z.strictObject({ kind: z.literal('certificate'), certificatePem: pem.nullable() }),
  z.strictObject({ kind: z.literal('test-signature') }),
  z.strictObject({ kind: z.literal('wrap-backup') }),
  /** `wrapped`: the backup as base64, where it comes from elsewhere. */
  z.strictObject({ kind: z.literal('restore-test'), wrapped: z.string().max(16_384).nullable() }),
  z.strictObject({ kind: z.literal('device-options') }),
  z.strictObject({ kind: z.literal('register') }),
  z.strictObject({ kind: z.literal('retire-key'), reason: plainLines(1000) }),
  z.strictObject({ kind: z.literal('confirm-words'), readBy: plainLine(120), heardBy: plainLine(120) }),
  z.strictObject({ kind: z.literal('checkpoint') }),
  z.strictObject({
    kind: z.literal('answers'),
    answers: z.array(z.strictObject({ id: z.string().max(40), answer: plainLines(8000) })).max(60),
  }),
])
export type StepInput = z.infer<typeof stepInput>
