import { algorithm, algorithmsOf } from './algorithms.ts'
import {
  type AttestationAuthority,
  type DeviceIdentity,
  generateCertifyingKey,
  makeAttestationAuthority,
} from './attestation/authority.ts'
import { AuditTrail, type LogNote, noNote } from './audit-trail.ts'
import { hasCapability } from './capabilities.ts'
import { command, errorCode, noObject, objectType } from './codes.ts'
import type { DeviceParts } from './commands/command.ts'
import { commandOf } from './commands/command-table.ts'
import { defaultAuthenticationKey } from './default-key.ts'
import { DeviceLog, logCapacity } from './device-log.ts'
import { atLeast, type Firmware, messageLimit } from './firmware.ts'
import { generateP256 } from './keys/elliptic.ts'
import { encodeMessage, Fields, type Message, parseMessage, Refusal, refuse, u32 } from './message.ts'
import { ObjectStore } from './objects.ts'
import { DeviceOptions } from './options.ts'
import { decodeDevice, encodeDevice, type SavedDevice } from './saved-device.ts'
import { macBytes } from './session/secure-channel.ts'
import { type Session, Sessions } from './session/sessions.ts'

export interface YubiHsmOptions {
  readonly serial?: number
  readonly firmware?: Firmware
  /** Milliseconds; only differences count. */
  readonly now?: () => number
  /** Who made it; without one it makes its own. */
  readonly authority?: AttestationAuthority
  /** Its attestations are signed by a key that its certificate is not about. */
  readonly forgesAttestations?: boolean
}

/** The device is not there, or went away before it had answered. */
export class DeviceGone extends Error {
  constructor() {
    super('the device has no power')
  }
}

/** When in a command the power goes: before anything is done, or when all is done and logged, and no answer comes. */
export type PowerLoss = { readonly command: number; readonly moment: 'before-execution' | 'before-answer' }

/** From one plugging to the next; each is an object of its own, as time may stand still. */
interface PowerPeriod {
  readonly since: number
}

const answerBit = 0x80
/** The unit of the log's clock is not documented. In published logs the steps of people at a shell are some hundreds apart. */
const tickMs = 10
const defaultSerial = 7_550_140
const defaultFirmware: Firmware = [2, 4, 0]

/** A whole YubiHSM 2 behind one function: a message in, a message out. What carries the messages is for others. */
export class VirtualYubiHsm {
  readonly serial: number
  readonly firmware: Firmware
  readonly #now: () => number
  readonly #parts: DeviceParts
  readonly #sessions: Sessions
  readonly #trail: AuditTrail
  #power: PowerPeriod | null = null
  #blinkUntil = 0
  #losses: readonly PowerLoss[] = []
  #queue: Promise<unknown> = Promise.resolve()
  readonly #executed = new Map<number, number>()

  constructor(options: YubiHsmOptions = {}, saved: SavedDevice | null = null) {
    this.serial = saved?.serial ?? options.serial ?? defaultSerial
    this.firmware = saved?.firmware ?? options.firmware ?? defaultFirmware
    this.#now = options.now ?? (() => performance.now())
    this.#sessions = new Sessions(this.#now)
    const kept = saved === null ? null : decodeDevice(saved)
    // Most tests never ask for it, and it takes RSA keys.
    let identity = kept?.identity ?? null
    const issue = () => (options.authority ?? makeAttestationAuthority()).issue(this.serial, this.firmware)
    const ofFactory = (issued: DeviceIdentity) =>
      options.forgesAttestations === true ? { ...issued, key: generateCertifyingKey() } : issued
    const objects = new ObjectStore()
    this.#parts = {
      serial: this.serial,
      firmware: this.firmware,
      partNumber: 'VIRTUAL',
      objects,
      log: new DeviceLog(),
      options: new DeviceOptions(this.firmware),
      get identity() {
        identity ??= ofFactory(issue())
        return identity
      },
      authenticationKey: kept?.authenticationKey ?? generateP256(),
      isFresh: () => objects.all().every(({ type, id }) => type === objectType.authenticationKey && id === 1),
      factoryReset: () => this.#factoryReset(),
      closeSession: (id) => this.#sessions.close(id),
      blink: (seconds) => {
        this.#blinkUntil = this.#now() + seconds * 1000
      },
    }
    this.#trail = new AuditTrail(this.#parts.log, this.#parts.options, () => this.#tick())
    if (kept === null) {
      this.#clear()
    } else {
      objects.restore(kept.objects, kept.sequences)
      this.#parts.log.restore(kept.log)
      this.#parts.options.restore(kept.options)
    }
    this.plugIn()
  }

  get isPlugged(): boolean {
    return this.#power !== null
  }

  get isBlinking(): boolean {
    return this.isPlugged && this.#now() < this.#blinkUntil
  }

  get openSessions(): number {
    return this.#sessions.open
  }

  /** Gives it power: it boots, and logs that. */
  plugIn(): void {
    if (this.isPlugged) return
    this.#power = { since: this.#now() }
    this.#parts.log.boot(this.#parts.options.auditIsForced)
  }

  /** Takes its power: sessions are lost, what it stores is not. A command that it was at gets no answer. */
  unplug(): void {
    this.#power = null
    this.#blinkUntil = 0
    this.#sessions.closeAll()
  }

  /** Unplugs itself the next time that this command comes, alone or in a session. */
  losePowerIn(loss: PowerLoss): void {
    this.#losses = [...this.#losses, loss]
  }

  /** How often it has done this command to the end, whether or not its answer left. */
  executed(command: number): number {
    return this.#executed.get(command) ?? 0
  }

  /** What it stores, private keys in the clear. A device made of it boots. */
  save(): SavedDevice {
    return encodeDevice(this.#parts)
  }

  /** One message in, one message out, in the order in which they come. Rejects with `DeviceGone` where none comes. */
  async exchange(message: Uint8Array): Promise<Uint8Array> {
    const power = this.#power
    if (power === null) throw new DeviceGone()
    const turn = this.#queue.then(() => this.#exchange(message, power))
    this.#queue = turn.catch(() => undefined)
    return await turn
  }

  async #exchange(bytes: Uint8Array, power: PowerPeriod): Promise<Uint8Array> {
    this.#requirePower(power)
    const answer = await this.#answer(bytes, power).catch(asAnswer)
    this.#requirePower(power)
    return answer
  }

  /** Throws if it was unplugged since, even if it has power again. */
  #requirePower(power: PowerPeriod): void {
    if (this.#power !== power) throw new DeviceGone()
  }

  async #answer(bytes: Uint8Array, power: PowerPeriod): Promise<Uint8Array> {
    if (bytes.length > messageLimit(this.firmware)) refuse('wrongLength')
    const message = parseMessage(bytes) ?? refuse('wrongLength')
    this.#maybeLosePower(message, 'before-execution')
    const answer =
      message.command === command.sessionMessage
        ? await this.#inSession(message.data, bytes, power)
        : encodeMessage(message.command | answerBit, await this.#alone(message, bytes))
    this.#maybeLosePower(message, 'before-answer')
    return answer
  }

  /** Commands that need no session. */
  async #alone(message: Message, bytes: Uint8Array): Promise<Uint8Array> {
    const fields = new Fields(message.data)
    switch (message.command) {
      case command.echo:
        return await this.#trail.run(
          message,
          () => noNote,
          () => fields.rest(),
        )
      case command.deviceInfo:
        return this.#deviceInfo(fields)
      case command.getDevicePublicKey:
        if (!atLeast(this.firmware, 2, 3)) refuse('invalidCommand')
        return Buffer.concat([
          Uint8Array.of(algorithm.ecP256Authentication),
          this.#parts.authenticationKey.subarray(32),
        ])
      case command.createSession: {
        const target = fields.u16()
        return await this.#trail.run(
          message,
          () => ({ ...noNote, target }),
          () => this.#createSession(target, fields.rest()),
        )
      }
      case command.authenticateSession: {
        const id = fields.u8()
        const target = this.#sessions.keyOf(id)?.id ?? noObject
        return await this.#trail.run(
          message,
          () => ({ ...noNote, target }),
          () => {
            this.#sessions.authenticate(id, fields.bytes(macBytes), bytes)
            return new Uint8Array()
          },
        )
      }
      default:
        return refuse('invalidCommand')
    }
  }

  #createSession(keyId: number, hostPart: Uint8Array): Uint8Array {
    const key = this.#parts.objects.get(objectType.authenticationKey, keyId, 0xffff)
    if (!this.#parts.options.allowsAlgorithm(key.algorithm)) refuse('algorithmDisabled')
    return this.#sessions.create(key, hostPart, this.#parts.authenticationKey.subarray(0, 32))
  }

  async #inSession(data: Uint8Array, bytes: Uint8Array, power: PowerPeriod): Promise<Uint8Array> {
    if (data.length <= 1 + macBytes) refuse('wrongLength')
    const session = this.#sessions.use(data[0] ?? 0)
    session.channel.verify(bytes)
    const inner = parseMessage(session.channel.decrypt(data.subarray(1, -macBytes)))
    const run = async () => await this.#command(inner ?? refuse('wrongLength'), session, power)
    const answer = await run().catch(asAnswer)
    return session.channel.seal(command.sessionMessage | answerBit, session.id, answer)
  }

  async #command(message: Message, session: Session, power: PowerPeriod): Promise<Uint8Array> {
    this.#maybeLosePower(message, 'before-execution')
    const kind = commandOf(message.command, this.firmware) ?? refuse('invalidCommand')
    let note: LogNote = { ...noNote, sessionKey: session.key.id }
    const concerns = (target: number, second = noObject) => {
      note = { ...note, target, second }
    }
    const requirePower = () => this.#requirePower(power)
    const fields = new Fields(message.data)
    const answer = await this.#trail.run(
      message,
      () => note,
      async () => {
        if (kind.needs !== null && !hasCapability(session.key.capabilities, kind.needs))
          refuse('insufficientPermissions')
        const call = { device: this.#parts, fields, actor: session.key, session: session.id, concerns, requirePower }
        const done = await kind.run(call)
        requirePower()
        this.#executed.set(message.command, this.executed(message.command) + 1)
        return done
      },
    )
    this.#maybeLosePower(message, 'before-answer')
    return encodeMessage(message.command | answerBit, answer)
  }

  #deviceInfo(fields: Fields): Uint8Array {
    const page = fields.left === 0 ? 0 : fields.u8()
    fields.end()
    if (page === 1 && atLeast(this.firmware, 2, 4)) return Buffer.from(this.#parts.partNumber)
    if (page !== 0) refuse('invalidData')
    return Buffer.concat([
      Uint8Array.from(this.firmware),
      u32(this.serial),
      Uint8Array.of(logCapacity, this.#parts.log.used),
      Uint8Array.from(algorithmsOf(this.firmware)),
    ])
  }

  #maybeLosePower(message: Message, moment: PowerLoss['moment']): void {
    const loss = this.#losses.find((one) => one.command === message.command && one.moment === moment)
    if (loss === undefined) return
    this.#losses = this.#losses.filter((one) => one !== loss)
    this.unplug()
    throw new DeviceGone()
  }

  #factoryReset(): void {
    this.#clear()
    this.#sessions.closeAll()
    this.#parts.log.boot(false)
  }

  #clear(): void {
    this.#parts.objects.clear()
    this.#parts.objects.add(defaultAuthenticationKey())
    this.#parts.options.reset()
    this.#parts.log.reset()
  }

  #tick(): number {
    return Math.floor((this.#now() - (this.#power?.since ?? this.#now())) / tickMs)
  }
}

/** A refusal is an answer; anything else is a defect of this program, or no power. */
function asAnswer(error: unknown): Uint8Array {
  if (error instanceof Refusal) return encodeMessage(command.error, Uint8Array.of(error.code))
  throw error
}

/** How an answer in the clear says what was refused; null: it was not. */
export function refusalIn(answer: Uint8Array): keyof typeof errorCode | null {
  const message = parseMessage(answer)
  if (message?.command !== command.error) return null
  const found = Object.entries(errorCode).find(([, code]) => code === message.data[0])
  return found === undefined ? null : (found[0] as keyof typeof errorCode) // its own key
}
