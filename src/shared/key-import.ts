import { z } from 'zod'
import { failure } from './failure.ts'
import { fingerprint, sha256Hex } from './ids.ts'

/** A key of a dump as the preview shows it. Everything in it was said by the dump, and has its form; `why` is our sentence. */
export const importRow = z.strictObject({
  /** Line of an SQL dump, object of a JSON one, counted from 1. */
  place: z.int().positive(),
  purpose: z.string().nullable(),
  fingerprint: fingerprint.nullable(),
  /** Subject of the certificate. */
  name: z.string().nullable(),
  /** Fingerprint of the service key that it is sealed with. */
  serviceKey: sha256Hex.nullable(),
  /** `take`: would be taken; `have`: is here already; `leave`: would not be taken, because of `why`. */
  verdict: z.enum(['take', 'have', 'leave']),
  code: z.string().regex(/^[a-z][a-z0-9-]*$/),
  why: z.string(),
})
export type ImportRow = z.infer<typeof importRow>

export const importPreview = z.strictObject({
  format: z.enum(['postgresql-copy', 'django-json']),
  /** Of the dump; the import takes this one and no other. */
  dumpSha256: sha256Hex,
  rows: z.array(importRow).max(2000),
  taking: z.int().nonnegative(),
})
export type ImportPreview = z.infer<typeof importPreview>

export const importReport = z.strictObject({
  taken: z.int().nonnegative(),
  left: z.int().nonnegative(),
  /** Keys that the preview would have taken and that did not prove possession, or could not be written. */
  failed: z.array(z.strictObject({ name: z.string(), failure })),
  stopped: z.boolean(),
})
export type ImportReport = z.infer<typeof importReport>

export const keyExport = z.strictObject({
  path: z.string(),
  keys: z.int().positive(),
  sha256: sha256Hex,
  /** What opens the records: these files have to go along, by another way. `file` null: it is not here. */
  serviceKeys: z.array(z.strictObject({ fingerprint: sha256Hex, file: z.string().nullable() })),
})
export type KeyExport = z.infer<typeof keyExport>
