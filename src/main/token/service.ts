import { createHash } from 'node:crypto'
import type { UsbDevice } from '../../shared/devices.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Secret } from '../../shared/secret.ts'
import type { TokenId } from '../../shared/token.ts'
import { type Deadlines, defaultDeadlines } from './deadlines.ts'
import { fromHost, tokenFailure } from './failures.ts'
import { type HostCommand, HostProcess } from './host-process.ts'
import { createTokenKeyMaker } from './key-making.ts'
import type { Slot } from './module-slot.ts'
import { openSessions } from './open-sessions.ts'
import { type HostAnswer, maxPinLength } from './protocol.ts'
import { createSealedKeys, namingServiceKey, SealedKeyHosts } from './sealed-keys.ts'
import type { TokenServiceOptions } from './service-options.ts'
import { TokenSigningSession } from './signing-session.ts'
import { deviceOfToken } from './token-device.ts'
import type {
  KeyReference,
  LogKeyService,
  ServiceKeyKeeper,
  SigningSession,
  SoftwareKeyMaker,
  TokenAttestation,
  TokenFailure,
  TokenKeyMaker,
  TokenService,
} from './token-service.ts'
import { signatureCheck } from './verify-signature.ts'

const ended = tokenFailure('token-removed', 'the token process was ended')

/** The `TokenService` over real token processes, one for each module. */
export class ProcessTokenService implements TokenService {
  readonly #options: TokenServiceOptions
  readonly #deadlines: Deadlines
  readonly #slots = new Map<string, Slot>()
  #devices: readonly UsbDevice[] = []
  /** Processes with sealed keys, none of which loads a module. */
  readonly sealedKeyHosts: SealedKeyHosts

  constructor(options: TokenServiceOptions) {
    this.#options = options
    this.#deadlines = { ...defaultDeadlines, ...options.deadlines }
    const role = { kind: 'software', folder: options.serviceKeysFolder } as const
    this.sealedKeyHosts = new SealedKeyHosts((onEnd) => this.#start(role, onEnd))
    for (const path of options.modules) this.#add(path)
  }

  async list(options: { readonly refresh: boolean }): ReturnType<TokenService['list']> {
    const seen = await Promise.all([...this.#slots.values()].map((slot) => this.#listSlot(slot, options.refresh)))
    return {
      tokens: seen.flatMap(({ tokens }) => tokens),
      modules: seen.map(({ path, problem }) => ({ path, problem })),
    }
  }

  async openSession(
    key: KeyReference,
    pin: Secret | null,
    options: {
      readonly useLastTry: boolean
      readonly signal: AbortSignal
      readonly onSignal: (signal: 'touch' | 'login') => void
      readonly keepsNoPin?: true
    },
  ): Promise<Result<SigningSession, TokenFailure>> {
    try {
      if (options.signal.aborted) return err(tokenFailure('cancelled'))
      return key.home.kind === 'software'
        ? await this.#openSoftware(key, options)
        : await this.#openToken(key, key.home, pin, options)
    } finally {
      pin?.wipe()
    }
  }

  openSessions(
    ...[keys, pins, options]: Parameters<TokenService['openSessions']>
  ): ReturnType<TokenService['openSessions']> {
    return openSessions((...one) => this.openSession(...one), keys, pins, options)
  }

  async reset(): Promise<void> {
    this.sealedKeyHosts.reset()
    const slots = [...this.#slots.values()]
    await Promise.all(slots.map((slot) => this.#stop(slot)))
  }

  async devicesChanged(devices: readonly UsbDevice[]): Promise<void> {
    this.#devices = devices
    const slots = [...this.#slots.values()]
    for (const { taken, plug, host } of slots)
      if (taken && plug !== null && !devices.some((device) => device.plug === plug))
        host?.kill(tokenFailure('token-removed', `${plug} is no longer on USB`))
    await this.#endIdle()
  }

  async setModules(paths: readonly string[], newConfiguration = false): Promise<void> {
    if (newConfiguration) await this.#endIdle()
    const gone = [...this.#slots.values()].filter((slot) => !paths.includes(slot.path))
    for (const slot of gone) this.#slots.delete(slot.path)
    for (const path of paths) if (!this.#slots.has(path)) this.#add(path)
    await Promise.all(gone.map((slot) => this.#stop(slot)))
  }

  async readPublicKey(token: TokenId, ckaId: string): Promise<Result<Uint8Array, TokenFailure>> {
    return this.askToken(token, (host) => host.call('read-public-key', { token, ckaId }, this.#deadlines.list))
  }

  async readAttestation(token: TokenId, ckaId: string): Promise<Result<TokenAttestation, TokenFailure>> {
    return this.askToken(token, (host) => host.call('read-attestation', { token, ckaId }, this.#deadlines.list))
  }

  async seeKey(token: TokenId, ckaId: string): ReturnType<TokenService['seeKey']> {
    return this.askToken(token, (host) => host.call('see-key', { token, ckaId }, this.#deadlines.list))
  }

  /** Asks the process that has the token, without a login. */
  async askToken<T>(
    token: TokenId,
    ask: (host: HostProcess) => Promise<Result<T, TokenFailure>>,
  ): Promise<Result<T, TokenFailure>> {
    const found = await this.#locate(token)
    return found.ok ? ask(this.#host(found.value)) : found
  }

  /** Takes the token for one act. Its process ends with it: the secret that was tried is in its memory. */
  async useToken<T, E>(
    token: TokenId,
    secret: Secret,
    use: (host: HostProcess) => Promise<Result<T, E>>,
  ): Promise<Result<T, E | TokenFailure>> {
    try {
      const { length } = secret.reveal()
      if (length < 1 || length > maxPinLength) return err(tokenFailure('pin-length'))
      const found = await this.#locate(token)
      if (!found.ok) return found
      const slot = found.value
      if (slot.taken) return err(tokenFailure('token-error', 'the token is in use by another approval'))
      const host = this.#host(slot)
      slot.taken = true
      try {
        return await use(host)
      } finally {
        this.#endHost(slot, host)
      }
    } finally {
      secret.wipe()
    }
  }

  async #endIdle(): Promise<void> {
    await Promise.all([...this.#slots.values()].filter((slot) => !slot.taken).map((slot) => this.#stop(slot)))
  }

  #add(path: string): void {
    this.#slots.set(path, { path, host: null, taken: false, plug: null, looking: null, listed: null, problem: null })
  }

  async #openToken(
    key: KeyReference,
    home: Extract<KeyReference['home'], { kind: 'token' }>,
    pin: Secret | null,
    options: Parameters<TokenService['openSession']>[2],
  ): Promise<Result<SigningSession, TokenFailure>> {
    const pinLength = pin?.reveal().length ?? null
    if (pinLength !== null && (pinLength < 1 || pinLength > maxPinLength)) return err(tokenFailure('pin-length'))
    // Found before the PIN leaves main: it goes to the one process that has the token, and to no other module.
    const found = await this.#locate(home.token)
    if (!found.ok) return found
    const slot = found.value
    if (options.signal.aborted) return err(tokenFailure('cancelled'))
    if (slot.taken) return err(tokenFailure('token-error', 'the token is in use by another approval'))
    const host = this.#host(slot)
    slot.taken = true
    const { ckaId, token } = home
    slot.plug = deviceOfToken(token, this.#devices)?.plug ?? null
    const { algorithm, spkiSha256 } = key
    const { useLastTry, keepsNoPin } = options
    const body = { token, ckaId, algorithm, spkiSha256, pinLength, useLastTry, ...(keepsNoPin && { keepsNoPin }) }
    const abort = () => host.kill(tokenFailure('cancelled'))
    options.signal.addEventListener('abort', abort, { once: true })
    const opened = await host.call('open', body, this.#deadlines.open, { onSignal: options.onSignal }, pin)
    options.signal.removeEventListener('abort', abort)
    // A PIN that was tried is in the memory of that process: it ends with the attempt.
    const end = () => this.#endHost(slot, host)
    if (!opened.ok) {
      end()
      return opened
    }
    return this.#session(key, opened.value, host, options, end)
  }

  async #openSoftware(
    key: KeyReference,
    options: Parameters<TokenService['openSession']>[2],
  ): Promise<Result<SigningSession, TokenFailure>> {
    if (key.sealed === null) return err(tokenFailure('key-absent', 'no sealed record'))
    const host = this.sealedKeyHosts.start()
    const end = () => host.kill(ended)
    const { algorithm, sealed, spkiSha256 } = key
    const opened = await host.call('open-software', { sealed, algorithm, spkiSha256 }, this.#deadlines.open)
    if (opened.ok) return this.#session(key, opened.value, host, options, end)
    end()
    return namingServiceKey(opened, sealed.publicKey, this.#options.serviceKeysFolder)
  }

  #session(
    key: KeyReference,
    opened: HostAnswer<'open'>,
    host: HostProcess,
    options: Parameters<TokenService['openSession']>[2],
    end: () => void,
  ): Result<TokenSigningSession, TokenFailure> {
    // The host compared as well; main believes no other process about which key this is.
    const sameKey = createHash('sha256').update(opened.spki).digest('hex') === key.spkiSha256
    const check = sameKey ? signatureCheck(opened.spki) : null
    if (check === null) {
      const failure = tokenFailure(sameKey ? 'mechanism-unsupported' : 'key-mismatch')
      end()
      return err(failure)
    }
    return ok(
      new TokenSigningSession({
        host,
        check,
        spki: opened.spki,
        touch: opened.touch,
        signal: options.signal,
        onSignal: options.onSignal,
        signDeadlineMs: this.#deadlines.sign,
        touchAfterMs: this.#options.touchAfterMs ?? 1000,
        closeDeadlineMs: this.#deadlines.close,
        end,
      }),
    )
  }

  /** The module that has the token. A process that does not know it is started anew once: modules miss tokens that came later. */
  async #locate(token: TokenId): Promise<Result<Slot, TokenFailure>> {
    const first = await this.#search(token, [...this.#slots.values()])
    if (first.ok || first.error.code !== 'token-absent') return first
    const older = [...this.#slots.values()].filter((slot) => !slot.taken)
    await Promise.all(older.map((slot) => this.#stop(slot)))
    return this.#search(token, older)
  }

  async #search(token: TokenId, slots: readonly Slot[]): Promise<Result<Slot, TokenFailure>> {
    const answers = await Promise.all(
      slots.map(async (slot) => ({
        slot,
        answer: await this.#host(slot).call('has-token', { token }, this.#deadlines.list),
      })),
    )
    const found = answers.filter(({ answer }) => answer.ok && answer.value)
    const [only] = found
    if (found.length > 1)
      return err(tokenFailure('token-ambiguous', `shown by ${found.map(({ slot }) => slot.path).join(' and ')}`))
    if (only !== undefined) return ok(only.slot)
    const problems = answers.flatMap(({ slot, answer }) =>
      answer.ok ? [] : [`${slot.path}: ${answer.error.code} ${answer.error.detail ?? ''}`],
    )
    return err(tokenFailure('token-absent', [`serial ${token.serial}`, ...problems].join('; ')))
  }

  async #listSlot(
    slot: Slot,
    refresh: boolean,
  ): Promise<
    { path: string; problem: TokenFailure | null } & Pick<Awaited<ReturnType<TokenService['list']>>, 'tokens'>
  > {
    // A token that is signing is not disturbed: what was seen before the session stands.
    const inUse = slot.taken && slot.listed !== null
    if (!inUse) {
      if (refresh) await this.#stop(slot)
      // A module that answered with an error is asked again; one that took its process down is not.
      if (slot.problem === null || slot.host !== null) {
        slot.looking ??= this.#look(slot).finally(() => {
          slot.looking = null
        })
        await slot.looking
      }
    }
    const { path, problem, listed } = slot
    if (listed === null || problem !== null) return { path, problem, tokens: [] }
    const tokens = listed.tokens.map((seen) => ({
      ...seen,
      problem: seen.problem === null ? null : fromHost(seen.problem),
    }))
    const unnamed =
      listed.unnamed === 0
        ? null
        : tokenFailure('token-ambiguous', `${listed.unnamed} tokens without serial number are left out`)
    return { path, problem: unnamed, tokens }
  }

  /** Once more if the process was ended on purpose meanwhile: a session that closed, a reset. */
  async #look(slot: Slot, tries = 2): Promise<void> {
    const host = this.#host(slot)
    const answer = await host.call('list', {}, this.#deadlines.list)
    if (answer.ok) {
      slot.listed = answer.value
      slot.problem = null
    } else if (!host.endedOnPurpose) slot.problem = answer.error
    else if (tries > 1) await this.#look(slot, tries - 1)
  }

  #host(slot: Slot): HostProcess {
    if (slot.host === null) {
      const host = this.#start({ kind: 'module', path: slot.path }, () => this.#forget(slot, host))
      slot.host = host
      slot.problem = null
    }
    return slot.host
  }

  #start(role: HostCommand['role'], onEnd: () => void): HostProcess {
    const { node, hostEntry: entry, environment, log } = this.#options
    log('token.host-started', { ...role })
    return new HostProcess({ node, entry, role, environment }, this.#deadlines.start, log, onEnd)
  }

  #forget(slot: Slot, host: HostProcess): void {
    if (slot.host !== host) return
    slot.host = null
    slot.taken = false
    slot.plug = null
  }

  #endHost(slot: Slot, host: HostProcess): void {
    host.kill(ended)
    this.#forget(slot, host)
  }

  /** Leaves the device in order if nothing is under way, then kills. */
  async #stop(slot: Slot): Promise<void> {
    const { host } = slot
    slot.problem = null
    slot.listed = null
    if (host === null) return
    if (!host.busy && !host.dead) await host.call('close', {}, Math.min(1000, this.#deadlines.close))
    this.#endHost(slot, host)
  }
}

export function createTokenService(
  options: TokenServiceOptions,
): TokenService & SoftwareKeyMaker & ServiceKeyKeeper & LogKeyService & TokenKeyMaker {
  const service = new ProcessTokenService(options)
  const deadlines = { ...defaultDeadlines, ...options.deadlines }
  return Object.assign(
    service,
    createSealedKeys(service.sealedKeyHosts, options.serviceKeysFolder, deadlines),
    createTokenKeyMaker(service, deadlines),
  )
}
