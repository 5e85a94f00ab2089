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
  uploadDocumentFacts,
  payloadFacts,
  releaseFacts,
  opaqueFacts,
])
export type InputFacts = z.infer<typeof inputFacts>
