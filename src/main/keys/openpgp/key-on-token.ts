import { createHash } from 'node:crypto'
import { writeTransaction } from '../../../../db/write-transaction.ts'
import type { Failure } from '../../../shared/failure.ts'
import { type Sha256Hex, sha256Hex } from '../../../shared/ids.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { Secret } from '../../../shared/secret.ts'
import type { KeyAlgorithm, TokenId } from '../../../shared/token.ts'
import { publicKeyAlgorithm } from '../../pki/public-key-algorithm.ts'
import type { SigningSession, TokenKeyMaker, TokenService } from '../../token/token-service.ts'
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

/** Opens a key for one piece of work, found again by the public key that it has to have. */
export async function withKey<T>(
  ports: Registration,
  { token, ckaId, algorithm, spkiSha256 }: Omit<FoundKey, 'spki'>,
  { pin, useLastTry }: TypedPin,
  operator: string,
  work: (session: SigningSession) => Promise<Result<T, Failure>>,
): Promise<Result<T, Failure>> {
  const home = { kind: 'token', token, ckaId, pkcs11Uri: pkcs11Uri(token, ckaId) } as const
  const session = await ports.tokens.openSession({ home, algorithm, spkiSha256, sealed: null }, copyOf(pin), {
    useLastTry,
    signal: new AbortController().signal,
    onSignal: () => {},
  })
  if (!session.ok) {
    await noteLoginFailed(ports, token, session.error.code, operator)
    return session
  }
  try {
    return await work(session.value)
  } finally {
    await session.value.close()
  }
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
