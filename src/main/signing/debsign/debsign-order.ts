import { err, ok, type Result } from '../../../shared/result.ts'
import { type DocumentFault, uploadBounds } from '../../../shared/upload-facts.ts'
import { controlLimits } from '../../deb822/control-fault.ts'
import { type ControlFile, parseControl } from '../../deb822/paragraph.ts'
import { readFileLists } from '../../debian/file-list.ts'
import { type DebusineFields, textToSign, withDebusineFields } from './debusine-fields.ts'
import { type SignedChild, withChild } from './rewrite.ts'

/** Where each document stands in debsign's order: a later one names the earlier ones, by what they are after they are signed. */
export const debsignOrder = ['dsc', 'buildinfo', 'changes'] as const
export type DebsignDocument = (typeof debsignOrder)[number]

/** The documents that one names, hence that have to be signed before it. */
export const childrenOf: Readonly<Record<DebsignDocument, readonly DebsignDocument[]>> = {
  dsc: [],
  buildinfo: ['dsc'],
  changes: ['dsc', 'buildinfo'],
}

/** The text of a document apart from a signature that it may carry, with debusine's fields where it is a `.changes` and there are any. */
export function documentText(
  file: Uint8Array,
  document: DebsignDocument,
  fields: DebusineFields | null,
  files: readonly UploadFileDigest[] | null = null,
): Result<Uint8Array, DocumentFault> {
  const parsed = parseControl(file, controlLimits)
  if (!parsed.ok) return parsed
  const { body } = parsed.value
  const other = files === null ? null : otherThanListed(parsed.value, document, files)
  if (other !== null) return err(other)
  return ok(document === 'changes' && fields !== null ? withDebusineFields(body, fields) : body)
}

/** A file of the upload as it was fetched. */
export interface UploadFileDigest {
  readonly name: string
  readonly size: number
  readonly sha256: string
}

/**
 * Before the check of an upload is believed, a second look with what is signed in hand: the inspector that read the lists met hostile bytes
 * and may have lied about them. Only the `.changes` has to name every file.
 */
function otherThanListed(
  file: ControlFile,
  document: DebsignDocument,
  files: readonly UploadFileDigest[],
): DocumentFault | null {
  const lists = readFileLists(file, document, uploadBounds.files)
  if (!lists.ok) return lists.error
  const bad = lists.value.find(({ name, size, sha256 }) => {
    const here = files.find((each) => each.name === name)
    return here === undefined ? document === 'changes' : here.size !== size || here.sha256 !== sha256
  })
  if (bad !== undefined)
    return {
      code: 'upload-changed',
      message: `${bad.name} is not the file that the .${document} lists. Nothing was signed.`,
    }
  return null
}

/** What is clear-signed: the text with the new sizes and digests of its children, and one empty line. */
export function finalText(text: Uint8Array, children: readonly SignedChild[]): Result<Uint8Array, DocumentFault> {
  let made = text
  for (const child of children) {
    const rewritten = withChild(made, child)
    if (!rewritten.ok) return err(rewritten.error)
    made = rewritten.value
  }
  return ok(textToSign(made))
}
