import type { UsbDevice, UsbState } from '../../shared/devices.ts'
import type { Log } from '../log/logger.ts'

export type PresencePorts = {
  /** Ends token processes that may not know what is on USB now. */
  readonly devicesChanged: (devices: readonly UsbDevice[]) => Promise<void>
  /** Which tokens the modules show now, each by its identity. */
  readonly shownTokens: () => Promise<readonly string[]>
  /** A new picture of USB: for the screens, at once. */
  readonly onDevices: (state: UsbState) => void
  /** The tokens may be others than before. */
  readonly onTokens: () => void
  /** Resolves after that many milliseconds. */
  readonly pause: (milliseconds: number) => Promise<void>
  readonly log: Log
}

/** A device is on the bus before pcscd has opened it and a module can show it: looked at again after these pauses, in milliseconds. */
const looksAfterAttach = [0, 400, 1_000, 2_500, 5_000] as const
const looksAfterDetach = [0] as const

/**
 * Makes the tokens that are shown follow what is on USB. No vendor's module tells by itself that a token came or went, and some go on
 * showing one that is not there any more.
 */
export class TokenPresence {
  readonly #ports: PresencePorts
  #state: UsbState = { watch: 'off', devices: [] }
  #plugs: ReadonlySet<string> = new Set()
  #shown: readonly string[] | null = null
  /** Changes so far: a round of looks ends when another change comes. */
  #change = 0
  #rounds: Promise<void> = Promise.resolve()
  #closed = false

  constructor(ports: PresencePorts) {
    this.#ports = ports
  }

  state(): UsbState {
    return this.#state
  }

  heard(state: UsbState): void {
    if (this.#closed) return
    this.#state = state
    this.#ports.onDevices(state)
    // A watcher that died says nothing about the devices: what was there counts until another looks.
    if (state.watch === 'off') return
    const plugs = new Set(state.devices.map(({ plug }) => plug))
    const came = state.devices.filter(({ plug }) => !this.#plugs.has(plug))
    const went = [...this.#plugs].filter((plug) => !plugs.has(plug))
    this.#plugs = plugs
    if (came.length === 0 && went.length === 0) return
    this.#ports.log('usb.changed', { came: came.map(({ plug, kind }) => `${kind} ${plug}`), went })
    this.#change += 1
    const change = this.#change
    const looks = came.length > 0 ? looksAfterAttach : looksAfterDetach
    // One after the other; a session whose device went is ended first of all, hence not in the queue.
    const first = this.#ports.devicesChanged(state.devices)
    this.#rounds = this.#rounds.then(async () => {
      await first
      await this.#look(change, looks)
    })
    this.#rounds = this.#rounds.catch((error: unknown) => this.#ports.log('usb.follow-defect', { error }))
  }

  /** Resolves when what was under way has ended. */
  async close(): Promise<void> {
    this.#closed = true
    this.#change += 1
    await this.#rounds
  }

  async #look(change: number, looks: readonly number[]): Promise<void> {
    for (const pause of looks) {
      if (pause > 0) {
        await this.#ports.pause(pause)
        if (change !== this.#change) return
        await this.#ports.devicesChanged(this.#state.devices)
      } else {
        this.#ports.onTokens()
      }
      const before = this.#shown
      const shown = await this.#ports.shownTokens()
      this.#shown = shown
      if (change !== this.#change) return
      const isNew = before === null || shown.some((token) => !before.includes(token))
      if (pause > 0 && (isNew || shown.length !== before.length)) this.#ports.onTokens()
      if (before !== null && isNew) return
    }
  }
}
