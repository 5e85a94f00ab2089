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
  /** What was last known to be on USB; the state's own list is empty while nobody watches. Null: nobody has looked yet. */
  #devices: readonly UsbDevice[] | null = null
  /** The tokens that were shown when somebody last looked. */
  #shown: readonly string[] = []
  /** Ends the looks that are under way: another change came, and looks anew. */
  #superseded = Promise.withResolvers<null>()
  #change = 0
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
    const before = this.#devices
    this.#devices = state.devices
    const came = newIn(state.devices, before ?? [])
    const went = newIn(before ?? [], state.devices)
    if (came.length === 0 && went.length === 0) return
    this.#ports.log('usb.changed', { came: came.map(told), went: went.map(told) })
    const change = this.#next()
    // What was there before the station started needs no second look.
    const looks = before !== null && came.length > 0 ? looksAfterAttach : looksAfterDetach
    this.#look(change, looks, this.#shown).catch((error: unknown) => this.#ports.log('usb.follow-defect', { error }))
  }

  /** Somebody listed the tokens. */
  saw(tokens: readonly string[]): void {
    this.#shown = tokens
  }

  close(): void {
    this.#closed = true
    this.#next()
  }

  #next(): number {
    this.#superseded.resolve(null)
    this.#superseded = Promise.withResolvers<null>()
    this.#change += 1
    return this.#change
  }

  /** `before`: the tokens that were shown before the change. */
  async #look(change: number, looks: readonly number[], before: readonly string[]): Promise<void> {
    let last: readonly string[] = []
    for (const pause of looks) {
      if (pause > 0) await Promise.race([this.#ports.pause(pause), this.#superseded.promise])
      if (change !== this.#change) return
      await this.#ports.devicesChanged(this.#devices ?? [])
      if (pause === 0) this.#ports.onTokens()
      const shown = await this.#ports.shownTokens()
      if (change !== this.#change) return
      if (pause > 0 && shown.join('\n') !== last.join('\n')) this.#ports.onTokens()
      if (shown.some((token) => !before.includes(token))) return
      last = shown
    }
  }
}

function newIn(devices: readonly UsbDevice[], before: readonly UsbDevice[]): readonly UsbDevice[] {
  return devices.filter(({ plug }) => !before.some((device) => device.plug === plug))
}

/** For the log: nothing that the device chose. */
function told({ kind, plug }: UsbDevice): string {
  return `${kind} ${plug}`
}
