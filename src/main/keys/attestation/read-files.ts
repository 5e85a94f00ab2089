import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { Failure } from '../../../shared/failure.ts'
import { err, ok, type Result } from '../../../shared/result.ts'

/** What the operator gave: pasted PEM, and files on this machine. */
export interface CertificateSource {
  /** Empty: nothing was pasted. */
  readonly text: string
  /** Absolute. */
  readonly paths: readonly string[]
}

const maxFile = 64 * 1024

/** The pasted text and the contents of the files. Nothing of a file goes back to the window but what is read out of a certificate. */
export async function readSources({
  text,
  paths,
}: CertificateSource): Promise<Result<readonly (Uint8Array | string)[], Failure>> {
  const sources: (Uint8Array | string)[] = text.trim() === '' ? [] : [text]
  for (const path of paths) {
    const read = await readSmallFile(path)
    if (read === null) return err(notRead(path))
    sources.push(read)
  }
  return sources.length === 0 ? err(nothingGiven) : ok(sources)
}

async function readSmallFile(path: string): Promise<Uint8Array | null> {
  let file: FileHandle
  try {
    // A pipe would keep the call waiting for a writer.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch {
    return null
  }
  try {
    const { size } = await file.stat()
    if (!(await file.stat()).isFile() || size === 0 || size > maxFile) return null
    return await file.readFile()
  } catch {
    // A medium that was pulled out.
    return null
  } finally {
    await file.close()
  }
}

function notRead(path: string): Failure {
  return {
    kind: 'invalid',
    code: 'file-not-read',
    message: `The file ${path} cannot be read, is empty, or is larger than 64 KiB. Nothing was recorded. Check the path and whose file it is.`,
  }
}
const nothingGiven: Failure = {
  kind: 'invalid',
  code: 'no-certificates',
  message: 'No certificate was given. Nothing was recorded. Paste PEM text, or name a file.',
}
