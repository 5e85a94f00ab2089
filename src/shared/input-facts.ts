import { z } from 'zod'
import { sha256Hex } from './ids.ts'
import { certificateFacts } from './key.ts'
import { releaseFacts } from './release-facts.ts'
import { payloadFacts, uploadDocumentFacts } from './upload-facts.ts'

/** One row of a `.sbat` section (CSV; shim SBAT.md). */
export const sbatRow = z.strictObject({
  component: z.string(),
  generation: z.int().nonnegative(),
  vendor: z.string(),
  package: z.string(),
  version: z.string(),
  url: z.string(),
})
export type SbatRow = z.infer<typeof sbatRow>

export const peSection = z.strictObject({
  name: z.string(),
  offset: z.int().nonnegative(),
  rawSize: z.int().nonnegative(),
  virtualSize: z.int().nonnegative(),
  sha256: sha256Hex.nullable(),
})

/** A certificate found inside the file: in `.vendor_cert`, or by scanning the bytes for DER certificates. */
export const embeddedCertificate = z.strictObject({
  where: z.string(),
  offset: z.int().nonnegative(),
  certificate: certificateFacts,
})
export type EmbeddedCertificate = z.infer<typeof embeddedCertificate>

export const existingSignature = z.strictObject({
  signer: certificateFacts.nullable(),
  issuerName: z.string(),
  digest: z.string(),
  digestAlgorithm: z.string(),
  /** Whether the signed digest equals the digest of this file. */
  matchesFile: z.boolean(),
})
export type ExistingSignature = z.infer<typeof existingSignature>

/** A problem of the layout for which no signature may be made (see signing/pe/README.md). */
export const layoutFault = z.strictObject({ code: z.string(), message: z.string() })
export type LayoutFault = z.infer<typeof layoutFault>

export const peFacts = z.strictObject({
  kind: z.literal('pe'),
  machine: z.string(),
  subsystem: z.string(),
  /** What it probably is, from its sections: `uki`, `systemd-boot`, `shim`, `linux-kernel`, `grub`, `efi-application`, … */
  role: z.string(),
  /** Authenticode SHA-256: what a signature covers. Null when the layout has a fault. */
  authenticodeSha256: sha256Hex.nullable(),
  layoutFaults: z.array(layoutFault),
  sections: z.array(peSection).max(96),
  sbat: z.array(sbatRow).max(64).nullable(),
  sbatProblem: z.string().nullable(),
  /** Text sections of a UKI and of systemd-boot: `.osrel`, `.uname`, `.cmdline`, `.sdmagic`, cut at 4 KiB each. */
  texts: z.array(z.strictObject({ section: z.string(), text: z.string(), cut: z.boolean() })).max(16),
  kernelVersion: z.string().nullable(),
  /** Authenticode SHA-256 of an embedded `.linux` image. */
  innerKernelSha256: sha256Hex.nullable(),
  vendorCertificates: z.array(embeddedCertificate).max(64),
  vendorDbxBytes: z.int().nonnegative().nullable(),
  embeddedCertificates: z.array(embeddedCertificate).max(64),
  existingSignatures: z.array(existingSignature).max(32),
  /** A sentence for everything that was found and is not listed above, because a bound was reached or it could not be read. */
  incomplete: z.array(z.string()).max(16),
})
export type PeFacts = z.infer<typeof peFacts>

/** Characters of a text that are not seen, or show it otherwise than it is. */
export const textOddity = z.strictObject({
  kind: z.enum(['control', 'bidirectional', 'invisible', 'line-separator', 'not-assigned']),
  /** `U+202E`. */
  codePoint: z.string().regex(/^U\+[0-9A-F]{4,6}$/),
  count: z.int().positive(),
  /** Line of the first, from 1. */
  firstLine: z.int().positive(),
})
export type TextOddity = z.infer<typeof textOddity>

/** How much of a text is on the sheet, in UTF-16 units. */
export const shownTextLength = 16_384

/** A file that is to be clear-signed. */
export const textFacts = z.strictObject({
  kind: z.literal('text'),
  /** Why no signature may be made: programs would not read the same text. */
  faults: z.array(layoutFault).max(8),
  /** SHA-256 of the text as a clear-text signature reads it (RFC 9580 §7). Null when there is a fault. */
  signedTextSha256: sha256Hex.nullable(),
  lines: z.int().nonnegative(),
  lineEnds: z.enum(['lf', 'crlf', 'mixed', 'none']),
  /** Lines with blanks at their end, which stay in the text and which no signature covers. */
  trailingBlanks: z.int().nonnegative(),
  /** The beginning of the text in pieces, as it is: the screen makes visible what does not show. */
  text: z.array(z.string()).max(8),
  cut: z.boolean(),
  oddities: z.array(textOddity).max(32),
  /** Lines that begin like OpenPGP's armor: the text holds a signed message, or looks as if it did. */
  frames: z.array(z.strictObject({ line: z.int().positive(), text: z.string() })).max(32),
  /** Lines that are not empty and lie outside the signed part of a message inside the text. Null: there is no such message. */
  linesOutside: z.int().nonnegative().nullable(),
})
export type TextFacts = z.infer<typeof textFacts>

/** A file that the inspector cannot explain: signing it would be blind signing. */
export const opaqueFacts = z.strictObject({
  kind: z.literal('opaque'),
  /** Why it could not be explained, a sentence. */
  reason: z.string(),
  firstBytesHex: z.string().max(64),
})
export type OpaqueFacts = z.infer<typeof opaqueFacts>

export const inputFacts = z.discriminatedUnion('kind', [
  peFacts,
  textFacts,
  uploadDocumentFacts,
  payloadFacts,
  releaseFacts,
  opaqueFacts,
])
export type InputFacts = z.infer<typeof inputFacts>
