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
import { dirname, join } from 'node:path'
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
/** NAME_MAX of Linux file systems. */
const maxNameLength = 255
/** A folder with more is not read. */
export const maxServiceKeys = 64

/**
 * All service keys of a folder in sort order: the first encrypts, all decrypt, so that they can be rotated. A file that is not
 * exactly 32 octets of mode 0600 in the hands of this user is refused, and with it the folder: a key that somebody else can
 * read or replace protects nothing.
 */
export function readServiceKeys(folder: string): Result<readonly ServiceKey[], ServiceKeyFailure> {
  const names = keyFilesOf(folder)
  if (names.length === 0) return err(absent)
  if (names.length > maxServiceKeys) return err(tooMany(names.length))
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

/** One file of the folder. `publicKey` null: the file is not safe to use, for the reason in `problem`, and the folder is refused. */
export type SeenServiceKey =
  | { readonly file: string; readonly publicKey: Uint8Array; readonly problem: null }
  | { readonly file: string; readonly publicKey: null; readonly problem: string }

/** Every key file in sort order, also of a folder that `readServiceKeys` refuses. No secret half comes out. */
export function seeServiceKeys(folder: string): readonly SeenServiceKey[] {
  return keyFilesOf(folder).map((file): SeenServiceKey => {
    const secretKey = readExactly(join(folder, file))
    if (typeof secretKey === 'string') return { file, publicKey: null, problem: secretKey }
    const publicKey = publicKeyOf(secretKey)
    secretKey.fill(0)
    return { file, publicKey, problem: null }
  })
}

/** The form of the names that are given here, with what stands before them where another name was there first. */
const countedName = /^(.*-)?(\d{4})-[0-9a-f]{8}\.key$/

/**
 * A name that sorts before every other in the folder, as the first encrypts: counted down from 9999. Where a name is in the way that sorts
 * before digits do (debusine's manual has `0.key`), it is lengthened by a hyphen, which sorts before the dot. Part of it is random: a folder
 * that is put back from a backup later brings its old keys, and neither replaces the other. Null: no such name is left.
 */
function nextServiceKeyName(folder: string): string | null {
  const random = randomBytes(4).toString('hex')
  const [first] = keyFilesOf(folder)
  if (first === undefined) return `service-${random}${suffix}`
  const [, before = '', count = '0000'] = countedName.exec(first) ?? []
  const next = String(Math.max(0, Number(count) - 1)).padStart(4, '0')
  const candidates = [
    ...(next < count ? [`${before}${next}`] : []),
    '9999',
    `${first.slice(0, -suffix.length)}-9999`,
  ].map((start) => `${start}-${random}${suffix}`)
  return candidates.find((name) => name < first && name.length <= maxNameLength) ?? null
}

function keyFilesOf(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(suffix))
      .sort()
  } catch {
    return []
  }
}

/**
 * Makes a new service key file, never replaces one. Returns the public half once file and name are on disk: what is sealed to it
 * must not outlive it. The secret half is zeroed here.
 */
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
    syncFolder(dirname(path))
    return ok(publicKeyOf(secretKey))
  } catch (error) {
    return err(unwritable(error))
  } finally {
    secretKey.fill(0)
  }
}

/** Makes the next service key of a folder, which encrypts from then on. */
export function generateNextServiceKey(
  folder: string,
): Result<{ readonly file: string; readonly publicKey: Uint8Array }, ServiceKeyFailure> {
  const file = nextServiceKeyName(folder)
  if (file === null) return err(noNameLeft)
  const made = generateServiceKey(join(folder, file))
  return made.ok ? ok({ file, publicKey: made.value }) : made
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
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

const absent: ServiceKeyFailure = {
  kind: 'unavailable',
  code: 'service-keys-absent',
  message:
    'There is no service key, so no software key can be opened or made. Make one, or restore the folder of service keys from its backup.',
  detail: `no file *${suffix}`,
}

const noNameLeft: ServiceKeyFailure = {
  kind: 'refused',
  code: 'service-key-unwritable',
  message: 'No name sorts before the first service key, so a new one could not come first. Rename the first one.',
  detail: 'no name sorts before the first one',
}

function tooMany(found: number): ServiceKeyFailure {
  return {
    kind: 'refused',
    code: 'service-key-unsafe',
    message: `There are ${found} service keys, more than the ${maxServiceKeys} that are read. No software key was opened. Take away those that nothing is sealed with.`,
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
