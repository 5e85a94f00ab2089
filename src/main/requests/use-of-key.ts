import type { RequestRow } from '../../../db/tables/request.table.ts'
import type { RequestId } from '../../shared/ids.ts'
import { keysOf, type ReviewSheet, type SheetArtifact, type SheetFile } from '../../shared/review-sheet.ts'
import type { TrustedCertsVerdict } from '../audit/format/entry.ts'
import type { DeskPorts } from './desk-ports.ts'
import { keysAsked } from './keys-asked.ts'
import { findRequest } from './request.repository.ts'

/** A file that the approved sheet says will be signed, with the digest that it showed. */
export interface FileToSign {
  readonly file: SheetFile & { readonly toBeSigned: NonNullable<SheetFile['toBeSigned']> }
  readonly artifact: SheetArtifact
  /** Which of the sheet's keys signs it, from 0. */
  readonly keyIndex: number
}

/** Only what the sheet shows with a digest can be signed; there is no other way to name a file to the signing run. */
export function filesOfSheet(sheet: ReviewSheet, keyIndex = 0): readonly FileToSign[] {
  return sheet.artifacts.flatMap((artifact) =>
    artifact.files.flatMap((file): FileToSign[] =>
      file.disposition === 'sign' && file.toBeSigned !== null
        ? [{ file: { ...file, toBeSigned: file.toBeSigned }, artifact, keyIndex }]
        : [],
    ),
  )
}

/** The fields that an intent and its outcome have in common (docs/formats/audit-entry.md). */
export function useOfKey(
  target: FileToSign,
  sheet: ReviewSheet,
  context: { readonly request: RequestRow; readonly sheetDigest: string; readonly operator: string },
) {
  const { file, artifact, keyIndex } = target
  const keys = keysOf(sheet)
  const key = keys[keyIndex]
  if (key === undefined) throw new Error(`the sheet has no key ${keyIndex}`)
  const home = key.registered?.home
  const permission = keyIndex === 0 ? artifact.permission : sheet.furtherKeys?.[keyIndex - 1]?.permission
  return {
    requestId: sheet.requestId,
    ordinal: file.ordinal,
    path: file.path,
    inputSha256: file.sha256,
    digest: file.toBeSigned.digest as string,
    digestAlgorithm: file.toBeSigned.algorithm,
    what: file.toBeSigned.what,
    purpose: sheet.purpose,
    fingerprint: key.fingerprint,
    ...(keys.length > 1 ? { key: { position: keyIndex + 1, count: keys.length } } : {}),
    sheetDigest: context.sheetDigest as ReviewSheet['artifacts'][number]['files'][number]['sha256'], // came from the stored sheet's digest column
    tokenSerial: home?.kind === 'token' ? home.token.serial : null,
    workRequestId: sheet.workRequest?.id ?? null,
    workspace: sheet.workRequest?.workspace ?? null,
    username: permission !== undefined && 'username' in permission ? permission.username : null,
    operator: context.operator,
    trustedCertsVerdict: verdictOf(artifact),
  } as const
}

export type UseOfKey = ReturnType<typeof useOfKey>

function verdictOf(artifact: SheetArtifact): TrustedCertsVerdict {
  const { trustedCerts } = artifact
  return trustedCerts.kind === 'declared'
    ? {
        kind: 'declared',
        declared: trustedCerts.certificates.length,
        trusted: trustedCerts.certificates.filter((each) => each.trusted).length,
      }
    : { kind: trustedCerts.kind }
}

/** Tokens that have keys of a request, each once. Empty: it names no key of a token. */
export async function keyTokensOf(
  { db, keys }: Pick<DeskPorts, 'db' | 'keys'>,
  id: RequestId,
): Promise<readonly string[]> {
  const row = await findRequest(db, id)
  if (row === null) return []
  const serials = new Set<string>()
  for (const print of keysAsked(row)) {
    const key = await keys.find(row.purpose ?? '', print)
    if (key?.home.kind === 'token') serials.add(key.home.token.serial)
  }
  return [...serials]
}
