import type { CapabilityName } from '../capabilities.ts'
import { command, type ObjectType, objectType } from '../codes.ts'
import { publicKeyBytes } from '../keys/public-key.ts'
import { type Fields, refuse, u16, u64 } from '../message.ts'
import { type HsmObject, labelBytes, objectLength } from '../objects.ts'
import { type CommandKind, nothing, objectOf, requireCapability } from './command.ts'
import { readObjectType } from './fields.ts'

const filters = { id: 1, type: 2, domains: 3, capabilities: 4, algorithm: 5, label: 6 } as const

/** One filter of LIST OBJECTS; all have to hold. Of domains and capabilities one in common is enough (the maker's library says so). */
function readFilter(fields: Fields): (object: HsmObject) => boolean {
  const tag = fields.u8()
  switch (tag) {
    case filters.id: {
      const id = fields.u16()
      return (object) => object.id === id
    }
    case filters.type: {
      const type = fields.u8()
      return (object) => object.type === type
    }
    case filters.domains: {
      const domains = fields.u16()
      return (object) => (object.domains & domains) !== 0
    }
    case filters.capabilities: {
      const capabilities = fields.u64()
      return (object) => (object.capabilities & capabilities) !== 0n
    }
    case filters.algorithm: {
      const code = fields.u8()
      return (object) => object.algorithm === code
    }
    case filters.label: {
      const label = fields.bytes(labelBytes)
      return (object) => label.equals(object.label)
    }
    default:
      return refuse('invalidData')
  }
}

const deleting: Readonly<Record<ObjectType, CapabilityName>> = {
  [objectType.opaque]: 'deleteOpaque',
  [objectType.authenticationKey]: 'deleteAuthenticationKey',
  [objectType.asymmetricKey]: 'deleteAsymmetricKey',
  [objectType.wrapKey]: 'deleteWrapKey',
  [objectType.hmacKey]: 'deleteHmacKey',
  [objectType.template]: 'deleteTemplate',
  [objectType.otpAeadKey]: 'deleteOtpAeadKey',
  [objectType.symmetricKey]: 'deleteSymmetricKey',
  [objectType.publicWrapKey]: 'deletePublicWrapKey',
}

/** As GET OPAQUE and SIGN ATTESTATION CERTIFICATE name what the device was made with. */
export const ownId = 0

export const lookAtObjectCommands: readonly CommandKind[] = [
  {
    code: command.listObjects,
    needs: null,
    run({ device, fields, actor }) {
      const wanted: ((object: HsmObject) => boolean)[] = []
      while (fields.left > 0) wanted.push(readFilter(fields))
      const found = device.objects
        .all()
        .filter((object) => (object.domains & actor.domains) !== 0 && wanted.every((holds) => holds(object)))
      return Buffer.concat(found.map(({ id, type, sequence }) => Uint8Array.of(...u16(id), type, sequence)))
    },
  },
  {
    code: command.getObjectInfo,
    needs: null,
    run(call) {
      const id = call.fields.u16()
      call.concerns(id)
      const object = objectOf(call, readObjectType(call.fields), id)
      call.fields.end()
      return Buffer.concat([
        u64(object.capabilities),
        u16(object.id),
        u16(objectLength(object)),
        u16(object.domains),
        Uint8Array.of(object.type, object.algorithm, object.sequence, object.origin),
        object.label,
        u64(object.delegated),
      ])
    },
  },
  {
    code: command.getPublicKey,
    needs: null,
    run(call) {
      const id = call.fields.u16()
      call.concerns(id)
      const type = call.fields.left > 0 ? readObjectType(call.fields) : objectType.asymmetricKey
      call.fields.end()
      const object = objectOf(call, type, id)
      return Buffer.concat([Uint8Array.of(object.algorithm), publicKeyBytes(object)])
    },
  },
  {
    code: command.getOpaque,
    needs: 'getOpaque',
    run(call) {
      const id = call.fields.u16()
      call.concerns(id)
      call.fields.end()
      return id === ownId ? call.device.identity.certificate : objectOf(call, objectType.opaque, id).body
    },
  },
  {
    code: command.getTemplate,
    needs: 'getTemplate',
    run(call) {
      const id = call.fields.u16()
      call.concerns(id)
      call.fields.end()
      return objectOf(call, objectType.template, id).body
    },
  },
  {
    code: command.deleteObject,
    needs: null,
    run(call) {
      const id = call.fields.u16()
      call.concerns(id)
      const type = readObjectType(call.fields)
      call.fields.end()
      requireCapability(call.actor, deleting[type])
      call.device.objects.remove(objectOf(call, type, id))
      return nothing
    },
  },
]
