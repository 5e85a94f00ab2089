import { err, ok, type Result } from '../../../shared/result.ts'
import type { DocumentFault } from '../../../shared/upload-facts.ts'
import { controlLimits } from '../../deb822/control-fault.ts'
import { parseControl } from '../../deb822/paragraph.ts'
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
): Result<Uint8Array, DocumentFault> {
  const parsed = parseControl(file, controlLimits)
  if (!parsed.ok) return parsed
  const { body } = parsed.value
  return ok(document === 'changes' && fields !== null ? withDebusineFields(body, fields) : body)
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
