import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { CapabilityName } from '../capabilities.ts'
import { command, objectType } from '../codes.ts'
import { refuse } from '../message.ts'
import { nonceIdBytes } from '../object-body.ts'
import type { HsmObject } from '../objects.ts'
import { type Call, type CommandKind, objectOf, requireAlgorithm, requireCapability } from './command.ts'

/** AEADs of Yubico OTP credentials as the maker's own tests open them: nonce of 6 bytes, key and private id, tag of 8. */
const nonceBytes = 6
const credentialBytes = 22
const tagBytes = 8
const aeadBytes = nonceBytes + credentialBytes + tagBytes

function aeadKey(call: Call, id: number, name: CapabilityName): HsmObject {
  const key = objectOf(call, objectType.otpAeadKey, id)
  requireAlgorithm(call, key.algorithm)
  requireCapability(key, name)
  return key
}

function cipherParts(key: HsmObject, nonce: Uint8Array) {
  const secret = key.body.subarray(nonceIdBytes)
  const name = `aes-${secret.length * 8}-ccm` as 'aes-128-ccm'
  return { name, secret, nonce: Buffer.concat([key.body.subarray(0, nonceIdBytes), nonce, Buffer.alloc(3)]) }
}

function seal(key: HsmObject, credential: Uint8Array): Uint8Array {
  const fresh = randomBytes(nonceBytes)
  const { name, secret, nonce } = cipherParts(key, fresh)
  const cipher = createCipheriv(name, secret, nonce, { authTagLength: tagBytes })
  return Buffer.concat([fresh, cipher.update(credential), cipher.final(), cipher.getAuthTag()])
}

function open(key: HsmObject, aead: Uint8Array): Uint8Array {
  const { name, secret, nonce } = cipherParts(key, aead.subarray(0, nonceBytes))
  const cipher = createDecipheriv(name, secret, nonce, { authTagLength: tagBytes })
  cipher.setAuthTag(aead.subarray(-tagBytes))
  try {
    return Buffer.concat([cipher.update(aead.subarray(nonceBytes, -tagBytes)), cipher.final()])
  } catch {
    return refuse('invalidData')
  }
}

export const otpCommands: readonly CommandKind[] = [
  {
    code: command.createOtpAead,
    needs: 'createOtpAead',
    run(call) {
      const id = call.fields.u16()
      call.concerns(id)
      const key = aeadKey(call, id, 'createOtpAead')
      const credential = call.fields.bytes(credentialBytes)
      call.fields.end()
      return seal(key, credential)
    },
  },
  {
    code: command.randomizeOtpAead,
    needs: 'randomizeOtpAead',
    run(call) {
      const id = call.fields.u16()
      call.concerns(id)
      call.fields.end()
      return seal(aeadKey(call, id, 'randomizeOtpAead'), randomBytes(credentialBytes))
    },
  },
  {
    code: command.rewrapOtpAead,
    needs: 'rewrapFromOtpAeadKey',
    run(call) {
      const [from, to] = [call.fields.u16(), call.fields.u16()]
      call.concerns(from, to)
      requireCapability(call.actor, 'rewrapToOtpAeadKey')
      const aead = call.fields.bytes(aeadBytes)
      call.fields.end()
      const credential = open(aeadKey(call, from, 'rewrapFromOtpAeadKey'), aead)
      return seal(aeadKey(call, to, 'rewrapToOtpAeadKey'), credential)
    },
  },
  {
    code: command.decryptOtp,
    needs: 'decryptOtp',
    run(call) {
      const id = call.fields.u16()
      call.concerns(id)
      const key = aeadKey(call, id, 'decryptOtp')
      const credential = open(key, call.fields.bytes(aeadBytes))
      const otp = call.fields.bytes(16)
      call.fields.end()
      const cipher = createDecipheriv('aes-128-ecb', credential.subarray(0, 16), null).setAutoPadding(false)
      const token = Buffer.concat([cipher.update(otp), cipher.final()])
      // Yubico OTP: private id, use counter, timestamp, session counter, random, CRC-16; the residual of a whole token is f0b8.
      if (!token.subarray(0, 6).equals(credential.subarray(16)) || crc16(token) !== 0xf0b8) refuse('invalidOtp')
      const [use, timestampLow, timestampHigh, session] = [
        token.subarray(6, 8),
        token.subarray(8, 10),
        token[10],
        token[11],
      ]
      return Buffer.concat([use, Uint8Array.of(session ?? 0, timestampHigh ?? 0), timestampLow])
    },
  },
]

/** CRC-16 of ISO 13239 with all ones to begin with. */
function crc16(bytes: Uint8Array): number {
  let crc = 0xffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >> 1) ^ 0x8408 : crc >> 1
  }
  return crc
}
