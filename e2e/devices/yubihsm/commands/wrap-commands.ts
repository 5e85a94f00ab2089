import { algorithm, digestOf, type HashName, mgf1Hash, oaepHash, rsaBits, symmetricKeyBytes } from '../algorithms.ts'
import { type CapabilityName, isWithin } from '../capabilities.ts'
import { command, type ObjectType, objectType, origin } from '../codes.ts'
import { atLeast } from '../firmware.ts'
import { fromPkcs8, toPkcs8 } from '../keys/pkcs8.ts'
import { type Fields, refuse, u16 } from '../message.ts'
import { isBody } from '../object-body.ts'
import { fitsType, type HsmObject, labelBytes } from '../objects.ts'
import {
  decodeObject,
  encodeObject,
  isAesWrapKey,
  openCcm,
  type RsaWrap,
  sealCcm,
  unwrapUnderRsa,
  wrapUnderRsa,
} from '../wrapping.ts'
import { type Call, type CommandKind, objectOf, requireAlgorithm, requireCapability } from './command.ts'
import { readObjectType } from './fields.ts'

/** An AES wrap key. That it is one comes before what it may do: an RSA key is invalid data, whatever it may do (the maker's tests). */
function aesWrapKey(call: Call, name: CapabilityName): HsmObject {
  const id = call.fields.u16()
  call.concerns(id)
  const key = objectOf(call, objectType.wrapKey, id)
  if (!isAesWrapKey(key)) refuse('invalidData')
  requireAlgorithm(call, key.algorithm)
  requireCapability(key, name)
  return key
}

/** Before firmware 2.5 a wrap key that may not wrap data is answered as invalid data (the maker's tests). */
function dataWrapKey(call: Call, name: CapabilityName): HsmObject {
  const id = call.fields.u16()
  call.concerns(id)
  const key = objectOf(call, objectType.wrapKey, id)
  const old = !atLeast(call.device.firmware, 2, 5)
  if (!isAesWrapKey(key)) refuse('invalidData')
  if (old && !isWithin(1n << BigInt(name === 'wrapData' ? 0x25 : 0x26), key.capabilities)) refuse('invalidData')
  requireAlgorithm(call, key.algorithm)
  requireCapability(key, name)
  return key
}

/** What may leave under a wrap key: it says so itself, and may do nothing that the wrap key may not pass on. */
function exported(call: Call, wrapKey: HsmObject, type: ObjectType, id: number): HsmObject {
  call.concerns(wrapKey.id, id)
  const object = objectOf(call, type, id)
  requireCapability(object, 'exportableUnderWrap')
  if (!isWithin(object.capabilities, wrapKey.delegated)) refuse('insufficientPermissions')
  return object
}

function imported(call: Call, wrapKey: HsmObject, object: HsmObject): Uint8Array {
  call.concerns(wrapKey.id, object.id)
  const mayBe = isWithin(object.capabilities, wrapKey.delegated) && (object.domains & ~call.actor.domains) === 0
  if (!mayBe) refuse('insufficientPermissions')
  requireAlgorithm(call, object.algorithm)
  const stored = call.device.objects.add(object)
  call.concerns(wrapKey.id, stored.id)
  return Buffer.concat([Uint8Array.of(stored.type), u16(stored.id)])
}

function rsaWrapKey(call: Call, type: ObjectType, name: CapabilityName): HsmObject {
  const id = call.fields.u16()
  call.concerns(id)
  const key = objectOf(call, type, id)
  if (!rsaBits.has(key.algorithm)) refuse('invalidData')
  requireAlgorithm(call, key.algorithm)
  requireCapability(key, name)
  return key
}

/** Hash and MGF1 as codes; the digest of the label ends the command. */
function readHashes(call: Call): { readonly hash: HashName; readonly mgf1: HashName } {
  const [hashCode, mgfCode] = [call.fields.u8(), call.fields.u8()]
  requireAlgorithm(call, hashCode)
  requireAlgorithm(call, mgfCode)
  requireAlgorithm(call, algorithm.aesKwp)
  return {
    hash: oaepHash.get(hashCode) ?? refuse('invalidData'),
    mgf1: mgf1Hash.get(mgfCode) ?? refuse('invalidData'),
  }
}

function digestBytes(hash: HashName): number {
  return [...digestOf].find(([, known]) => known.hash === hash)?.[0] ?? refuse('invalidData')
}

function readRsaWrap(fields: Fields, { hash, mgf1 }: { readonly hash: HashName; readonly mgf1: HashName }) {
  const labelDigest = fields.bytes(digestBytes(hash))
  fields.end()
  return { mgf1, labelDigest } satisfies RsaWrap
}

/** The wrapped bytes come before the digest of the label. */
function readWrapped(fields: Fields, { hash, mgf1 }: { readonly hash: HashName; readonly mgf1: HashName }) {
  const wrapped = fields.bytes(Math.max(0, fields.left - digestBytes(hash)))
  return { wrapped, how: { mgf1, labelDigest: fields.rest() } satisfies RsaWrap }
}

function exportUnderRsa(call: Call, content: (object: HsmObject) => Uint8Array): Uint8Array {
  const wrapKey = rsaWrapKey(call, objectType.publicWrapKey, 'exportWrapped')
  const type = readObjectType(call.fields)
  const object = exported(call, wrapKey, type, call.fields.u16())
  const aesAlgorithm = call.fields.u8()
  if (!symmetricKeyBytes.has(aesAlgorithm)) refuse('invalidData')
  requireAlgorithm(call, aesAlgorithm)
  const how = readRsaWrap(call.fields, readHashes(call))
  return wrapUnderRsa(wrapKey, aesAlgorithm, content(object), how)
}

/** The key alone: an asymmetric one as PrivateKeyInfo, a symmetric one as it is. */
function rawKey(object: HsmObject): Uint8Array {
  if (object.type === objectType.asymmetricKey) return toPkcs8(object.algorithm, object)
  return object.type === objectType.symmetricKey ? object.body : refuse('invalidData')
}

export const wrapCommands: readonly CommandKind[] = [
  {
    code: command.wrapData,
    needs: 'wrapData',
    run(call) {
      const key = dataWrapKey(call, 'wrapData')
      const data = call.fields.rest()
      if (data.length === 0) refuse('wrongLength')
      // The wrap key's algorithm is in front of data as it is in front of objects: together they are YH_CCM_WRAP_OVERHEAD.
      return sealCcm(key.body, Buffer.concat([Uint8Array.of(key.algorithm), data]))
    },
  },
  {
    code: command.unwrapData,
    needs: 'unwrapData',
    run(call) {
      const key = dataWrapKey(call, 'unwrapData')
      const plaintext = openCcm(key.body, call.fields.rest())
      return plaintext[0] === key.algorithm ? plaintext.subarray(1) : refuse('invalidData')
    },
  },
  {
    code: command.exportWrapped,
    needs: 'exportWrapped',
    run(call) {
      const wrapKey = aesWrapKey(call, 'exportWrapped')
      const type = readObjectType(call.fields)
      const object = exported(call, wrapKey, type, call.fields.u16())
      const withSeed = call.fields.left > 0 && call.fields.u8() === 1
      call.fields.end()
      return sealCcm(wrapKey.body, encodeObject(wrapKey.algorithm, object, withSeed))
    },
  },
  {
    code: command.importWrapped,
    needs: 'importWrapped',
    run(call) {
      const wrapKey = aesWrapKey(call, 'importWrapped')
      return imported(call, wrapKey, decodeObject(wrapKey.algorithm, openCcm(wrapKey.body, call.fields.rest())))
    },
  },
  {
    code: command.exportWrappedRsa,
    needs: 'exportWrapped',
    since: [2, 4],
    run: (call) => exportUnderRsa(call, (object) => encodeObject(0, object, object.seed !== null)),
  },
  {
    code: command.wrapKeyRsa,
    needs: 'exportWrapped',
    since: [2, 4],
    run: (call) => exportUnderRsa(call, rawKey),
  },
  {
    code: command.importWrappedRsa,
    needs: 'importWrapped',
    since: [2, 4],
    run(call) {
      const wrapKey = rsaWrapKey(call, objectType.wrapKey, 'importWrapped')
      const { wrapped, how } = readWrapped(call.fields, readHashes(call))
      return imported(call, wrapKey, decodeObject(0, unwrapUnderRsa(wrapKey, wrapped, how)))
    },
  },
  {
    code: command.unwrapKeyRsa,
    needs: 'importWrapped',
    since: [2, 4],
    run(call) {
      const wrapKey = rsaWrapKey(call, objectType.wrapKey, 'importWrapped')
      const type = readObjectType(call.fields)
      const id = call.fields.u16()
      const label = Uint8Array.from(call.fields.bytes(labelBytes))
      const domains = call.fields.u16()
      const capabilities = call.fields.u64()
      const code = call.fields.u8()
      if (!fitsType(type, code) || domains === 0) refuse('invalidData')
      const { wrapped, how } = readWrapped(call.fields, readHashes(call))
      const raw = unwrapUnderRsa(wrapKey, wrapped, how)
      const secret = type === objectType.asymmetricKey ? fromPkcs8(code, raw) : { body: raw, seed: null }
      if (type !== objectType.asymmetricKey && type !== objectType.symmetricKey) refuse('invalidData')
      if (!isBody(type, code, secret.body)) refuse('invalidData')
      const came = origin.imported | origin.wrapped
      const meta = { type, id, label, domains, capabilities, algorithm: code, delegated: 0n, sequence: 0, origin: came }
      return imported(call, wrapKey, { ...meta, ...secret })
    },
  },
]
