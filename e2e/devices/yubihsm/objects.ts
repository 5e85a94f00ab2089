import { randomInt } from 'node:crypto'
import { algorithm, hmacHash, otpKeyBytes, rsaBits, symmetricKeyBytes, wrapKeyBytes } from './algorithms.ts'
import { type ObjectType, objectType } from './codes.ts'
import { curveOf } from './keys/elliptic.ts'
import { refuse } from './message.ts'

/** An object of the device. What it holds is kept as the device keeps it, which is also what a wrapped export carries. */
export interface HsmObject {
  readonly type: ObjectType
  readonly id: number
  readonly algorithm: number
  readonly label: Uint8Array
  readonly domains: number
  readonly capabilities: bigint
  /** Of authentication, wrap and public wrap keys; zero for the others. */
  readonly delegated: bigint
  /** How often an object of this type and id was there before. */
  readonly sequence: number
  readonly origin: number
  readonly body: Uint8Array
  /** Of an Ed25519 key whose seed the device has seen. */
  readonly seed: Uint8Array | null
}

export const labelBytes = 40
const recordLimit = 256
const pageLimit = 1024
const pageBytes = 126

export function hasDelegated(type: ObjectType): boolean {
  return type === objectType.authenticationKey || type === objectType.wrapKey || type === objectType.publicWrapKey
}

/** As GET OBJECT INFO gives it: delegated capabilities are stored with the key (40 bytes for an authentication key). */
export function objectLength(object: Pick<HsmObject, 'type' | 'body'>): number {
  return object.body.length + (hasDelegated(object.type) ? 8 : 0)
}

/** Whether objects of this type may have this algorithm. */
export function fitsType(type: ObjectType, code: number): boolean {
  switch (type) {
    case objectType.opaque:
      return code === algorithm.opaqueData || code === algorithm.opaqueX509
    case objectType.authenticationKey:
      return code === algorithm.aes128Authentication || code === algorithm.ecP256Authentication
    case objectType.asymmetricKey:
      return rsaBits.has(code) || curveOf(code) !== null || code === algorithm.ed25519
    case objectType.wrapKey:
      return wrapKeyBytes.has(code) || rsaBits.has(code)
    case objectType.hmacKey:
      return hmacHash.has(code)
    case objectType.template:
      return code === algorithm.templateSsh
    case objectType.otpAeadKey:
      return otpKeyBytes.has(code)
    case objectType.symmetricKey:
      return symmetricKeyBytes.has(code)
    case objectType.publicWrapKey:
      return rsaBits.has(code)
  }
}

export interface StorageInfo {
  readonly totalRecords: number
  readonly freeRecords: number
  readonly totalPages: number
  readonly freePages: number
  readonly pageBytes: number
}

/** The objects of one device, by type and id. */
export class ObjectStore {
  readonly #objects = new Map<number, HsmObject>()
  readonly #sequences = new Map<number, number>()

  all(): readonly HsmObject[] {
    return [...this.#objects.values()]
  }

  /** Null: no such object, or none that shares a domain with whoever asks; the two look alike from outside. */
  find(type: ObjectType, id: number, domains: number): HsmObject | null {
    const object = this.#objects.get(keyOf(type, id))
    return object === undefined || (object.domains & domains) === 0 ? null : object
  }

  get(type: ObjectType, id: number, domains: number): HsmObject {
    return this.find(type, id, domains) ?? refuse('objectNotFound')
  }

  /** Stores under the id, or under one that is free where the id is 0; gives the id. */
  add(object: Omit<HsmObject, 'sequence'>): HsmObject {
    if (object.id === 0xffff) refuse('invalidId')
    const id = object.id === 0 ? this.#freeId(object.type) : object.id
    const key = keyOf(object.type, id)
    if (this.#objects.has(key)) refuse('objectExists')
    const { freeRecords, freePages } = this.storage()
    if (freeRecords === 0 || freePages < pagesOf(object)) refuse('storageFailed')
    const sequence = this.#sequences.get(key) ?? 0
    const stored = { ...object, id, sequence }
    this.#objects.set(key, stored)
    this.#sequences.set(key, (sequence + 1) & 0xff)
    return stored
  }

  /** In place, for a changed authentication key: id, sequence and everything else stay. */
  replaceKey(object: HsmObject, changed: Pick<HsmObject, 'algorithm' | 'body'>): void {
    this.#objects.set(keyOf(object.type, object.id), { ...object, ...changed })
  }

  remove(object: HsmObject): void {
    this.#objects.delete(keyOf(object.type, object.id))
  }

  /** After a factory reset nothing is known of what was there before. */
  clear(): void {
    this.#objects.clear()
    this.#sequences.clear()
  }

  storage(): StorageInfo {
    const used = this.all().reduce((sum, object) => sum + pagesOf(object), 0)
    return {
      totalRecords: recordLimit,
      freeRecords: recordLimit - this.#objects.size,
      totalPages: pageLimit,
      freePages: pageLimit - used,
      pageBytes,
    }
  }

  sequences(): readonly (readonly [number, number])[] {
    return [...this.#sequences]
  }

  restore(objects: readonly HsmObject[], sequences: readonly (readonly [number, number])[]): void {
    this.clear()
    for (const object of objects) this.#objects.set(keyOf(object.type, object.id), object)
    for (const [key, sequence] of sequences) this.#sequences.set(key, sequence)
  }

  #freeId(type: ObjectType): number {
    for (;;) {
      const id = randomInt(1, 0xffff)
      if (!this.#objects.has(keyOf(type, id))) return id
    }
  }
}

function keyOf(type: ObjectType, id: number): number {
  return (type << 16) | id
}

function pagesOf(object: Pick<HsmObject, 'type' | 'body'>): number {
  return Math.max(1, Math.ceil(objectLength(object) / pageBytes))
}
