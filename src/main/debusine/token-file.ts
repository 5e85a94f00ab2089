import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, link, open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { Secret } from '../../shared/secret.ts'

export type TokenFileFailureCode =
  | 'token-file-unsafe'
  | 'token-file-unreadable'
  | 'token-file-unwritable'
  | 'token-file-exists'
export type TokenFileFailure = Failure<TokenFileFailureCode>

/**
 * How far a token has come. A token that was sent once is never sent again (docs/flows/server.md):
 * `fresh`: not sent; `sent`: on its way, the answer is not known; `registered`: the server took it.
 */
export type TokenState = 'fresh' | 'sent' | 'registered'
export interface StoredToken {
  readonly token: Secret
  readonly state: TokenState
  /** The server it was sent to (`https://HOST:PORT`); null: to none yet, or it is not known. It is not for any other server. */
  readonly origin: string | null
}

/** Where the worker's token and its state are kept. Every write is on disk when it returns. */
export interface TokenStore {
  read(): Promise<Result<StoredToken | null, TokenFileFailure>>
  /** Keeps a new token; fails with `token-file-exists` if there is one. */
  create(token: Secret): Promise<Result<null, TokenFileFailure>>
  /** Puts a new, fresh token in the place of the old one. */
  replace(token: Secret): Promise<Result<null, TokenFileFailure>>
  mark(token: Secret, state: 'sent' | 'registered', origin: string): Promise<Result<null, TokenFileFailure>>
}

const marker = z.strictObject({ tokenSha256: z.string(), state: z.enum(['sent', 'registered']), origin: z.string() })

/**
 * A token file as debusine's own worker keeps it (mode 0600, no newline), and `FILE.state` beside it. The state names the
 * token's hash, so that a crash between the two writes leaves a token that counts as fresh, never one that counts as sent.
 */
export function createTokenFile(path: string): TokenStore {
  const statePath = `${path}.state`
  return {
    read: async () => {
      const token = await readPrivate(path)
      if (!token.ok || token.value === null) return token.ok ? ok(null) : token
      if (!/^[0-9A-Za-z_-]{16,128}$/.test(token.value)) return err(unsafe(path, 'holds something else than a token'))
      const state = await readPrivate(statePath)
      if (!state.ok) return state
      const secret = Secret.fromText(token.value)
      return ok({ token: secret, ...stateOf(state.value, secret) })
    },
    create: (token) => writePrivate(path, token.reveal(), 'create'),
    replace: (token) => writePrivate(path, token.reveal(), 'replace'),
    mark: (token, state, origin) =>
      writePrivate(
        statePath,
        Buffer.from(JSON.stringify({ tokenSha256: hashOf(token), state, origin } satisfies z.infer<typeof marker>)),
        'replace',
      ),
  }
}

/** Reads any secret file of one line (the user's token too); null: there is none. A file that others can read is refused. */
export async function readPrivate(path: string): Promise<Result<string | null, TokenFileFailure>> {
  let handle: FileHandle
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return ok(null)
    if (isErrno(cause, 'ELOOP')) return err(unsafe(path, 'is a symbolic link'))
    return err(unreadable(path, cause))
  }
  try {
    const stat = await handle.stat()
    if (!stat.isFile()) return err(unsafe(path, 'is not a plain file'))
    if (stat.uid !== process.geteuid?.()) return err(unsafe(path, 'belongs to another user'))
    if ((stat.mode & 0o077) !== 0)
      return err(
        unsafe(
          path,
          'can be read by others: set its mode to 0600, and make a new token if others could use the machine',
        ),
      )
    if (stat.size > 4096) return err(unsafe(path, 'is too large'))
    const text = await handle.readFile('utf8')
    return ok(text.replace(/\r?\n$/, ''))
  } catch (cause) {
    return err(unreadable(path, cause))
  } finally {
    await handle.close()
  }
}

/**
 * Writes a secret file of mode 0600 so that a crash leaves the old one or the new one, whole. `create` never replaces: the
 * finished file is given its name by `link`, which fails if the name is taken.
 */
export async function writePrivate(
  path: string,
  bytes: Uint8Array,
  mode: 'create' | 'replace',
): Promise<Result<null, TokenFileFailure>> {
  const temporary = `${path}.${process.pid}.tmp`
  try {
    const handle = await open(
      temporary,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    )
    try {
      await handle.chmod(0o600)
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    try {
      if (mode === 'create') await link(temporary, path)
      else await rename(temporary, path)
    } finally {
      if (mode === 'create') await unlink(temporary)
    }
    const folder = await open(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY)
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
    return ok(null)
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    return isErrno(cause, 'EEXIST')
      ? err({
          kind: 'refused',
          code: 'token-file-exists',
          message: `${path} is there already and was not replaced.`,
          detail,
        })
      : err({
          kind: 'unavailable',
          code: 'token-file-unwritable',
          message: `${path} cannot be written. Nothing was sent to the server; look at the folder and the disk.`,
          detail,
        })
  }
}

function stateOf(text: string | null, token: Secret): Pick<StoredToken, 'state' | 'origin'> {
  if (text === null) return { state: 'fresh', origin: null }
  // A state that cannot be read is taken as the one that forbids sending.
  const unknown = { state: 'sent', origin: null } as const
  try {
    const parsed = marker.safeParse(JSON.parse(text))
    if (!parsed.success) return unknown
    const { tokenSha256, state, origin } = parsed.data
    return tokenSha256 === hashOf(token) ? { state, origin } : { state: 'fresh', origin: null }
  } catch {
    return unknown
  }
}

function hashOf(token: Secret): string {
  return createHash('sha256').update(token.reveal()).digest('hex')
}

function unsafe(path: string, why: string): TokenFileFailure {
  return { kind: 'refused', code: 'token-file-unsafe', message: `${path} ${why}. It was not used.` }
}

function unreadable(path: string, cause: unknown): TokenFileFailure {
  return {
    kind: 'unavailable',
    code: 'token-file-unreadable',
    message: `${path} cannot be read. Look at its owner and mode.`,
    detail: cause instanceof Error ? cause.message : String(cause),
  }
}

function isErrno(cause: unknown, code: string): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === code
}
