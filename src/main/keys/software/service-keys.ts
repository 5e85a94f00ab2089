import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Failure } from '../../../shared/failure.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { publicKeyOf } from './sealed-box.ts'

/** An X25519 key that software keys are sealed to. Named by its file; debusine keeps the same files in /etc/debusine/signing. */
export type ServiceKey = { readonly file: string; readonly publicKey: Uint8Array; readonly secretKey: Uint8Array }

export type ServiceKeyFailure = Failure<
  'service-keys-absent' | 'service-key-unsafe' | 'service-key-exists' | 'service-key-unwritable'
>

const suffix = '.key'
const length = 32
const maxServiceKeys = 64

/**
 * All service keys of a folder in sort order: the first encrypts, all decrypt, so that they can be rotated. A file that is not
 * exactly 32 octets of mode 0600 in the hands of this user is refused, and with it the folder: a key that somebody else can
 * read or replace protects nothing.
 */
export function readServiceKeys(folder: string): Result<readonly ServiceKey[], ServiceKeyFailure> {
  let names: string[]
  try {
    names = readdirSync(folder)
      .filter((name) => name.endsWith(suffix))
      .sort()
  } catch {
    names = []
  }
  if (names.length === 0 || names.length > maxServiceKeys) return err(absent(names.length))
  const keys: ServiceKey[] = []
  for (const file of names) {
    const secretKey = readExactly(join(folder, file))
    if (typeof secretKey === 'string') {
      wipeServiceKeys(keys)
      return err(unsafe(file, secretKey))
    }
    keys.push({ file, publicKey: publicKeyOf(secretKey), secretKey })
  }
  return ok(keys)
}

export function wipeServiceKeys(keys: readonly ServiceKey[]): void {
  for (const key of keys) key.secretKey.fill(0)
}

/** Makes a new service key file, never replaces one. Returns the public half; the secret half is zeroed here once it is on disk. */
export function generateServiceKey(path: string): Result<Uint8Array, ServiceKeyFailure> {
  const secretKey = randomBytes(length)
  try {
    const descriptor = openSync(
      path,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    )
    try {
      if (writeSync(descriptor, secretKey) !== length) throw new Error('short write')
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    return ok(publicKeyOf(secretKey))
  } catch (error) {
    return err(unwritable(error))
  } finally {
    secretKey.fill(0)
  }
}

/** The 32 octets, or what is wrong with the file. Checked on the open descriptor: the name may point elsewhere a moment later. */
function readExactly(path: string): Buffer | string {
  let descriptor: number
  try {
    if (lstatSync(path).isSymbolicLink()) return 'is a symbolic link'
    // Not blocking: a FIFO of that name must not hold the process up.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    return `cannot be opened (${errorCode(error)})`
  }
  try {
    const stat = fstatSync(descriptor)
    if (!stat.isFile()) return 'is not a regular file'
    if (stat.uid !== process.geteuid?.()) return 'belongs to another user'
    if ((stat.mode & 0o777) !== 0o600) return `has mode 0${(stat.mode & 0o777).toString(8)}, not 0600`
    if (stat.size !== length) return `has ${stat.size} octets, not ${length}`
    const bytes = Buffer.alloc(length)
    if (readSync(descriptor, bytes, 0, length, 0) !== length) return 'cannot be read whole'
    return bytes
  } finally {
    closeSync(descriptor)
  }
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown'
}

function absent(found: number): ServiceKeyFailure {
  return {
    kind: 'unavailable',
    code: 'service-keys-absent',
    message:
      'There is no service key, so no software key can be opened or made. Make one, or restore the folder of service keys from its backup.',
    detail: `${found} files *${suffix}`,
  }
}

function unsafe(file: string, what: string): ServiceKeyFailure {
  return {
    kind: 'refused',
    code: 'service-key-unsafe',
    message: `The service key ${file} ${what}. No software key was opened. It must be a file of ${length} octets, mode 0600, that belongs to this user.`,
    detail: `${file} ${what}`,
  }
}

function unwritable(error: unknown): ServiceKeyFailure {
  const code = errorCode(error)
  if (code === 'EEXIST') {
    return {
      kind: 'refused',
      code: 'service-key-exists',
      message:
        'A service key of that name is there already and was kept. Choose another name: replacing it would lose every key sealed to it.',
    }
  }
  return {
    kind: 'unavailable',
    code: 'service-key-unwritable',
    message: 'The service key could not be written. Nothing was changed.',
    detail: code,
  }
}

/** Whether the service key that opens a sealed record is here. Reads public halves only as far as it must; keeps nothing. */
export async function opensSealed(
  folder: string,
  sealed: { readonly publicKey: string },
): Promise<Result<null, Failure>> {
  const keys = readServiceKeys(folder)
  if (!keys.ok) return keys
  const found = keys.value.some((key) => Buffer.from(key.publicKey).toString('base64') === sealed.publicKey)
  wipeServiceKeys(keys.value)
  return found ? ok(null) : err(otherServiceKey)
}

const otherServiceKey: Failure = {
  kind: 'unavailable',
  code: 'service-key-absent',
  message:
    'The service key that opens this software key is not in the station’s folder of service keys. Put it back; the key itself is kept.',
}
