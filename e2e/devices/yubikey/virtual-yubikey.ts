import { randomBytes } from 'node:crypto'
import type { SmartCard } from '../vpcd.ts'
import { atr, type CardEvent, step } from './applet.ts'
import { type Card, type CardOptions, makeCard, type World } from './card.ts'
import { type CardAlgorithm, type CardKey, generateCardKey } from './card-key.ts'

/** A command that the key was sent, whole or a piece of a chain, and the status word of its answer. */
export type Exchange = { readonly ins: number; readonly p1: number; readonly p2: number; readonly sw: number | null }

/** What a person does when the key blinks: nothing by itself, or a touch at once. */
export type Finger = 'away' | 'on-the-key'

export type YubiKeyOptions = CardOptions & {
  readonly finger?: Finger
  /** How long the key waits for the finger; a real one 15 s. Null: until the test says so. */
  readonly touchTimeoutMs?: number | null
  /** A card that was made before, in place of a new one. */
  readonly made?: Card | undefined
  readonly generate?: (algorithm: CardAlgorithm) => CardKey
  /** Milliseconds; decides how long a cached touch counts. */
  readonly now?: () => number
}

/** A YubiKey with a finger that a test moves. Its state is a value: it can be looked at, kept and put back. */
export class VirtualYubiKey implements SmartCard {
  readonly atr = atr
  finger: Finger
  #card: Card
  readonly #world: () => World
  readonly #timeoutMs: number | null
  readonly #exchanges: Exchange[] = []
  #pending: { readonly settle: (answer: Uint8Array | null) => void; readonly timer: NodeJS.Timeout | null } | null =
    null
  #awaitsTouch = Promise.withResolvers<void>()
  #deadly: ((exchange: Omit<Exchange, 'sw'>) => boolean) | null = null
  #onDeath: () => void = () => {}

  constructor(options: YubiKeyOptions = {}) {
    this.#card = options.made ?? makeCard(options)
    this.finger = options.finger ?? 'on-the-key'
    this.#timeoutMs = options.touchTimeoutMs === undefined ? 15_000 : options.touchTimeoutMs
    const { generate = generateCardKey, now = () => performance.now() } = options
    this.#world = () => ({ now: now(), random: (length) => new Uint8Array(randomBytes(length)), generate })
  }

  get card(): Card {
    return this.#card
  }

  /** Puts the chip into a state, as if it had come there by commands; takes effect at once. */
  set card(card: Card) {
    this.#card = card
  }

  get serial(): number {
    return this.#card.chip.serial
  }

  /** Every command so far, oldest first. PINs are not in it. */
  get exchanges(): readonly Exchange[] {
    return this.#exchanges
  }

  /** Whether the key blinks now. */
  get blinking(): boolean {
    return this.#pending !== null
  }

  /** Resolves when the key blinks, at once if it does. */
  touchAwaited(): Promise<void> {
    return this.#awaitsTouch.promise
  }

  /** A person touches the key now. Nothing happens if it does not blink. */
  touch(): void {
    this.#answer(this.#apply({ kind: 'touch' }))
  }

  /** The key's patience ends now. */
  letTouchExpire(): void {
    this.#answer(this.#apply({ kind: 'touch-timeout' }))
  }

  /** The key breaks in the next command for which `when` is true: it has received it, and nothing of an answer leaves. */
  dieIn(when: (command: Omit<Exchange, 'sw'>) => boolean): void {
    this.#deadly = when
  }

  /** One command without a reader. Rejects when the key is pulled or breaks before it answers. */
  async send(command: Uint8Array): Promise<Uint8Array> {
    const answer = await this.transmit(command)
    if (answer === null) throw new Error('the key gave no answer')
    return answer
  }

  power(): void {
    this.#apply({ kind: 'power' })
    this.#answer(null)
  }

  removed(): void {
    this.power()
  }

  /** What a reader does when the key breaks: the connection to it is cut. */
  onDeath(cut: () => void): void {
    this.#onDeath = cut
  }

  transmit(command: Uint8Array): Promise<Uint8Array | null> {
    const [, ins = 0, p1 = 0, p2 = 0] = command
    const at = this.#exchanges.push({ ins, p1, p2, sw: null }) - 1
    if (this.#deadly?.({ ins, p1, p2 }) === true) {
      this.#deadly = null
      this.power()
      this.#onDeath()
      return Promise.resolve(null)
    }
    const finished = (answer: Uint8Array | null) => {
      const last = answer?.subarray(-2) ?? null
      this.#exchanges[at] = { ins, p1, p2, sw: last === null ? null : ((last[0] ?? 0) << 8) | (last[1] ?? 0) }
      return answer
    }
    const answer = this.#apply({ kind: 'command', bytes: command })
    if (answer !== null) return Promise.resolve(finished(answer))
    return this.#waitForTouch().then(finished)
  }

  #waitForTouch(): Promise<Uint8Array | null> {
    const { promise, resolve } = Promise.withResolvers<Uint8Array | null>()
    const timer = this.#timeoutMs === null ? null : setTimeout(() => this.letTouchExpire(), this.#timeoutMs)
    timer?.unref()
    this.#pending = { settle: resolve, timer }
    this.#awaitsTouch.resolve()
    if (this.finger === 'on-the-key') this.touch()
    return promise
  }

  #answer(answer: Uint8Array | null): void {
    const pending = this.#pending
    if (pending === null) return
    this.#pending = null
    this.#awaitsTouch = Promise.withResolvers<void>()
    if (pending.timer !== null) clearTimeout(pending.timer)
    pending.settle(answer)
  }

  #apply(event: CardEvent): Uint8Array | null {
    const { card, answer } = step(this.#card, event, this.#world())
    this.#card = card
    return answer
  }
}
