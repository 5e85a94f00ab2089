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
  /** Beside the section, in a `.changes`. Left out by stations that did not read it. */
  priority: z.string().exactOptional(),
})
export type ListedFile = z.infer<typeof listedFile>

/** The digests that control files list of a file, computed from its bytes. */
export const listedDigests = z.strictObject({ md5: hex(32), sha1: hex(40), sha256: sha256Hex })
export type ListedDigests = z.infer<typeof listedDigests>

/** How many files, and lines of `Changes`, are listed; an upload with more is refused. */
export const uploadBounds = { files: 1500, changesLines: 1000, lineLength: 1000 } as const

/**
 * How much is shown of fields without a place of their own: all of them (the parser takes no more), the beginning of each, and of what is
 * left as much as there is room for. In UTF-16 units.
 */
export const otherFieldBounds = { fields: 100, name: 100, piece: 4000, first: 2000, total: 262_144 } as const

/** A field that has no place of its own on the sheet: a signature vouches for it all the same. */
export const otherField = z.strictObject({
  /** As the file spells it. */
  name: z.string(),
  /**
   * The value in pieces, line ends in it, the first line without blanks around it. Its beginning, where it is longer than there is room for;
   * the screen makes visible what does not show.
   */
  value: z.array(z.string()).max(70),
  lines: z.int().positive(),
  /** Of the whole value in UTF-8, shown or not; so is the digest. */
  bytes: z.int().nonnegative(),
  sha256: sha256Hex,
  /** How much of it is not shown. 0: it is shown whole. */
  cutBytes: z.int().nonnegative(),
})
export type OtherField = z.infer<typeof otherField>

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
  /** Every field that has no place of its own, in the order of the file. Left out by stations that did not show them. */
  others: z.array(otherField).max(otherFieldBounds.fields).exactOptional(),
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
