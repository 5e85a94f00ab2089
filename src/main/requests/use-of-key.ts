import type { RequestRow } from '../../../db/tables/request.table.ts'
import { fingerprint, type RequestId } from '../../shared/ids.ts'
import type { ReviewSheet, SheetArtifact, SheetFile } from '../../shared/review-sheet.ts'
import type { TrustedCertsVerdict } from '../audit/format/entry.ts'
import type { DeskPorts } from './desk-ports.ts'
import { findRequest } from './request.repository.ts'

/** A file that the approved sheet says will be signed, with the digest that it showed. */
export interface FileToSign {
  readonly file: SheetFile & { readonly toBeSigned: NonNullable<SheetFile['toBeSigned']> }
  readonly artifact: SheetArtifact
}

/** Only what the sheet shows with a digest can be signed; there is no other way to name a file to the signing run. */
export function filesOfSheet(sheet: ReviewSheet): readonly FileToSign[] {
  return sheet.artifacts.flatMap((artifact) =>
    artifact.files.flatMap((file): FileToSign[] =>
      file.disposition === 'sign' && file.toBeSigned !== null
        ? [{ file: { ...file, toBeSigned: file.toBeSigned }, artifact }]
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
  const { file, artifact } = target
  const home = sheet.key.registered?.home
  return {
    requestId: sheet.requestId,
    ordinal: file.ordinal,
    path: file.path,
    inputSha256: file.sha256,
    digest: file.toBeSigned.digest as string,
    digestAlgorithm: file.toBeSigned.algorithm,
    what: file.toBeSigned.what,
    purpose: sheet.purpose,
    fingerprint: sheet.key.fingerprint,
    sheetDigest: context.sheetDigest as ReviewSheet['artifacts'][number]['files'][number]['sha256'], // came from the stored sheet's digest column
    tokenSerial: home?.kind === 'token' ? home.token.serial : null,
    workRequestId: sheet.workRequest?.id ?? null,
    workspace: sheet.workRequest?.workspace ?? null,
    username: 'username' in artifact.permission ? artifact.permission.username : null,
    operator: context.operator,
    trustedCertsVerdict: verdictOf(artifact),
  } as const
}

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

/** Serial of the token that has the key of a request. Null: the request names no key of a token. */
export async function keyTokenOf({ db, keys }: Pick<DeskPorts, 'db' | 'keys'>, id: RequestId): Promise<string | null> {
  const row = await findRequest(db, id)
  const print = fingerprint.safeParse(row?.fingerprint)
  const key = print.success ? await keys.find(row?.purpose ?? '', print.data) : null
  return key?.home.kind === 'token' ? key.home.token.serial : null
}
