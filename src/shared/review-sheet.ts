import { z } from 'zod'
import { handOrigin } from './by-hand.ts'
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
  /** Nobody was asked: a person opened the files at this station. A state of its own, never the server's yes. */
  z.strictObject({ kind: z.literal('by-hand'), openedBy: z.string() }),
  /**
   * No key is asked about: the server waits for the signature of the user who made the task (ExternalDebsign). `mine`: it says that the API
   * token of the settings is theirs.
   */
  z.strictObject({ kind: z.literal('own-signature'), username: z.string(), userId: z.int(), mine: z.boolean() }),
])
export type PermissionAnswer = z.infer<typeof permissionAnswer>

/** The task of the server that a request is, in its word; an ExternalDebsign is signed as a `debsign`. */
export const signingTask = z.enum(['sign', 'debsign', 'signrepositoryindex'])
export type SigningTask = z.infer<typeof signingTask>

/** An upload as one, beside the facts of its files. */
export const uploadSummary = z.strictObject({
  /** The documents that are signed, in the order of signing; null where there is none. */
  dsc: z.string().nullable(),
  buildinfo: z.string().nullable(),
  changes: z.string().nullable(),
  /** What is written into the `.changes` before it is signed, as debusine does since 0.14.8. Null: nothing. */
  debusineFields: z
    .strictObject({ user: z.string(), workflow: z.string().nullable(), workRequest: z.string() })
    .nullable(),
  /** The last upload of the same source that was signed here. Names are without their version. */
  last: z
    .strictObject({
      at: utcTime,
      requestId,
      version: z.string(),
      distribution: z.string(),
      order: z.enum(['newer', 'same', 'older', 'unknown']),
      added: z.array(z.string()).max(500),
      removed: z.array(z.string()).max(500),
      resized: z
        .array(z.strictObject({ name: z.string(), before: z.int().nonnegative(), after: z.int().nonnegative() }))
        .max(500),
    })
    .nullable(),
})
export type UploadSummary = z.infer<typeof uploadSummary>

/** A repository index that is signed; what it says is in the facts of its file. */
export const indexSummary = z.strictObject({
  /** The suite as the server names it. */
  suite: z.string(),
  mode: z.enum(['clear', 'detached']),
  /** Name of the output. */
  signedName: z.string(),
  /** The last index of this suite that was signed here; its file's facts say what changed since. */
  last: z.strictObject({ at: utcTime, requestId, date: utcTime.nullable() }).nullable(),
})
export type IndexSummary = z.infer<typeof indexSummary>

export const sheetFile = z.strictObject({
  /** Position in the request, from 0; files of all artifacts are counted through. */
  ordinal: z.int().nonnegative(),
  path: z.string(),
  size: z.int().nonnegative(),
  sha256: sha256Hex,
  facts: inputFacts,
  /**
   * `skip`: reported as skipped, as debusine's own worker does with kernel modules; never signed. `keep`: not signed itself; it goes back
   * with what is signed, which holds its digests.
   */
  disposition: z.enum(['sign', 'skip', 'keep']),
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
  /** At the server. By hand: 1, the one group of opened files. */
  artifactId,
  category: z.string(),
  binaryPackageName: z.string().nullable(),
  trustedCerts,
  permission: permissionAnswer,
  files: z.array(sheetFile),
  /** Only of a Debsign. */
  upload: uploadSummary.exactOptional(),
  /** Only of a SignRepositoryIndex. */
  repositoryIndex: indexSummary.exactOptional(),
  /** Only by hand: files of any kind, signed byte for byte by signatures beside them. */
  detached: z.literal(true).exactOptional(),
})
export type SheetArtifact = z.infer<typeof sheetArtifact>

/** A key that signs, as it was registered when the sheet was made. */
export const sheetKey = z.strictObject({
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
})
export type SheetKey = z.infer<typeof sheetKey>

/** One more key that signs the same file: one signature file, one approval, a signature and a permission of its own. */
export const furtherKey = z.strictObject({
  key: sheetKey,
  permission: permissionAnswer,
  /** Earlier signatures of the file by this key at this station. */
  signedBefore: sheetFile.shape.signedBefore,
})
export type FurtherKey = z.infer<typeof furtherKey>

/** Keys that may sign one repository index. */
export const maxKeysOfIndex = 8

/**
 * Everything that the operator is shown about a request, and nothing else. Its digest (SHA-256 over the canonical JSON,
 * docs/formats/review-sheet.md) is what a decision is bound to, hence the exact bytes of every file.
 */
export const reviewSheet = z.strictObject({
  version: z.literal(1),
  requestId,
  madeAt: utcTime,
  /** Null: nobody at a server asked; then `byHand` says who opened the files. */
  workRequest: z
    .strictObject({
      server: z.string(),
      id: workRequestId,
      scope: z.string().nullable(),
      workspace: z.string(),
      task: signingTask,
      createdAt: z.string(),
      createdBy: z.int(),
      retryCount: z.int().nonnegative(),
    })
    .nullable(),
  /** Only on a sheet without `workRequest`: the sheets of servers have no such member, so that their digests stay as they were. */
  byHand: handOrigin.optional(),
  purpose,
  /** The only key, or the first of several in the order that was asked for. */
  key: sheetKey,
  /** Only of an index that several keys sign: those after the first. Left out otherwise, so that digests stay as they were. */
  furtherKeys: z
    .array(furtherKey)
    .min(1)
    .max(maxKeysOfIndex - 1)
    .exactOptional(),
  artifacts: z.array(sheetArtifact),
  checks: z.array(check),
})
export type ReviewSheet = z.infer<typeof reviewSheet>

/** All keys that sign, in the order of their signatures in the output. */
export function keysOf(sheet: Pick<ReviewSheet, 'key' | 'furtherKeys'>): readonly [SheetKey, ...SheetKey[]] {
  return [sheet.key, ...(sheet.furtherKeys ?? []).map(({ key }) => key)]
}

/** Whether a sheet can be approved, and what has to be acknowledged by name for it. */
export type Approvability =
  | { readonly kind: 'approvable'; readonly acknowledge: readonly string[] }
  | { readonly kind: 'blocked'; readonly by: readonly string[] }

/** What a sheet is about, in the server's words: a file that is opened by hand is signed as one of its tasks would be. */
export function taskOf(sheet: Pick<ReviewSheet, 'workRequest' | 'byHand'>): SigningTask {
  if (sheet.workRequest !== null) return sheet.workRequest.task
  switch (sheet.byHand?.signAs) {
    case 'debian-upload':
      return 'debsign'
    case 'release-clear':
    case 'release-detached':
      return 'signrepositoryindex'
    case 'uefi-detached':
    case 'openpgp-clear':
    case 'openpgp-detached':
    case undefined:
      return 'sign'
  }
}
