import type { Kysely } from 'kysely'
import { type Database, readerOf } from '../../../db/database.ts'
import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { type ReviewSheet, taskOf } from '../../shared/review-sheet.ts'
import { childrenOf, debsignOrder } from '../signing/debsign/debsign-order.ts'
import { type SignedChild, signedChild } from '../signing/debsign/rewrite.ts'
import type { SignedPart } from '../signing/repository-index/index.signer.ts'
import type { SigningCertificate, SpooledFile } from '../signing/signer.ts'
import { saysSigned } from './as-logged.ts'
import { releasedOutput } from './released-output.ts'
import type { FileToSign } from './use-of-key.ts'

/**
 * How a file is signed. A document of an upload names those that were signed before it: their outputs are read from the database, where
 * they are with their outcomes, so that it is the same after a pause as without one.
 */
export async function formOf(
  db: Kysely<Database>,
  sheet: ReviewSheet,
  { file, artifact, keyIndex }: FileToSign,
  further: readonly SigningCertificate[],
): Promise<Result<SpooledFile['form'] | null, Failure>> {
  if (artifact.repositoryIndex !== undefined) {
    const { mode } = artifact.repositoryIndex
    if (sheet.furtherKeys === undefined) return ok({ kind: 'index', mode })
    if (keyIndex > 0) return ok({ kind: 'index', mode, several: { role: 'part' } })
    const parts = await partsOf(db, sheet, file.ordinal, further)
    return parts.ok ? ok({ kind: 'index', mode, several: { role: 'whole', further: parts.value } }) : parts
  }
  // Byte for byte, like a Release; no other part of an index is in it.
  if (artifact.detached === true) return ok({ kind: 'index', mode: 'detached' })
  if (artifact.upload === undefined) return ok(null)
  const { upload } = artifact
  const document = debsignOrder.find((each) => upload[each] === file.path)
  if (document === undefined || file.facts.kind !== 'upload-document') return err(notSigned)
  const children: SignedChild[] = []
  for (const kind of childrenOf[document]) {
    const name = upload[kind]
    if (name === null) continue
    const child = artifact.files.find(({ path }) => path === name)
    const signed = await releasedOutput(db, sheet.requestId, child?.ordinal ?? -1)
    if (signed === 'none' || signed === 'changed') return err(childNotSigned(name))
    children.push(signedChild(name, signed.bytes))
  }
  const files = artifact.files.map(({ path, size, sha256 }) => ({ name: path, size, sha256 }))
  return ok({ kind: 'upload', document, fields: upload.debusineFields, children, files, shown: file.facts })
}

/**
 * What the further keys have signed, in their order. Read from the database, where each is with its outcome, so that the output is the same
 * after a pause as without one. A row alone is not believed: what is released is what the log says that each key has signed.
 */
async function partsOf(
  db: Kysely<Database>,
  { requestId, furtherKeys = [] }: ReviewSheet,
  ordinal: number,
  certificates: readonly SigningCertificate[],
): Promise<Result<readonly SignedPart[], Failure>> {
  const rows = await readerOf(db)
    .selectFrom('further_signature')
    .leftJoin('audit_entry', 'audit_entry.seq', 'further_signature.outcome_seq')
    .select(['position', 'further_signature.fingerprint', 'packet', 'entry'])
    .where('further_signature.request_id', '=', requestId)
    .where('ordinal', '=', ordinal)
    .where('state', '=', 'made')
    .execute()
  const parts: SignedPart[] = []
  for (const [index, { key }] of furtherKeys.entries()) {
    const made = rows.find(({ position, fingerprint }) => position === index + 1 && fingerprint === key.fingerprint)
    const certificate = certificates[index]
    if (made?.packet == null || certificate === undefined) return err(partNotSigned(key.fingerprint))
    const use = { requestId, ordinal, fingerprint: key.fingerprint, position: index + 2 }
    if (!saysSigned(made.entry, use, made.packet)) return err(partChanged(key.fingerprint))
    parts.push({ certificate, packet: made.packet })
  }
  return ok(parts)
}

/** The files of a sheet in the order in which they can be signed. */
export function inSigningOrder(files: readonly FileToSign[]): readonly FileToSign[] {
  const rank = ({ file, artifact }: FileToSign) =>
    artifact.upload === undefined ? 0 : debsignOrder.findIndex((each) => artifact.upload?.[each] === file.path)
  return [...files].sort((a, b) => rank(a) - rank(b) || a.file.ordinal - b.file.ordinal)
}

/** Whether a file waits for the output of the one before it: then nothing is prepared ahead. */
export function oneAfterAnother(sheet: ReviewSheet): boolean {
  return taskOf(sheet) === 'debsign'
}

const notSigned: Failure = {
  kind: 'defect',
  code: 'not-a-document',
  message: 'The file is not one of the documents that the sheet says are signed. It was not signed.',
}
function childNotSigned(name: string): Failure {
  return {
    kind: 'invalid',
    code: 'child-not-signed',
    message: `${name} has no signature that was released, and what names it cannot be signed without one. Stop the request and have it made again.`,
  }
}
function partNotSigned(fingerprint: string): Failure {
  return {
    kind: 'invalid',
    code: 'part-not-signed',
    message: `The key ${fingerprint} has made no signature of this index that could be released, and without it the others are not released either. Stop the request and have it made again.`,
  }
}
function partChanged(fingerprint: string): Failure {
  return {
    kind: 'invalid',
    code: 'part-changed',
    message: `What lies in the database as the signature of the key ${fingerprint} is not what the log says that it has made: the disk or somebody changed it. The first key was not asked, and nothing was released. Stop the request, and find out who writes to the database.`,
  }
}
