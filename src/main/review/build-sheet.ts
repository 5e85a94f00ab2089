import { createHash } from 'node:crypto'
import type { HandOrigin } from '../../shared/by-hand.ts'
import type { Check } from '../../shared/check.ts'
import type { ArtifactId, Fingerprint, RequestId, Sha256Hex } from '../../shared/ids.ts'
import { sha256Hex } from '../../shared/ids.ts'
import type { InputFacts } from '../../shared/input-facts.ts'
import type { RegisteredKey } from '../../shared/key.ts'
import { isOpenPgp } from '../../shared/openpgp-purpose.ts'
import type {
  FurtherKey,
  PermissionAnswer,
  ReviewSheet,
  SheetArtifact,
  SheetAttestation,
  SheetFile,
  SheetKey,
  SigningTask,
  TrustedCerts,
} from '../../shared/review-sheet.ts'
import { canonicalBytes } from '../canonical/canonical-json.ts'
import type { WorkRequest } from '../debusine/server.ts'
import { sameFingerprint } from '../policy/trusted-certs.ts'

export interface InspectedFile {
  readonly ordinal: number
  readonly path: string
  readonly size: number
  readonly sha256: Sha256Hex
  readonly facts: InputFacts
  readonly signedBefore: SheetFile['signedBefore']
}

export interface InspectedArtifact {
  readonly artifactId: ArtifactId
  readonly category: string
  readonly binaryPackageName: string | null
  /** Null: the artifact does not say; an empty list says "none". */
  readonly trustedCerts: readonly string[] | null
  readonly permission: PermissionAnswer
  readonly files: readonly InspectedFile[]
}

export function sheetArtifacts(
  artifacts: readonly InspectedArtifact[],
  trustedList: readonly string[],
  purpose: ReviewSheet['purpose'],
): readonly SheetArtifact[] {
  return artifacts.map((artifact) => ({
    artifactId: artifact.artifactId,
    category: artifact.category,
    binaryPackageName: artifact.binaryPackageName,
    trustedCerts: trustedCertsOf(artifact.trustedCerts, trustedList),
    permission: artifact.permission,
    files: artifact.files.map((file) => ({
      ordinal: file.ordinal,
      path: file.path,
      size: file.size,
      sha256: file.sha256,
      facts: file.facts,
      disposition: isKernelModule(file.path) ? 'skip' : 'sign',
      toBeSigned: toBeSignedOf(file, purpose),
      signedBefore: file.signedBefore,
    })),
  }))
}

function trustedCertsOf(declared: readonly string[] | null, trustedList: readonly string[]): TrustedCerts {
  if (declared === null) return { kind: 'not-declared' }
  if (declared.length === 0) return { kind: 'declared-empty' }
  return {
    kind: 'declared',
    certificates: declared.map((fingerprint) => ({
      fingerprint,
      trusted: trustedList.some((listed) => sameFingerprint(listed, fingerprint)),
    })),
  }
}

/** Debusine's Sign task reports these as skipped, whatever they are for. */
function isKernelModule(path: string): boolean {
  return path.endsWith('.ko')
}

/** Facts of another kind than the purpose signs name nothing that could be signed. */
function toBeSignedOf({ path, facts }: InspectedFile, purpose: ReviewSheet['purpose']): SheetFile['toBeSigned'] {
  if (isKernelModule(path)) return null
  if (isOpenPgp(purpose))
    return facts.kind !== 'text' || facts.signedTextSha256 === null || facts.faults.length > 0
      ? null
      : { what: 'text as a clear-text signature reads it', algorithm: 'sha256', digest: facts.signedTextSha256 }
  if (facts.kind !== 'pe' || facts.authenticodeSha256 === null || facts.layoutFaults.length > 0) return null
  return { what: 'Authenticode digest of the PE image', algorithm: 'sha256', digest: facts.authenticodeSha256 }
}

export interface SheetParts {
  readonly requestId: RequestId
  readonly madeAt: string
  readonly server: string
  /** Null: opened at this station; then `byHand` is not. */
  readonly request: WorkRequest | null
  readonly byHand?: HandOrigin
  readonly task: SigningTask
  readonly purpose: ReviewSheet['purpose']
  readonly fingerprint: Fingerprint
  readonly key: RegisteredKey | null
  /** Of the key; null: it is kept in software, or not registered. */
  readonly attestation: SheetAttestation | null
  /** Keys after the first, with what the server says of each. Empty: one key. */
  readonly further?: readonly (Pick<FurtherKey, 'permission'> & {
    readonly fingerprint: Fingerprint
    readonly key: RegisteredKey | null
    readonly attestation: SheetAttestation | null
    readonly signedBefore: readonly FurtherKey['signedBefore'][number][]
  })[]
  readonly artifacts: readonly SheetArtifact[]
  readonly checks: readonly Check[]
}

export function buildSheet(parts: SheetParts): ReviewSheet {
  const { request, further = [] } = parts
  return {
    version: 1,
    requestId: parts.requestId,
    madeAt: parts.madeAt,
    workRequest:
      request === null
        ? null
        : {
            server: parts.server,
            id: request.id,
            scope: request.scope,
            workspace: request.workspace,
            task: parts.task,
            createdAt: request.createdAt,
            createdBy: request.createdBy,
            retryCount: request.retryCount,
          },
    ...(parts.byHand === undefined ? {} : { byHand: parts.byHand }),
    purpose: parts.purpose,
    key: keyOfSheet(parts),
    ...(further.length === 0
      ? {}
      : {
          furtherKeys: further.map((each) => ({
            key: keyOfSheet(each),
            permission: each.permission,
            signedBefore: [...each.signedBefore],
          })),
        }),
    artifacts: [...parts.artifacts],
    checks: [...parts.checks],
  }
}

function keyOfSheet({
  fingerprint,
  key,
  attestation,
}: Pick<SheetParts, 'fingerprint' | 'key' | 'attestation'>): SheetKey {
  if (key === null) return { fingerprint, registered: null }
  const { description, production, origin, home, certificate } = key
  return { fingerprint, registered: { description, production, origin, home, certificate, attestation } }
}

/** SHA-256 over the canonical JSON (docs/formats/review-sheet.md). What a decision is bound to. */
export function sheetDigest(sheet: ReviewSheet): { readonly bytes: Uint8Array; readonly digest: Sha256Hex } {
  const bytes = canonicalBytes(sheet)
  return { bytes, digest: sha256Hex.parse(createHash('sha256').update(bytes).digest('hex')) }
}

/** Whether two sheets show the same; when they were made does not count. */
export function showTheSame(a: ReviewSheet, b: ReviewSheet): boolean {
  const { digest: one } = sheetDigest({ ...a, madeAt: b.madeAt })
  return one === sheetDigest(b).digest
}

/** One line that says what a request is about. */
export function titleOf(artifacts: readonly SheetArtifact[]): string {
  const packages = artifacts.flatMap((artifact) => {
    const task = titleOfTask(artifact)
    if (task !== null) return [task]
    if (artifact.permission.kind !== 'answered')
      return artifact.binaryPackageName === null ? [] : [artifact.binaryPackageName]
    const { package: name, version } = artifact.permission.resource
    return name === undefined ? [] : [version === undefined ? name : `${name} ${version}`]
  })
  const files = artifacts.reduce((count, artifact) => count + artifact.files.length, 0)
  const what = [...new Set(packages)]
  const [first] = what
  if (first === undefined) return files === 1 ? (artifacts[0]?.files[0]?.path ?? 'one file') : `${files} files`
  return what.length === 1 ? first : `${first} and ${what.length - 1} more`
}

/** An upload by its source and version, an index by its suite and output. Null: files of a Sign task, or nothing that can be named. */
function titleOfTask({ files, upload, repositoryIndex }: SheetArtifact): string | null {
  if (repositoryIndex !== undefined) return `${repositoryIndex.signedName} of ${repositoryIndex.suite}`
  const changes = files.find(({ path }) => upload !== undefined && path === upload.changes)?.facts
  return changes?.kind === 'upload-document' && changes.source !== null && changes.version !== null
    ? `${changes.source} ${changes.version}`.slice(0, 200).toWellFormed()
    : null
}
