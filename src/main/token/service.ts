import type { UsbDevice } from '../../shared/devices.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Secret } from '../../shared/secret.ts'
import type { TokenId } from '../../shared/token.ts'
import { type Deadlines, defaultDeadlines } from './deadlines.ts'
import { fromHost, tokenFailure } from './failures.ts'
import { type HostCommand, HostProcess } from './host-process.ts'
import { createTokenKeyMaker } from './key-making.ts'
import type { Slot } from './module-slot.ts'
import { type KeyProcesses, openKeys } from './open-sessions.ts'
import { maxPinLength } from './protocol.ts'
import { createSealedKeys, SealedKeyHosts } from './sealed-keys.ts'
import type { TokenServiceOptions } from './service-options.ts'
import { deviceOfToken } from './token-device.ts'
import type {
  LogKeyService,
  ServiceKeyKeeper,
  SoftwareKeyMaker,
  TokenAttestation,
  TokenFailure,
  TokenKeyMaker,
  TokenService,
} from './token-service.ts'

const ended = tokenFailure('token-removed', 'the token process was ended')

/** The `TokenService` over real token processes, one for each module. */
export class ProcessTokenService implements TokenService {
  readonly #options: TokenServiceOptions
  readonly #deadlines: Deadlines
  readonly #slots = new Map<string, Slot>()
  readonly #keyProcesses: KeyProcesses
  #devices: readonly UsbDevice[] = []
  /** Processes with sealed keys, none of which loads a module. */
  readonly sealedKeyHosts: SealedKeyHosts

  constructor(options: TokenServiceOptions) {
    this.#options = options
    this.#deadlines = { ...defaultDeadlines, ...options.deadlines }
    const role = { kind: 'software', folder: options.serviceKeysFolder } as const
    this.sealedKeyHosts = new SealedKeyHosts((onEnd) => this.#start(role, onEnd))
    this.#keyProcesses = {
      deadlines: this.#deadlines,
      touchAfterMs: options.touchAfterMs ?? 1000,
      serviceKeysFolder: options.serviceKeysFolder,
      locate: (token) => this.#locate(token),
      host: (slot) => this.#host(slot),
      endHost: (slot, host) => this.#endHost(slot, host),
      plugOf: (token) => deviceOfToken(token, this.#devices)?.plug ?? null,
      startSealed: () => this.sealedKeyHosts.start(),
    }
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
    ...[key, pin, { useLastTry, signal, onSignal }]: Parameters<TokenService['openSession']>
  ): ReturnType<TokenService['openSession']> {
    const { home } = key
    try {
      const pins = pin === null || home.kind === 'software' ? [] : [{ token: home.token, pin, useLastTry }]
      const opened = await openKeys(this.#keyProcesses, [key], pins, { signal, onSignal })
      if (!opened.ok) return err(opened.error.failure)
      const [session] = opened.value
      if (session === undefined) throw new Error('one key was opened, and there is no session')
      return ok(session)
    } finally {
      pin?.wipe()
    }
  }

  async openSessions(
    ...[keys, pins, options]: Parameters<TokenService['openSessions']>
  ): ReturnType<TokenService['openSessions']> {
    const opened = await openKeys(this.#keyProcesses, keys, pins, options)
    return opened.ok ? opened : err({ ...opened.error.failure, position: opened.error.position })
  }

  async reset(): Promise<void> {
    this.sealedKeyHosts.reset()
    const slots = [...this.#slots.values()]
    await Promise.all(slots.map((slot) => this.#stop(slot)))
  }

  async devicesChanged(devices: readonly UsbDevice[]): Promise<void> {
    this.#devices = devices
    const slots = [...this.#slots.values()]
    for (const { taken, plugs, host } of slots) {
      const gone = plugs.find((plug) => !devices.some((device) => device.plug === plug))
      if (taken && gone !== undefined) host?.kill(tokenFailure('token-removed', `${gone} is no longer on USB`))
    }
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
    this.#slots.set(path, { path, host: null, taken: false, plugs: [], looking: null, listed: null, problem: null })
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
    slot.plugs = []
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
