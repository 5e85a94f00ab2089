import { type ObjectType, objectType } from '../codes.ts'
import { type Fields, refuse } from '../message.ts'
import { fitsType, labelBytes } from '../objects.ts'

const objectTypes: ReadonlySet<number> = new Set(Object.values(objectType))

export function isObjectType(value: number): value is ObjectType {
  return objectTypes.has(value)
}

export function readObjectType(fields: Fields): ObjectType {
  const type = fields.u8()
  return isObjectType(type) ? type : refuse('invalidData')
}

/** What begins every command that makes an object. */
export interface NewObject {
  /** 0: the device chooses. */
  readonly id: number
  readonly label: Uint8Array
  readonly domains: number
  readonly capabilities: bigint
  readonly algorithm: number
}

export function readNewObject(fields: Fields, type: ObjectType): NewObject {
  const id = fields.u16()
  const label = Uint8Array.from(fields.bytes(labelBytes))
  const made = { id, label, domains: fields.u16(), capabilities: fields.u64(), algorithm: fields.u8() }
  if (made.domains === 0 || !fitsType(type, made.algorithm)) refuse('invalidData')
  return made
}
