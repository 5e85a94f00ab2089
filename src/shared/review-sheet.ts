import { z } from 'zod'
import { check } from './check.ts'
import { artifactId, auditSeq, fingerprint, requestId, sha256Hex, utcTime, workRequestId } from './ids.ts'
import { inputFacts } from './input-facts.ts'
import { certificateFacts, keyHome, keyOrigin } from './key.ts'
import { purpose } from './purpose.ts'

/** Three states that must not be confused: the artifact says nothing, says "none", or names certificates. */
export const trustedCerts = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('not-declared') }),
  z.strictObject({ kind: z.literal('declared-empty') }),
  z.strictObject({
    kind: z.literal('declared'),
    certificates: z.array(z.strictObject({ fingerprint: z.string(), trusted: z.boolean() })),
  }),
])
export type TrustedCerts = z.infer<typeof trustedCerts>

/** The server's answer to `sign_with`, or why there is none. */
export const permissionAnswer = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('answered'),
    allowed: z.boolean(),
    username: z.string(),
    userId: z.int(),
    resource: z.record(z.string(), z.string()),
  }),
  z.strictObject({ kind: z.literal('no-such-key') }),
  z.strictObject({ kind: z.literal('not-answered'), reason: z.string() }),
])
export type PermissionAnswer = z.infer<typeof permissionAnswer>

export const sheetFile = z.strictObject({
  /** Position in the request, from 0; files of all artifacts are counted through. */
  ordinal: z.int().nonnegative(),
  path: z.string(),
  size: z.int().nonnegative(),
  sha256: sha256Hex,
  facts: inputFacts,
  /** `skip`: reported as skipped, as debusine's own worker does with kernel modules; never signed. */
  disposition: z.enum(['sign', 'skip']),
  /** What the key will sign for this file. Null where nothing can be signed. */
  toBeSigned: z.strictObject({ what: z.string(), algorithm: z.literal('sha256'), digest: sha256Hex }).nullable(),
  /** Earlier signatures of these bytes by this key at this station. */
  signedBefore: z.array(z.strictObject({ at: utcTime, requestId, workRequest: workRequestId.nullable() })).max(16),
})
export type SheetFile = z.infer<typeof sheetFile>

/** What came of the last look at the attestation of the key by its token's maker. */
export const sheetAttestation = z.strictObject({
  /** `generated` and `imported`: verified up to a root. `not-verified`: an issuer is not known here. `none`: there is none to check. */
  result: z.enum(['generated', 'imported', 'not-verified', 'failed', 'none']),
  /** What a verified one ends at, and who trusts it: the program's own list, or the operator. */
  root: z.strictObject({ name: z.string(), source: z.enum(['shipped', 'operator']) }).nullable(),
  /** An earlier look failed. It stays so. */
  failedBefore: z.boolean(),
  /** Entry of the log about the last look. Null: nobody looked. */
  seq: auditSeq.nullable(),
})
export type SheetAttestation = z.infer<typeof sheetAttestation>

export const sheetArtifact = z.strictObject({
  artifactId,
  category: z.string(),
  binaryPackageName: z.string().nullable(),
  trustedCerts,
  permission: permissionAnswer,
  files: z.array(sheetFile),
})
export type SheetArtifact = z.infer<typeof sheetArtifact>

/**
 * Everything that the operator is shown about a request, and nothing else. Its digest (SHA-256 over the canonical JSON,
 * docs/formats/review-sheet.md) is what a decision is bound to, hence the exact bytes of every file.
 */
export const reviewSheet = z.strictObject({
  version: z.literal(1),
  requestId,
  madeAt: utcTime,
  workRequest: z.strictObject({
    server: z.string(),
    id: workRequestId,
    scope: z.string().nullable(),
    workspace: z.string(),
    task: z.literal('sign'),
    createdAt: z.string(),
    createdBy: z.int(),
    retryCount: z.int().nonnegative(),
  }),
  purpose,
  key: z.strictObject({
    fingerprint,
    /** Null: no such key is registered here. */
    registered: z
      .strictObject({
        description: z.string(),
        production: z.boolean(),
        /** Where the private key was born, as far as the token says. */
        origin: keyOrigin,
        home: keyHome,
        certificate: certificateFacts,
        /** Null: a software key. Left out of sheets that are older than it. */
        attestation: sheetAttestation.nullable().optional(),
      })
      .nullable(),
  }),
  artifacts: z.array(sheetArtifact),
  checks: z.array(check),
})
export type ReviewSheet = z.infer<typeof reviewSheet>

/** Whether a sheet can be approved, and what has to be acknowledged by name for it. */
export type Approvability =
  | { readonly kind: 'approvable'; readonly acknowledge: readonly string[] }
  | { readonly kind: 'blocked'; readonly by: readonly string[] }
