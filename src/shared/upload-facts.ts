import { z } from 'zod'
import { sha256Hex } from './ids.ts'

/** Why a control file must not be signed. */
export const documentFault = z.strictObject({ code: z.string(), message: z.string() })
export type DocumentFault = z.infer<typeof documentFault>

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`))

/** A file as a control file lists it. A digest is null where the document has no list of that kind. */
export const listedFile = z.strictObject({
  name: z.string(),
  size: z.int().nonnegative(),
  md5: hex(32).nullable(),
  sha1: hex(40).nullable(),
  sha256: hex(64).nullable(),
  section: z.string().nullable(),
})
export type ListedFile = z.infer<typeof listedFile>

/** The digests that control files list of a file, computed from its bytes. */
export const listedDigests = z.strictObject({ md5: hex(32), sha1: hex(40), sha256: sha256Hex })
export type ListedDigests = z.infer<typeof listedDigests>

/** How many files, and lines of `Changes`, are listed; an upload with more is refused. */
export const uploadBounds = { files: 1500, changesLines: 1000, lineLength: 1000 } as const

/** A `.changes`, `.dsc` or `.buildinfo`. Fields that it does not have are null; nothing is filled in. */
export const uploadDocumentFacts = z.strictObject({
  kind: z.literal('upload-document'),
  document: z.enum(['changes', 'dsc', 'buildinfo']),
  digests: listedDigests,
  faults: z.array(documentFault).max(16),
  /** It carries a signature, which is taken off: it is signed anew. */
  signedAlready: z.boolean(),
  /** SHA-256 of the text without its signature. Null: it cannot be told apart. */
  bodySha256: sha256Hex.nullable(),
  format: z.string().nullable(),
  source: z.string().nullable(),
  version: z.string().nullable(),
  architecture: z.string().nullable(),
  binary: z.string().nullable(),
  distribution: z.string().nullable(),
  urgency: z.string().nullable(),
  maintainer: z.string().nullable(),
  changedBy: z.string().nullable(),
  date: z.string().nullable(),
  closes: z.array(z.string()).max(200),
  /** Lines of `Changes`, the blank before them taken off. */
  changes: z.array(z.string()).max(uploadBounds.changesLines),
  /** In the order in which the document lists them. */
  files: z.array(listedFile).max(uploadBounds.files),
  /** Fields `Debusine-*` that the file brought along. */
  debusineFields: z.array(z.string()).max(16),
})
export type UploadDocumentFacts = z.infer<typeof uploadDocumentFacts>

/** A file of an upload that is not signed itself: the signed documents hold its digests. */
export const payloadFacts = z.strictObject({
  kind: z.literal('payload'),
  /** What it begins like. */
  what: z.string(),
  digests: listedDigests,
})
export type PayloadFacts = z.infer<typeof payloadFacts>
