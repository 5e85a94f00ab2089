import type { HostAnswer, HostMessage, HostOperation, HostRequest } from '../protocol.ts'
import { descriptors } from '../protocol.ts'
import { readAttestation } from './attestation.ts'
import { generateKey, generationAbilities, revealPublicKey, storeCertificate } from './generate.ts'
import { listKeys, readPublicKey } from './keys.ts'
import { makeLogKey, signCheckpoint } from './log-key.ts'
import { mechanismNames } from './mechanisms.ts'
import type { Handle, Pkcs11Module } from './module.ts'
import { Pin } from './pin.ts'
import { CryptokiFailure, failureOf, HostError } from './pkcs11-error.ts'
import { checkSealed, reseal } from './reseal.ts'
import { listServiceKeys, makeServiceKey } from './service-key-folder.ts'
import { checkToken, type KeySession, openTokenSession } from './session.ts'
import { ensureServiceKey, generateSoftwareKey, hasServiceKey, openSoftwareSession } from './software-session.ts'
import { findToken, sameToken, seeTokens } from './tokens.ts'

/** What this process serves: one PKCS#11 module, or the sealed keys of one folder of service keys. */
export type Backend =
  | { readonly kind: 'module'; readonly module: Pkcs11Module; readonly path: string }
  | { readonly kind: 'software'; readonly folder: string }

type Request<O extends HostRequest['op']> = Extract<HostRequest, { op: O }>

/** Runs requests one after the other: a device has one owner and does one thing at a time. */
export class Server {
  readonly #backend: Backend
  readonly #send: (message: HostMessage) => void
  /** The keys of one approval. Main lets no other have them in the meantime. */
  readonly #sessions = new Map<number, KeySession>()
  #last: Promise<void> = Promise.resolve()
  readonly #cancelled = new Set<number>()

  constructor(backend: Backend, send: (message: HostMessage) => void) {
    this.#backend = backend
    this.#send = send
  }

  /** Rejects with a defect only: what tokens and modules do wrong is answered. */
  receive(request: HostRequest): Promise<void> {
    if (request.op === 'cancel') {
      this.#cancelled.add(request.id)
      return Promise.resolve()
    }
    this.#last = this.#last.then(() => this.#answer(request))
    return this.#last
  }

  async #answer(request: Exclude<HostRequest, { op: 'cancel' }>): Promise<void> {
    const before = this.#calls()
    try {
      const value = await this.#run(request)
      this.#send({ kind: 'done', id: request.id, value, calls: this.#calls() - before })
    } catch (error) {
      const failure = failureOf(error)
      this.#send({ kind: 'failed', id: request.id, error: failure, calls: this.#calls() - before })
    } finally {
      this.#cancelled.delete(request.id)
    }
  }

  #run(
    request: Exclude<HostRequest, { op: 'cancel' }>,
  ): HostAnswer<HostOperation> | Promise<HostAnswer<HostOperation>> {
    switch (request.op) {
      case 'list':
        return this.#list()
      case 'has-token': {
        const { module, path } = this.#module()
        return seeTokens(module, path).named.some((seen) => sameToken(seen.summary.id, request.token))
      }
      case 'read-public-key':
        return this.#seeKey(request).spki
      case 'see-key':
        return this.#seeKey(request)
      case 'read-attestation':
        return this.#readAttestation(request)
      case 'check-token': {
        const { module, path } = this.#module()
        const { token, algorithm, pinLength, useLastTry } = request
        checkToken(module, path, {
          token,
          algorithm,
          pin: pinLength === null ? null : { length: pinLength },
          useLastTry,
        })
        return null
      }
      case 'open':
        return this.#open(request)
      case 'open-software':
        this.#checkFree(request.session)
        return this.#opened(request.session, openSoftwareSession(this.#folder(), request.sealed, request.spkiSha256))
      case 'sign':
        return this.#sign(request)
      case 'reread-public-key':
        return this.#openSession(request.session).rereadPublicKey()
      case 'generate-software-key':
        return generateSoftwareKey(this.#folder(), Number(request.algorithm.slice('rsa-'.length)))
      case 'has-service-key':
        return hasServiceKey(this.#folder(), request.publicKey)
      case 'ensure-service-key':
        return ensureServiceKey(this.#folder())
      case 'list-service-keys':
        return listServiceKeys(this.#folder())
      case 'make-service-key':
        return makeServiceKey(this.#folder())
      case 'reseal':
        return reseal(this.#folder(), request)
      case 'check-sealed':
        return checkSealed(this.#folder(), request.sealed, request.holds)
      case 'make-log-key':
        return makeLogKey(this.#folder())
      case 'sign-checkpoint':
        return signCheckpoint(this.#folder(), request.sealed, request.publicKey, request.text)
      case 'generation-abilities': {
        const { module, path } = this.#module()
        return generationAbilities(module, path, request)
      }
      case 'generate':
        return this.#changing(request, (module, path, pin, onLogin) =>
          generateKey(module, path, request, pin, {
            onLogin,
            onGenerating: () => this.#send({ kind: 'signal', id: request.id, signal: 'generating' }),
          }),
        )
      case 'reveal-public-key':
        return this.#changing(request, (module, path, pin, onLogin) =>
          revealPublicKey(module, path, request, pin, { onLogin }),
        )
      case 'store-certificate':
        return this.#changing(request, (module, path, pin, onLogin) =>
          storeCertificate(module, path, request, pin, { onLogin }),
        )
      case 'log-device':
      case 'log-login':
      case 'log-read':
      case 'log-free':
      case 'log-state':
        throw new HostError('token-error', 'this process reads no device log')
      case 'hsm-object':
      case 'hsm-generate':
      case 'hsm-export':
      case 'hsm-import':
      case 'hsm-delete':
      case 'hsm-attest':
      case 'hsm-audit':
        throw new HostError('token-error', 'this process speaks PKCS#11 only')
      case 'close':
        return this.#close()
    }
  }

  #list(): HostAnswer<'list'> {
    const { module, path } = this.#module()
    const { named, unnamed } = seeTokens(module, path)
    const tokens = named.map(({ slot, summary }): HostAnswer<'list'>['tokens'][number] => {
      const twins = named.filter((other) => sameToken(other.summary.id, summary.id)).length
      if (twins > 1)
        return {
          token: summary,
          objects: [],
          mechanisms: [],
          problem: { code: 'token-ambiguous', detail: `${twins} tokens with serial ${summary.id.serial}` },
        }
      try {
        return {
          token: summary,
          objects: withSession(module, slot, (session) => listKeys(module, session, summary.id)),
          mechanisms: mechanismNames(module, slot),
          problem: null,
        }
      } catch (error) {
        return { token: summary, objects: [], mechanisms: [], problem: failureOf(error) }
      }
    })
    return { tokens, unnamed }
  }

  #seeKey(request: Request<'read-public-key' | 'see-key'>): HostAnswer<'see-key'> {
    const { module, path } = this.#module()
    const { slot, summary } = findToken(module, path, request.token)
    // Asked behind the slot list, which is where modules find out: a token that was pulled and is back looks as it did.
    const away = [...this.#sessions.values()].some(
      (session) => session.login !== null && sameToken(session.login.token, request.token) && !session.isLoggedIn(),
    )
    if (request.op === 'see-key' && away)
      throw new HostError('token-removed', 'the open session is not logged in any more')
    const spki = withSession(module, slot, (session) => readPublicKey(module, session, request.ckaId).spki)
    return { spki, token: summary }
  }

  #readAttestation(request: Request<'read-attestation'>): HostAnswer<'read-attestation'> {
    const { module, path } = this.#module()
    const { slot } = findToken(module, path, request.token)
    return withSession(module, slot, (session) => readAttestation(module, session, request.ckaId))
  }

  #open(request: Request<'open'>): HostAnswer<'open'> {
    // Read first, whatever follows: bytes left in the pipe would be taken for the next PIN.
    const pin = request.pinLength === null ? null : Pin.read(descriptors.pinPipe, request.pinLength)
    try {
      const { module, path } = this.#module()
      this.#checkFree(request.session)
      const onLogin = () => this.#send({ kind: 'signal', id: request.id, signal: 'login' })
      const logins = [...this.#sessions.values()].flatMap(({ login }) => (login === null ? [] : [login]))
      const { token, ckaId, algorithm, spkiSha256, useLastTry, keepsNoPin = false } = request
      const wanted = { token, ckaId, algorithm, spkiSha256, pin, useLastTry, keepsNoPin, logins, onLogin }
      return this.#opened(request.session, openTokenSession(module, path, wanted))
    } catch (error) {
      pin?.wipe()
      // All keys or none, and this process is killed next: nothing stays logged in, and no session stays in the device.
      this.#closeSessions()
      throw error
    }
  }

  /** What changes the token is done with a login of its own, and not while a key is open. */
  #changing<T>(
    { id, pinLength }: { readonly id: number; readonly pinLength: number },
    change: (module: Pkcs11Module, path: string, pin: Pin, onLogin: () => void) => T,
  ): T {
    // Read first, whatever follows: bytes left in the pipe would be taken for the next PIN.
    const pin = Pin.read(descriptors.pinPipe, pinLength)
    try {
      const { module, path } = this.#module()
      if (this.#sessions.size > 0) throw new HostError('token-error', 'a session is open already')
      return change(module, path, pin, () => this.#send({ kind: 'signal', id, signal: 'login' }))
    } finally {
      pin.wipe()
    }
  }

  #opened(number: number, session: KeySession): HostAnswer<'open'> {
    this.#sessions.set(number, session)
    return { spki: session.publicKey.spki, touch: session.touch }
  }

  async #sign(request: Request<'sign'>): Promise<HostAnswer<'sign'>> {
    const session = this.#openSession(request.session)
    for (const [index, digest] of request.requests.entries()) {
      // Lets a `cancel` in: C_Sign holds this thread.
      if (index > 0) await nextTurn()
      if (this.#cancelled.has(request.id))
        throw new HostError('cancelled', `after ${index} of ${request.requests.length}`)
      if (session.touch === 'always') this.#send({ kind: 'signal', id: request.id, signal: 'touch' })
      try {
        this.#send({ kind: 'signature', id: request.id, index, signature: session.sign(digest) })
      } catch (error) {
        // After a wrong context PIN or a buffer error the operation stays active: nothing can be done with this session any more. Main
        // ends the process after any failure, and with it the sessions beside this one.
        this.#closeSessions()
        throw error
      }
    }
    return { signed: request.requests.length }
  }

  #close(): null {
    this.#closeSessions()
    if (this.#backend.kind === 'module') {
      try {
        this.#backend.module.finalize()
      } catch (error) {
        if (!(error instanceof CryptokiFailure)) throw error
      }
    }
    return null
  }

  #closeSessions(): void {
    for (const session of this.#sessions.values()) session.close()
    this.#sessions.clear()
  }

  #checkFree(number: number): void {
    if (this.#sessions.has(number)) throw new HostError('token-error', 'a session is open already')
  }

  #openSession(number: number): KeySession {
    const session = this.#sessions.get(number)
    if (session === undefined) throw new HostError('token-error', 'no session is open')
    return session
  }

  #module(): Extract<Backend, { kind: 'module' }> {
    if (this.#backend.kind !== 'module') throw new HostError('token-error', 'this process holds software keys')
    return this.#backend
  }

  #folder(): string {
    if (this.#backend.kind !== 'software') throw new HostError('token-error', 'this process holds a PKCS#11 module')
    return this.#backend.folder
  }

  #calls(): number {
    return this.#backend.kind === 'module' ? this.#backend.module.calls : 0
  }
}

function withSession<T>(module: Pkcs11Module, slot: Handle, use: (session: Handle) => T): T {
  const session = module.openSession(slot)
  try {
    return use(session)
  } finally {
    module.closeSession(session)
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
