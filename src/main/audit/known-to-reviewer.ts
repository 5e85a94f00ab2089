import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { formatVerifierKey, parseNote, parseVerifierKey } from './format/signed-note.ts'

export interface KnownByReviewer {
  readonly vkey: string | null
  readonly checkpoints: readonly { readonly path: string; readonly text: string }[]
  readonly witnesses: readonly string[]
}

/** What a reviewer typed in, as the verifier takes it. Whether it belongs to the log is the verifier's to say. */
export function knownToReviewer(
  vkey: string | null,
  checkpoint: string | null,
): Result<KnownByReviewer, Failure<'vkey-malformed' | 'checkpoint-malformed'>> {
  const key = vkey === null ? null : parseVerifierKey(vkey)
  if (key?.ok === false)
    return err({
      kind: 'invalid',
      code: 'vkey-malformed',
      message: `That is no verifier key: ${key.error}. It is one line, name+id+key, as the station shows it. Nothing was opened.`,
    })
  const note = checkpoint === null ? null : parseNote(checkpoint)
  if (note?.ok === false)
    return err({
      kind: 'invalid',
      code: 'checkpoint-malformed',
      message: `That is no checkpoint: ${note.error}. Give its whole text, with the empty line and the signature. Nothing was opened.`,
    })
  return ok({
    vkey: key === null ? null : formatVerifierKey(key.value),
    checkpoints: checkpoint === null ? [] : [{ path: 'the text that you gave', text: checkpoint }],
    witnesses: [],
  })
}
