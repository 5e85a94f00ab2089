import {
  closeSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { Secret } from '../../shared/secret.ts'

/** Reads a token file. Null: there is none. A link or a file that others may read is refused: it is not ours any more. */
export function readSecretFile(path: string): Secret | null {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return null
  if (!found.isFile() || (found.mode & 0o077) !== 0) {
    throw new Error(`${path} must be a file that only its owner can read (mode 0600)`)
  }
  return Secret.fromText(readFileSync(path, 'utf8').trim())
}

/** Replaces the file in one step, mode 0600, on disk when this returns. */
export function writeSecretFile(path: string, text: string): void {
  const unfinished = `${path}.new`
  rmSync(unfinished, { force: true })
  const handle = openSync(unfinished, 'wx', 0o600)
  try {
    fchmodSync(handle, 0o600)
    writeSync(handle, text)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  renameSync(unfinished, path)
  const folder = openSync(dirname(path), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

export function removeSecretFile(path: string): void {
  rmSync(path, { force: true })
}
