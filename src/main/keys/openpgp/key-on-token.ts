import { createHash } from 'node:crypto'
import { writeTransaction } from '../../../../db/write-transaction.ts'
import type { Failure } from '../../../shared/failure.ts'
import { type Sha256Hex, sha256Hex } from '../../../shared/ids.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { Secret } from '../../../shared/secret.ts'
import type { KeyAlgorithm, TokenId } from '../../../shared/token.ts'
import { publicKeyAlgorithm } from '../../pki/public-key-algorithm.ts'
import type { KeyReference, SigningSession, TokenKeyMaker, TokenService } from '../../token/token-service.ts'
import { copyOf } from '../generation-ports.ts'
import { hiddenUntilLogin } from '../hidden-key.ts'
import { pkcs11Uri } from '../pkcs11-uri.ts'
import type { Registration } from '../register-key.ts'

export type HiddenKeyReader = TokenService & Pick<TokenKeyMaker, 'revealPublicKey'>

export interface TypedPin {
  readonly pin: Secret
  readonly useLastTry: boolean
}

/** A key as its token has it now. */
export interface FoundKey {
  readonly token: TokenId
  readonly ckaId: string
  readonly spki: Uint8Array
  readonly spkiSha256: Sha256Hex
  readonly algorithm: KeyAlgorithm
}

/** Reads a key's public half, after a login where its token shows it only then. Refused where it is another than was chosen. */
export async function findKey(
  ports: Registration & { readonly tokens: HiddenKeyReader },
  { token, ckaId, spkiSha256: chosen }: Pick<FoundKey, 'token' | 'ckaId'> & { readonly spkiSha256: Sha256Hex | null },
  { pin, useLastTry }: TypedPin,
  operator: string,
): Promise<Result<FoundKey, Failure>> {
  const shown = await ports.tokens.readPublicKey(token, ckaId)
  const hidden = !shown.ok && hiddenUntilLogin(token, shown.error.code)
  const login = { user: 'user', secret: copyOf(pin), useLastTry, onSignal: () => {} } as const
  const read = hidden ? await ports.tokens.revealPublicKey({ token, ckaId }, login) : shown
  login.secret.wipe()
  if (!read.ok) {
    if (hidden) await noteLoginFailed(ports, token, read.error.code, operator)
    return read
  }
  const spkiSha256 = sha256Hex.parse(createHash('sha256').update(read.value).digest('hex'))
  if (chosen !== null && chosen !== spkiSha256) return err(anotherKey)
  return ok({ token, ckaId, spki: read.value, spkiSha256, algorithm: publicKeyAlgorithm(read.value) })
}

type OpenedKey = Omit<FoundKey, 'spki'>

/** Opens a key for one piece of work, found again by the public key that it has to have. */
export function withKey<T>(
  ports: Registration,
  key: OpenedKey,
  typed: TypedPin,
  operator: string,
  work: (session: SigningSession) => Promise<Result<T, Failure>>,
): Promise<Result<T, Failure>> {
  return withKeys(ports, [{ key, typed }], operator, ([session]) => {
    if (session === undefined) throw new Error('a key was opened, and there is no session')
    return work(session)
  })
}

/** Opens several keys, all or none: a PIN that is wrong is known before any of them is used. One PIN a token, the first that is given. */
export async function withKeys<T>(
  ports: Registration,
  wanted: readonly { readonly key: OpenedKey; readonly typed: TypedPin }[],
  operator: string,
  work: (sessions: readonly SigningSession[]) => Promise<Result<T, Failure>>,
): Promise<Result<T, Failure>> {
  const references = wanted.map(({ key: { token, ckaId, algorithm, spkiSha256 } }): KeyReference => {
    const home = { kind: 'token', token, ckaId, pkcs11Uri: pkcs11Uri(token, ckaId) } as const
    return { home, algorithm, spkiSha256, sealed: null }
  })
  const onTokens = wanted.filter(
    ({ key }, index) => wanted.findIndex((other) => sameToken(other.key.token, key.token)) === index,
  )
  const pins = onTokens.map(({ key: { token }, typed: { pin, useLastTry } }) => ({
    token,
    pin: copyOf(pin),
    useLastTry,
  }))
  const signal = new AbortController().signal
  const opened = await ports.tokens.openSessions(references, pins, { signal, onSignal: () => {} })
  if (!opened.ok) {
    const { position, ...failure } = opened.error
    const token = wanted[position]?.key.token
    if (token === undefined) throw new Error(`key ${position} of ${wanted.length} could not be opened`)
    await noteLoginFailed(ports, token, failure.code, operator)
    return err(
      onTokens.length === 1
        ? failure
        : { ...failure, message: `Token with serial ${token.serial}: ${failure.message}` },
    )
  }
  try {
    return await work(opened.value)
  } finally {
    await Promise.all(opened.value.map((session) => session.close()))
  }
}

export function sameToken(a: TokenId, b: TokenId): boolean {
  return a.manufacturer === b.manufacturer && a.model === b.model && a.serial === b.serial
}

async function noteLoginFailed(
  { db, audit }: Registration,
  { serial: tokenSerial }: TokenId,
  code: string,
  operator: string,
): Promise<void> {
  await writeTransaction(db, (trx) =>
    audit.append(trx, [{ event: 'login-failed', requestId: null, code, tokenSerial, operator }]),
  )
}

const anotherKey: Failure = {
  kind: 'refused',
  code: 'key-mismatch',
  message:
    'The token has another key under this id than the one that was chosen. It was not used, and nothing was made. Read the tokens again and look at what is there.',
}
