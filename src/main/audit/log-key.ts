import { createPrivateKey, createPublicKey, randomBytes, sign } from 'node:crypto'
import { closeSync, constants, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
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

/** The key that signs checkpoints. `sign` may be answered by another process; it gives the 64 bytes of RFC 8032. */
export interface LogKey {
  readonly key: VerifierKey
  readonly vkey: string
  sign(message: Uint8Array): Promise<Uint8Array>
}

/** Opens and closes what lies on disk; the same records as those of software keys. */
export interface Sealing {
  readonly seal: (privateKey: Uint8Array) => { readonly publicKey: string; readonly encrypted: string }
  /** In clear, for the caller to zero; null where the service key is another one or the record was changed. */
  readonly unseal: (sealed: { readonly publicKey: string; readonly encrypted: string }) => Uint8Array | null
}

export type LogKeyFailure = Failure<
  'log-key-absent' | 'log-key-exists' | 'log-key-unreadable' | 'log-key-unwritable' | 'log-key-sealed'
>

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
 * Makes the key of a new log and keeps it sealed in a file of mode 0600; never replaces one, as checkpoints signed by a key
 * that is gone can be continued by nobody. The seed is in clear in this process only while it is made and while it signs.
 */
export function createLogKey(path: string, origin: string, sealing: Sealing): Result<LogKey, LogKeyFailure> {
  const seed = randomBytes(32)
  try {
    const key = verifierKey(origin, noteKeyType.ed25519, publicKeyOf(seed))
    const sealed = sealing.seal(seed)
    const text = `${JSON.stringify({
      version: 1,
      vkey: formatVerifierKey(key),
      sealed: { storage: 'nacl', public_key: sealed.publicKey, encrypted: sealed.encrypted },
    })}\n`
    writeNew(path, text)
    return ok(logKey(key, sealed, sealing))
  } catch (error) {
    const code = codeOf(error)
    if (code === null) throw error
    return err(code === 'EEXIST' ? exists : unwritable(code))
  } finally {
    seed.fill(0)
  }
}

/** Opens the key of a log that is there, and checks that the sealed half belongs to the public one. */
export function openLogKey(path: string, sealing: Sealing): Result<LogKey, LogKeyFailure> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const code = codeOf(error)
    if (code === null) throw error
    return err(code === 'ENOENT' ? absent : unreadable(code))
  }
  const parsed = record.safeParse(jsonOf(text))
  const key = parsed.success ? parseVerifierKey(parsed.data.vkey) : null
  if (!parsed.success || key?.ok !== true || key.value.type !== noteKeyType.ed25519) return err(unreadable('malformed'))
  const sealed = { publicKey: parsed.data.sealed.public_key, encrypted: parsed.data.sealed.encrypted }
  const seed = sealing.unseal(sealed)
  if (seed === null) return err(stillSealed)
  try {
    if (seed.length !== 32 || Buffer.compare(publicKeyOf(seed), key.value.publicKey) !== 0)
      return err(unreadable('halves'))
  } finally {
    seed.fill(0)
  }
  return ok(logKey(key.value, sealed, sealing))
}

function logKey(key: VerifierKey, sealed: { publicKey: string; encrypted: string }, sealing: Sealing): LogKey {
  return {
    key,
    vkey: formatVerifierKey(key),
    sign: async (message) => {
      const seed = sealing.unseal(sealed)
      if (seed === null) throw new Error('the service key that opens the key of the log is gone')
      try {
        return sign(null, message, privateKeyOf(seed))
      } finally {
        seed.fill(0)
      }
    },
  }
}

/** DER of a PrivateKeyInfo for Ed25519 up to the seed (RFC 8410 §7). */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex')

function privateKeyOf(seed: Uint8Array) {
  const der = Buffer.concat([pkcs8Prefix, seed])
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  } finally {
    der.fill(0)
  }
}

function publicKeyOf(seed: Uint8Array): Uint8Array {
  return createPublicKey(privateKeyOf(seed)).export({ format: 'der', type: 'spki' }).subarray(-32)
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
const stillSealed: LogKeyFailure = {
  kind: 'unavailable',
  code: 'log-key-sealed',
  message:
    'The service key that opens the key of the audit log is not in the station’s folder of service keys. Put it back; the key itself is kept.',
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
