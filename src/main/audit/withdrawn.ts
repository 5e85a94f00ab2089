import type { AuditEntryBody } from './format/entry.ts'

/**
 * Why an intent is taken back before its file is signed, where nothing is wrong with file, key or token: the run was stopped, or the
 * token could not be asked or said no. What points to a change that somebody made (`input-changed`, `token-swapped`) is not here,
 * nor is any code that is not known.
 */
const harmless: ReadonlySet<string> = new Set([
  'cancelled',
  'file-unreadable',
  'key-absent',
  'key-not-active',
  'module-too-old',
  'pin-incorrect',
  'pin-locked',
  'pin-wanted',
  'service-key-absent',
  'service-key-unsafe',
  'session-ended',
  'token-absent',
  'token-error',
  'touch-timeout',
])

/** An intent that came to nothing: no signature was made, and the file can be signed under the same approval. */
export function isWithdrawn(body: AuditEntryBody): boolean {
  return body.event === 'sign-failed' && !body.signatureMayExist && harmless.has(body.code)
}
