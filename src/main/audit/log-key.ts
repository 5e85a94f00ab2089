import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import {
  formatVerifierKey,
  noteKeyType,
  parseVerifierKey,
  type VerifierKey,
  verifierKey,
} from './format/signed-note.ts'

/** The key that signs checkpoints. Its private half is in another process. */
export interface LogKey {
  readonly key: VerifierKey
  readonly vkey: string
  /** The 64 bytes of RFC 8032 over the text of a checkpoint. */
  sign(text: string): Promise<Result<Uint8Array, Failure>>
}

/** As it lies on disk: the same record as that of a software key. */
export interface SealedSeed {
  readonly publicKey: string
  readonly encrypted: string
}

/** Whoever has the private half: makes it, seals it, and signs with it. Nothing of it in clear comes here. */
export interface LogSigner {
  /** `publicKey`: 32 bytes. */
  makeLogKey(): Promise<Result<{ readonly publicKey: Uint8Array; readonly sealed: SealedSeed }, Failure>>
  signCheckpoint(
    key: { readonly publicKey: Uint8Array; readonly sealed: SealedSeed },
    text: string,
  ): Promise<Result<Uint8Array, Failure>>
}

export type LogKeyFailure = Failure<'log-key-absent' | 'log-key-exists' | 'log-key-unreadable' | 'log-key-unwritable'>

const record = z.strictObject({
  version: z.literal(1),
  vkey: z.string().max(1000),
  sealed: z.strictObject({
    storage: z.literal('nacl'),
    public_key: z.string().max(100),
    encrypted: z.string().max(1000),
  }),
})

/** `host/signing-log/16 hex digits`: unique by chance, and telling people whose it is. No character that a key's name cannot have. */
export function newLogOrigin(stationName: string): string {
  const host = stationName
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, '-')
    .slice(0, 100)
  return `${host === '' ? 'station' : host}/signing-log/${randomBytes(8).toString('hex')}`
}

/**
 * Has the key of a new log made and keeps it sealed in a file of mode 0600; never replaces one, as checkpoints signed by a key
 * that is gone can be continued by nobody.
 */
export async function createLogKey(path: string, origin: string, signer: LogSigner): Promise<Result<LogKey, Failure>> {
  if (existsSync(path)) return err(exists)
  const made = await signer.makeLogKey()
  if (!made.ok) return made
  const { publicKey, sealed } = made.value
  const key = verifierKey(origin, noteKeyType.ed25519, publicKey)
  try {
    writeNew(path, recordText(key, sealed))
    return openLogKey(path, signer)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'EEXIST') return err(exists)
    // What was begun here has signed nothing and is known to nobody.
    rmSync(path, { force: true })
    if (code === null) throw error
    return err(unwritable(code))
  }
}

/** Reads the key of a log that is there. Whether the sealed half opens and belongs to the public one shows when it signs. */
export function openLogKey(path: string, signer: LogSigner): Result<LogKey, LogKeyFailure> {
  const read = readLogKey(path)
  if (!read.ok) return read
  const { key, sealed } = read.value
  const sign = (text: string) => {
    // The file was exchanged since: what it was sealed to may be gone, and the same key is in the new one.
    const now = readLogKey(path)
    const same = now.ok && Buffer.compare(now.value.key.publicKey, key.publicKey) === 0
    return signer.signCheckpoint({ publicKey: key.publicKey, sealed: same ? now.value.sealed : sealed }, text)
  }
  return ok({ key, vkey: formatVerifierKey(key), sign })
}

export interface LogKeyRecord {
  readonly key: VerifierKey
  readonly sealed: SealedSeed
}

/** What is in the file, with nothing opened. */
export function readLogKey(path: string): Result<LogKeyRecord, LogKeyFailure> {
  let text: string
  try {
    text = readOwn(path)
  } catch (error) {
    const code = codeOf(error)
    if (code === null) throw error
    return err(code === 'ENOENT' ? absent : unreadable(code))
  }
  const parsed = record.safeParse(jsonOf(text))
  const key = parsed.success ? parseVerifierKey(parsed.data.vkey) : null
  if (!parsed.success || key?.ok !== true || key.value.type !== noteKeyType.ed25519) return err(unreadable('malformed'))
  const { public_key: publicKey, encrypted } = parsed.data.sealed
  return ok({ key: key.value, sealed: { publicKey, encrypted } })
}

/** The place of a record that is to become the key's file, between the entry that says so and the exchange. */
export function nextLogKeyPath(path: string): string {
  return `${path}.next`
}

/** Writes the same key, sealed anew, beside its file. What lies there is of a try that came to nothing. */
export function stageLogKey(path: string, { key, sealed }: LogKeyRecord): Result<null, LogKeyFailure> {
  try {
    rmSync(nextLogKeyPath(path), { force: true })
    writeNew(nextLogKeyPath(path), recordText(key, sealed))
    return ok(null)
  } catch (error) {
    const code = codeOf(error)
    if (code === null) throw error
    return err(unwritable(code))
  }
}

/** Exchanges the file for the staged one; after this the old record is gone. */
export function commitLogKey(path: string): Result<null, LogKeyFailure> {
  try {
    renameSync(nextLogKeyPath(path), path)
    syncFolderOf(path)
    return ok(null)
  } catch (error) {
    const code = codeOf(error)
    if (code === null) throw error
    return err(unwritable(code))
  }
}

/**
 * Puts a key away that no log names: the program died between making it and making its log. It is kept under another name, as
 * nothing that could have signed is ever deleted. Gives that name; null: there was none.
 */
export function setLogKeyAside(path: string): string | null {
  if (!existsSync(path)) return null
  const aside = `${path}.unused-${randomBytes(4).toString('hex')}`
  renameSync(path, aside)
  return aside
}

function recordText(key: VerifierKey, { publicKey, encrypted }: SealedSeed): string {
  const sealed = { storage: 'nacl', public_key: publicKey, encrypted }
  return `${JSON.stringify({ version: 1, vkey: formatVerifierKey(key), sealed })}\n`
}

const maxRecordBytes = 4096

/** A link or a device under this name is not followed; what is longer than any record is not read. */
function readOwn(path: string): string {
  const handle = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const stat = fstatSync(handle)
    if (!stat.isFile() || stat.size > maxRecordBytes) throw Object.assign(new Error('not a record'), { code: 'EFTYPE' })
    return readFileSync(handle, 'utf8')
  } finally {
    closeSync(handle)
  }
}

function writeNew(path: string, text: string): void {
  const handle = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600)
  try {
    if (writeSync(handle, text) !== Buffer.byteLength(text))
      throw Object.assign(new Error('short write'), { code: 'EIO' })
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  syncFolderOf(path)
}

function syncFolderOf(path: string): void {
  const folder = openSync(dirname(path), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // No JSON has no form either; the schema says so.
    return null
  }
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
}

const absent: LogKeyFailure = {
  kind: 'unavailable',
  code: 'log-key-absent',
  message:
    'The key that signs the checkpoints of the audit log is not in the profile folder. Nothing was changed. Put the file back from its backup.',
}
const exists: LogKeyFailure = {
  kind: 'refused',
  code: 'log-key-exists',
  message: 'There is a key for the audit log already, and it was kept: a log has one key.',
}
function unreadable(detail: string): LogKeyFailure {
  return {
    kind: 'invalid',
    code: 'log-key-unreadable',
    message:
      'The key of the audit log cannot be read or is damaged. Nothing was changed. Put the file back from its backup.',
    detail,
  }
}

function unwritable(detail: string): LogKeyFailure {
  return {
    kind: 'unavailable',
    code: 'log-key-unwritable',
    message:
      'The key of the audit log could not be written. Nothing was changed. Make room on the disk or check its mode.',
    detail,
  }
}
