import { createHash } from 'node:crypto'
import { err, ok, type Result } from '../../shared/result.ts'
import { Secret } from '../../shared/secret.ts'
import type { TokenId } from '../../shared/token.ts'
import type { Deadlines } from './deadlines.ts'
import { tokenFailure } from './failures.ts'
import type { HostProcess } from './host-process.ts'
import type { Slot } from './module-slot.ts'
import { type HostAnswer, maxPinLength, maxSessions } from './protocol.ts'
import { namingServiceKey } from './sealed-keys.ts'
import { SessionProcess } from './session-process.ts'
import { TokenSigningSession } from './signing-session.ts'
import type { KeyReference, SigningSession, TokenFailure, TokenPin, TokenService } from './token-service.ts'
import { signatureCheck } from './verify-signature.ts'

/** The processes that keys are opened in. */
export interface KeyProcesses {
  readonly deadlines: Deadlines
  readonly touchAfterMs: number
  readonly serviceKeysFolder: string
  /** The module that has the token. */
  locate(token: TokenId): Promise<Result<Slot, TokenFailure>>
  host(slot: Slot): HostProcess
  /** Kills it and gives the module free. */
  endHost(slot: Slot, host: HostProcess): void
  /** Where on USB the token is, if that can be known. */
  plugOf(token: TokenId): string | null
  /** One process for one sealed key. */
  startSealed(): HostProcess
}

type Options = Parameters<TokenService['openSessions']>[2]
type TokenHome = Extract<KeyReference['home'], { kind: 'token' }>

/** `position`: of the key that could not be opened. */
export type NotOpened = { readonly position: number; readonly failure: TokenFailure }

/** A key, and what it takes to open it. */
type Wanted =
  | { readonly kind: 'software'; readonly key: KeyReference; readonly sealed: NonNullable<KeyReference['sealed']> }
  | {
      readonly kind: 'token'
      readonly key: KeyReference
      readonly home: TokenHome
      readonly slot: Slot
      readonly typed: TokenPin | null
    }

/**
 * Opens the keys in their order, or none. All tokens are found and looked at before the first PIN is sent, so that one that is missing
 * or locked costs no try at another. Keys behind one module are sessions of one process, and those on one token share its one login.
 * Wipes every PIN, whatever happens.
 */
export async function openKeys(
  processes: KeyProcesses,
  keys: readonly KeyReference[],
  pins: readonly TokenPin[],
  options: Options,
): Promise<Result<readonly SigningSession[], NotOpened>> {
  try {
    const wanted = await findAll(processes, keys, pins, options.signal)
    if (!wanted.ok) return wanted
    const opening = new Opening(processes, wanted.value, options)
    return await opening.run()
  } finally {
    for (const { pin } of pins) pin.wipe()
  }
}

async function findAll(
  processes: KeyProcesses,
  keys: readonly KeyReference[],
  pins: readonly TokenPin[],
  signal: AbortSignal,
): Promise<Result<readonly Wanted[], NotOpened>> {
  const wanted: Wanted[] = []
  const found: { readonly token: TokenId; readonly slot: Slot }[] = []
  for (const [position, key] of keys.entries()) {
    const refuse = (failure: TokenFailure) => err({ position, failure })
    const { home, sealed } = key
    if (signal.aborted) return refuse(tokenFailure('cancelled'))
    if (position >= maxSessions) return refuse(tokenFailure('token-error', `more than ${maxSessions} keys`))
    if (home.kind === 'software') {
      if (sealed === null) return refuse(tokenFailure('key-absent', 'no sealed record'))
      wanted.push({ kind: 'software', key, sealed })
      continue
    }
    const typed = pins.find(({ token }) => isSame(token, home.token)) ?? null
    const length = typed?.pin.reveal().length ?? 1
    if (length < 1 || length > maxPinLength) return refuse(tokenFailure('pin-length'))
    // Found before the PIN leaves main: it goes to the one process that has the token, and to no other module.
    const before = found.find(({ token }) => isSame(token, home.token))
    const slot = before === undefined ? await processes.locate(home.token) : ok(before.slot)
    if (!slot.ok) return refuse(slot.error)
    if (before === undefined) found.push({ token: home.token, slot: slot.value })
    wanted.push({ kind: 'token', key, home, slot: slot.value, typed })
  }
  return ok(wanted)
}

class Opening {
  readonly #processes: KeyProcesses
  readonly #wanted: readonly Wanted[]
  readonly #options: Options
  readonly #modules = new Map<Slot, SessionProcess>()
  /** Of the keys that are open, in their order. */
  readonly #opened: { readonly session: SigningSession; readonly process: SessionProcess }[] = []

  constructor(processes: KeyProcesses, wanted: readonly Wanted[], options: Options) {
    this.#processes = processes
    this.#wanted = wanted
    this.#options = options
  }

  async run(): Promise<Result<readonly SigningSession[], NotOpened>> {
    const refused = this.#take() ?? (await this.#check()) ?? (await this.#openAll())
    if (refused === null) return ok(this.#opened.map(({ session }) => session))
    const all = new Set([...this.#modules.values(), ...this.#opened.map(({ process }) => process)])
    await Promise.all([...all].filter(({ isOver }) => !isOver).map((process) => process.close()))
    return err(refused)
  }

  /** For this approval alone, all modules at once: of two approvals at the same moment one gets all that it wants. */
  #take(): NotOpened | null {
    for (const [position, each] of this.#wanted.entries()) {
      if (this.#options.signal.aborted) return { position, failure: tokenFailure('cancelled') }
      if (each.kind === 'token' && each.slot.taken)
        return { position, failure: tokenFailure('token-error', 'the token is in use by another approval') }
    }
    const { deadlines } = this.#processes
    for (const each of this.#wanted) {
      if (each.kind === 'software') continue
      const { slot, home } = each
      if (!this.#modules.has(slot)) {
        const host = this.#processes.host(slot)
        slot.taken = true
        const end = () => this.#processes.endHost(slot, host)
        this.#modules.set(slot, new SessionProcess(host, deadlines.close, end))
      }
      const plug = this.#processes.plugOf(home.token)
      if (plug !== null) slot.plugs = [...slot.plugs, plug]
    }
    return null
  }

  /** A single key is looked at by its own `open`, which begins with the same. */
  async #check(): Promise<NotOpened | null> {
    if (this.#wanted.length < 2) return null
    for (const [position, each] of this.#wanted.entries()) {
      if (each.kind === 'software') continue
      const { home, key, typed } = each
      const body = { token: home.token, algorithm: key.algorithm, ...pinOf(typed) }
      const { host } = this.#module(each.slot)
      const checked = await host.call('check-token', body, this.#processes.deadlines.list)
      if (!checked.ok) return { position, failure: checked.error }
    }
    return null
  }

  async #openAll(): Promise<NotOpened | null> {
    for (const [position, each] of this.#wanted.entries()) {
      if (this.#options.signal.aborted) return { position, failure: tokenFailure('cancelled') }
      const failure = each.kind === 'software' ? await this.#openSealed(each) : await this.#openOnToken(each, position)
      if (failure !== null) return { position, failure }
    }
    // A token may have gone while others were opened.
    for (const [position, { process }] of this.#opened.entries())
      if (process.host.death !== null) return { position, failure: process.host.death }
    return null
  }

  async #openOnToken(each: Extract<Wanted, { kind: 'token' }>, position: number): Promise<TokenFailure | null> {
    const { home, key, typed } = each
    const process = this.#module(each.slot)
    const session = process.join()
    const { algorithm, spkiSha256 } = key
    const { signal, onSignal, keepsNoPin } = this.#options
    const body = {
      session,
      token: home.token,
      ckaId: home.ckaId,
      algorithm,
      spkiSha256,
      ...pinOf(typed),
      ...(keepsNoPin && { keepsNoPin }),
    }
    // For each key anew, because one that wants its PIN for each signature needs it in the process. The last takes the buffer itself.
    const again = this.#wanted.slice(position + 1).some((other) => other.kind === 'token' && other.typed === typed)
    const pin = typed === null ? null : again ? copyOf(typed.pin) : typed.pin
    const abort = () => process.host.kill(tokenFailure('cancelled'))
    signal.addEventListener('abort', abort, { once: true })
    try {
      const opened = await process.host.call('open', body, this.#processes.deadlines.open, { onSignal }, pin)
      if (opened.ok) return this.#add(key, process, session, opened.value)
      // A PIN that was tried is in the memory of that process: it ends with the attempt.
      process.fail(opened.error)
      return opened.error
    } finally {
      signal.removeEventListener('abort', abort)
      pin?.wipe()
    }
  }

  async #openSealed({ key, sealed }: Extract<Wanted, { kind: 'software' }>): Promise<TokenFailure | null> {
    const { deadlines, serviceKeysFolder } = this.#processes
    const host = this.#processes.startSealed()
    const ended = tokenFailure('token-removed', 'the token process was ended')
    const process = new SessionProcess(host, deadlines.close, () => host.kill(ended))
    const session = process.join()
    const { algorithm, spkiSha256 } = key
    const opened = await host.call('open-software', { session, sealed, algorithm, spkiSha256 }, deadlines.open)
    if (opened.ok) return this.#add(key, process, session, opened.value)
    process.fail(opened.error)
    const named = namingServiceKey(opened, sealed.publicKey, serviceKeysFolder)
    return named.ok ? null : named.error
  }

  #add(
    key: KeyReference,
    process: SessionProcess,
    session: number,
    { spki, touch }: HostAnswer<'open'>,
  ): TokenFailure | null {
    // The host compared as well; main believes no other process about which key this is.
    const digest = createHash('sha256').update(spki).digest('hex')
    const sameKey = digest === key.spkiSha256 && (key.accepts?.(spki) ?? true)
    const check = sameKey ? signatureCheck(spki) : null
    if (check === null) {
      const failure = tokenFailure(sameKey ? 'mechanism-unsupported' : 'key-mismatch')
      process.fail(failure)
      return failure
    }
    const { deadlines, touchAfterMs } = this.#processes
    const { signal, onSignal } = this.#options
    const opened = new TokenSigningSession({
      process,
      session,
      isAlone: this.#wanted.length === 1,
      spki,
      check,
      touch,
      signal,
      onSignal,
      signDeadlineMs: deadlines.sign,
      touchAfterMs,
      closeDeadlineMs: deadlines.close,
    })
    this.#opened.push({ session: opened, process })
    return null
  }

  #module(slot: Slot): SessionProcess {
    const process = this.#modules.get(slot)
    if (process === undefined) throw new Error('a module that was not taken')
    return process
  }
}

function pinOf(typed: TokenPin | null) {
  return { pinLength: typed?.pin.reveal().length ?? null, useLastTry: typed?.useLastTry ?? false }
}

function isSame(a: TokenId, b: TokenId): boolean {
  return a.serial === b.serial && a.model === b.model && a.manufacturer === b.manufacturer
}

function copyOf(pin: Secret): Secret {
  return new Secret(Uint8Array.from(pin.reveal()))
}
