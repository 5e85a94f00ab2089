import { z } from 'zod'
import { certificatePlan, generatedAlgorithm, keyPolicies } from './key-generation.ts'
import { maxKeyLabel } from './key-place.ts'
import { purpose } from './purpose.ts'

// What a script of a ceremony may say (docs/formats/ceremony.md). Main reads it; the window gets what was read.

/**
 * Nobody types these, and they would let a name or a line on paper read otherwise than it is: controls, marks that reorder text (Unicode
 * TR36 §2.3.1), line and paragraph separators, invisible operators. Joiners (U+200C, U+200D) are letters of some names.
 */
const hidden =
  /[\p{Cc}\p{Zl}\p{Zp}\u061C\u200B\u200E\u200F\u202A-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB\u{E0000}-\u{E007F}]/u
const hiddenButLines = new RegExp(`(?!\\n)${hidden.source}`, 'u')

/** One line that a person chose and others read aloud. */
export function plainLine(max: number) {
  return z
    .string()
    .trim()
    .min(1)
    .max(max)
    .refine((text) => text.isWellFormed() && !hidden.test(text), 'holds characters that cannot be seen')
}

/** The same with line breaks. */
export function plainLines(max: number) {
  return z
    .string()
    .trim()
    .min(1)
    .max(max)
    .refine((text) => text.isWellFormed() && !hiddenButLines.test(text), 'holds characters that cannot be seen')
}

/** By which a script speaks of its steps, devices, keys and parameters. */
export const scriptName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'is no name: small letters, digits and hyphens, a letter first')
const objectId = z.string().regex(/^[0-9a-f]{4}$/, 'is no object id: four hex digits')

const step = <K extends string, S extends z.ZodRawShape>(kind: K, members: S) =>
  z.strictObject({
    id: scriptName,
    kind: z.literal(kind),
    title: plainLine(120),
    /** What is done, for those who do it and those who watch. */
    text: plainLines(4000).optional(),
    ...members,
  })

export const ceremonyStep = z.discriminatedUnion('kind', [
  /** Something is said or looked at. `aloud`: word by word, in large letters. */
  step('note', { aloud: z.boolean().default(false) }),
  /** Who is there, typed in. */
  step('roles', {
    roles: z
      .array(z.strictObject({ role: plainLine(80), minimum: z.int().min(1).max(20) }))
      .min(1)
      .max(20),
  }),
  /** The serial number is read from the case and compared with what the device says; the bag or seal it came in. */
  step('inspect-device', {
    device: scriptName,
    model: z.enum(['yubikey', 'yubihsm', 'any']),
    sealed: z.boolean().default(false),
  }),
  step('software', {}),
  step('generate-key', {
    key: scriptName,
    device: scriptName,
    purpose,
    description: plainLine(200),
    production: z.boolean(),
    algorithm: generatedAlgorithm,
    /** CKA_ID; a YubiHSM's object id. */
    objectId: z.string().regex(/^(?:[0-9a-f]{2}){1,32}$/, 'is no id: pairs of hex digits'),
    label: plainLine(maxKeyLabel),
    policies: keyPolicies.default({ pin: 'default', touch: 'default' }),
    /** A YubiHSM's key that a wrap key may take out, for a backup. */
    exportable: z.boolean().default(false),
    certificate: certificatePlan,
  }),
  /** The key was put onto the device with its maker's tool: the station looks at what is there. */
  step('import-key', {
    key: scriptName,
    device: scriptName,
    purpose,
    description: plainLine(200),
    production: z.boolean(),
    objectId: z.string().regex(/^(?:[0-9a-f]{2}){1,32}$/, 'is no id: pairs of hex digits'),
  }),
  /** `required`: up to a root that is trusted here, or the step is not done. */
  step('attest', { key: scriptName, required: z.boolean().default(true) }),
  /** The certificate or the request for one; where a CA issues it, it is brought. */
  step('certificate', { key: scriptName, issued: z.boolean().default(false) }),
  step('test-signature', { key: scriptName }),
  step('wrap-backup', { key: scriptName, device: scriptName, wrapKeyId: objectId }),
  /** A backup is put onto another device, and the key signs there. `from`: the step that made it. Null: a file that is brought. */
  step('restore-test', {
    key: scriptName,
    device: scriptName,
    wrapKeyId: objectId,
    from: scriptName.nullable(),
    keep: z.boolean(),
  }),
  step('device-options', {
    device: scriptName,
    forceAudit: z.enum(['leave', 'off', 'on', 'fixed']),
    auditSignatures: z.enum(['leave', 'off', 'on', 'fixed']),
  }),
  step('register', { key: scriptName }),
  /** `destroy`: it is deleted on a YubiHSM; on others the station looks that it is gone. */
  step('retire-key', { key: scriptName, destroy: z.boolean() }),
  step('confirm-words', { what: z.enum(['script', 'public-key', 'certificate']), key: scriptName.optional() }),
  step('checkpoint', {}),
  step('answers', {
    questions: z
      .array(z.strictObject({ id: scriptName, question: plainLines(1000), hint: plainLines(1000).optional() }))
      .min(1)
      .max(60),
  }),
])
export type CeremonyStep = z.infer<typeof ceremonyStep>
export type CeremonyStepKind = CeremonyStep['kind']

export const ceremonyParameter = z.strictObject({
  id: scriptName,
  label: plainLine(200),
  /** What stands in the field at first; empty: it has to be typed. */
  value: z.string().max(200).default(''),
})
export type CeremonyParameter = z.infer<typeof ceremonyParameter>

export const ceremonyScript = z.strictObject({
  format: z.literal('signing-station-ceremony/1'),
  title: plainLine(120),
  purpose: plainLines(2000),
  /** Typed before the ceremony begins; `${id}` stands for them in any text of the steps. */
  parameters: z.array(ceremonyParameter).max(40).default([]),
  /** Keys that are registered here already. */
  keys: z
    .array(z.strictObject({ key: scriptName, fingerprint: z.string().max(80) }))
    .max(10)
    .default([]),
  steps: z.array(ceremonyStep).min(1).max(100),
})
export type CeremonyScript = z.infer<typeof ceremonyScript>
