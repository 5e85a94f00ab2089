import { randomBytes, timingSafeEqual } from 'node:crypto'
import { algorithm } from '../algorithms.ts'
import { refuse } from '../message.ts'
import type { HsmObject } from '../objects.ts'
import { SecureChannel } from './secure-channel.ts'
import {
  asymmetricSession,
  cardCryptogram,
  hostCryptogram,
  type SessionKeys,
  symmetricSessionKeys,
} from './session-keys.ts'

/** Sessions that a device has at a time (`YH_MAX_SESSIONS`). */
export const sessionLimit = 16
/** A session that is not used for so long is lost. */
export const idleLimitMs = 30_000

const challengeBytes = 8
const publicKeyBytes = 65

export interface Session {
  readonly id: number
  /** As it was when the session was opened. */
  readonly key: HsmObject
  readonly channel: SecureChannel
}

interface Place {
  readonly session: Session
  /** Null: authenticated. Else what the host has to show. */
  readonly expected: Uint8Array | null
  readonly lastUse: number
}

/** The sessions of one device. Time comes from outside, in milliseconds. */
export class Sessions {
  readonly #now: () => number
  readonly #places = new Map<number, Place>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** Begins a session; gives the data of the answer to CREATE SESSION. */
  create(key: HsmObject, hostPart: Uint8Array, deviceSecret: Uint8Array): Uint8Array {
    const id = this.#freeId()
    const lastUse = this.#now()
    if (key.algorithm === algorithm.ecP256Authentication) {
      if (hostPart.length !== publicKeyBytes) refuse('wrongLength')
      const { keys, ephemeralPublic, receipt } = agreed(deviceSecret, key.body, hostPart)
      this.#places.set(id, { session: { id, key, channel: new SecureChannel(keys, receipt) }, expected: null, lastUse })
      return Buffer.concat([Uint8Array.of(id), ephemeralPublic, receipt])
    }
    if (hostPart.length !== challengeBytes) refuse('wrongLength')
    const challenge = randomBytes(challengeBytes)
    const context = Buffer.concat([hostPart, challenge])
    const keys: SessionKeys = symmetricSessionKeys(key.body, context)
    this.#places.set(id, {
      session: { id, key, channel: new SecureChannel(keys, new Uint8Array(16)) },
      expected: hostCryptogram(keys, context),
      lastUse,
    })
    return Buffer.concat([Uint8Array.of(id), challenge, cardCryptogram(keys, context)])
  }

  /** The authentication key that a session was begun with; null where there is no such session. */
  keyOf(id: number): HsmObject | null {
    return this.#live(id)?.session.key ?? null
  }

  /** AUTHENTICATE SESSION, `message` with its header. A session that fails it is gone. */
  authenticate(id: number, cryptogram: Uint8Array, message: Uint8Array): void {
    const place = this.#live(id)
    if (place === null || place.expected === null) return refuse('invalidSession')
    this.#places.delete(id)
    place.session.channel.verify(message)
    if (cryptogram.length !== place.expected.length || !timingSafeEqual(cryptogram, place.expected))
      refuse('authenticationFailed')
    this.#places.set(id, { session: place.session, expected: null, lastUse: this.#now() })
  }

  /** The session that a message belongs to; it counts as used now. */
  use(id: number): Session {
    const place = this.#live(id)
    if (place === null || place.expected !== null) return refuse('invalidSession')
    this.#places.set(id, { ...place, lastUse: this.#now() })
    return place.session
  }

  close(id: number): void {
    this.#places.delete(id)
  }

  /** The device lost power. */
  closeAll(): void {
    this.#places.clear()
  }

  get open(): number {
    return [...this.#places.keys()].filter((id) => this.#live(id) !== null).length
  }

  #live(id: number): Place | null {
    const place = this.#places.get(id)
    if (place === undefined) return null
    if (this.#now() - place.lastUse < idleLimitMs) return place
    this.#places.delete(id)
    return null
  }

  #freeId(): number {
    for (let id = 0; id < sessionLimit; id++) if (this.#live(id) === null) return id
    return refuse('sessionsFull')
  }
}

function agreed(deviceSecret: Uint8Array, hostKey: Uint8Array, hostEphemeral: Uint8Array) {
  try {
    return asymmetricSession(deviceSecret, Buffer.concat([Uint8Array.of(4), hostKey]), hostEphemeral)
  } catch {
    return refuse('invalidData')
  }
}
