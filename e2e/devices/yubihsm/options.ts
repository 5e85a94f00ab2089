import { algorithmsOf } from './algorithms.ts'
import { command, deviceOption, type OptionValue, optionValue } from './codes.ts'
import { atLeast, type Firmware } from './firmware.ts'
import { refuse } from './message.ts'

/** The commands that GET OPTION names, in its order (the maker's guide to the option command-audit, firmware 2.4). */
const auditable: readonly { readonly code: number; readonly since: readonly [number, number] }[] = [
  ...codes(
    2,
    0,
    '01 03 04 05 06 07 09 08 40 41 42 43 44 45 46 47 55 56 48 49 57 4a 4b 4c 4d 67 4e 4f 50 51 52 53 54 58 59',
  ),
  ...codes(2, 0, '5a 5b 5c 5d 5e 5f 60 61 62 63 64 65 66 68 69 6a 6b'),
  ...codes(2, 1, '6c'),
  ...codes(2, 3, '0a 6d 6e 6f 70 71 72'),
  ...codes(2, 4, '73 74 75 76 77'),
]

function codes(major: number, minor: number, list: string) {
  return list.split(' ').map((hex) => ({ code: Number.parseInt(hex, 16), since: [major, minor] as const }))
}

/** Never audited unless asked for by name: they tell nothing, or would fill the log by reading it. */
const quiet: ReadonlySet<number> = new Set([
  command.echo,
  command.sessionMessage,
  command.deviceInfo,
  command.getDevicePublicKey,
  command.getLogEntries,
  0x07,
  0x09,
])

export interface SavedOptions {
  readonly forceAudit: OptionValue
  readonly commandAudit: readonly (readonly [number, OptionValue])[]
  readonly algorithms: readonly (readonly [number, OptionValue])[]
}

/** The device's options (SET OPTION in the maker's command reference). */
export class DeviceOptions {
  readonly #firmware: Firmware
  #forceAudit: OptionValue = optionValue.off
  #commandAudit = new Map<number, OptionValue>()
  #algorithms = new Map<number, OptionValue>()

  constructor(firmware: Firmware) {
    this.#firmware = firmware
    this.reset()
  }

  /** From firmware 2.3.1 nothing is audited until it is asked for. */
  reset(): void {
    const { off, on } = optionValue
    const [major, minor] = this.#firmware
    const audited = !atLeast(this.#firmware, 2, 3, 1)
    this.#forceAudit = off
    this.#commandAudit = new Map(
      auditable
        .filter(({ since }) => atLeast([major, minor, 0], ...since))
        .map(({ code }) => [code, audited && !quiet.has(code) ? on : off]),
    )
    this.#algorithms = new Map(algorithmsOf(this.#firmware).map((code) => [code, on]))
  }

  get auditIsForced(): boolean {
    return this.#forceAudit !== optionValue.off
  }

  /** Forced audit is of all commands, but those that tell nothing. */
  audits(code: number): boolean {
    const own = this.#commandAudit.get(code) ?? optionValue.off
    return own !== optionValue.off || (this.auditIsForced && !quiet.has(code))
  }

  allowsAlgorithm(code: number): boolean {
    return (this.#algorithms.get(code) ?? optionValue.off) !== optionValue.off
  }

  /** Whether this firmware has the algorithm at all. */
  knowsAlgorithm(code: number): boolean {
    return this.#algorithms.has(code)
  }

  /** `fresh`: there is nothing but the authentication key of a new device. */
  set(option: number, value: Uint8Array, fresh: boolean): void {
    switch (option) {
      case deviceOption.forceAudit: {
        if (value.length !== 1) refuse('wrongLength')
        const [wanted] = value
        if (!isOptionValue(wanted)) return refuse('invalidData')
        this.#forceAudit = changed(this.#forceAudit, wanted)
        return
      }
      case deviceOption.commandAudit:
        this.#setPairs(this.#commandAudit, value)
        return
      case deviceOption.algorithmToggle:
        if (!atLeast(this.#firmware, 2, 2)) refuse('invalidData')
        if (!fresh) refuse('insufficientPermissions')
        this.#setPairs(this.#algorithms, value)
        return
      default:
        refuse('invalidData')
    }
  }

  get(option: number): Uint8Array {
    switch (option) {
      case deviceOption.forceAudit:
        return Uint8Array.of(this.#forceAudit)
      case deviceOption.commandAudit:
        return Uint8Array.from([...this.#commandAudit].flat())
      case deviceOption.algorithmToggle:
        return atLeast(this.#firmware, 2, 2) ? Uint8Array.from([...this.#algorithms].flat()) : refuse('invalidData')
      default:
        return refuse('invalidData')
    }
  }

  save(): SavedOptions {
    return {
      forceAudit: this.#forceAudit,
      commandAudit: [...this.#commandAudit],
      algorithms: [...this.#algorithms],
    }
  }

  restore(saved: SavedOptions): void {
    this.#forceAudit = saved.forceAudit
    this.#commandAudit = new Map(saved.commandAudit)
    this.#algorithms = new Map(saved.algorithms)
  }

  /** All pairs or none. */
  #setPairs(map: Map<number, OptionValue>, pairs: Uint8Array): void {
    if (pairs.length === 0 || pairs.length % 2 !== 0) refuse('wrongLength')
    const wanted: [number, OptionValue][] = []
    for (let at = 0; at < pairs.length; at += 2) {
      const [code, value] = [pairs[at] ?? 0, pairs[at + 1]]
      const now = map.get(code)
      if (now === undefined || !isOptionValue(value)) return refuse('invalidData')
      wanted.push([code, changed(now, value)])
    }
    for (const [code, value] of wanted) map.set(code, value)
  }
}

function isOptionValue(value: number | undefined): value is OptionValue {
  return value === optionValue.off || value === optionValue.on || value === optionValue.fixed
}

function changed(now: OptionValue, wanted: OptionValue): OptionValue {
  return now === optionValue.fixed && wanted !== optionValue.fixed ? refuse('insufficientPermissions') : wanted
}
