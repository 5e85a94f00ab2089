import { hash } from 'node:crypto'
import type { Failure } from '../../../shared/failure.ts'
import { err, type Result } from '../../../shared/result.ts'
import type { SigningFailureCode, SpooledFile } from '../signer.ts'
import { readSpooled } from '../spooled-bytes.ts'

export type SigningOutcome<T> = Result<T, Failure<SigningFailureCode>>

/** The bytes of a file that is still the one that was shown. */
export function wholeFile(file: SpooledFile): SigningOutcome<Buffer> {
  const bytes = readSpooled(file, 0, file.size)
  return bytes.ok && hash('sha256', bytes.value) !== file.sha256 ? inputChanged : bytes
}

export const inputChanged: SigningOutcome<never> = err({
  kind: 'invalid',
  code: 'input-changed',
  message:
    'The file is not the one that was shown for approval any more; it was not signed. Prepare the request again.',
})
export const noOpenPgpKey: SigningOutcome<never> = err({
  kind: 'refused',
  code: 'algorithm-unsupported',
  message: 'The key has no OpenPGP certificate at this station; nothing was signed.',
})

/** `problem`: null where the finished output was checked and is right. */
export function verified(problem: string | null): SigningOutcome<null> {
  return problem === null
    ? { ok: true, value: null }
    : err({
        kind: 'defect',
        code: 'output-wrong',
        message: 'The finished message was checked and is not right. It was not handed out.',
        detail: problem,
      })
}
