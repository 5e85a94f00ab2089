import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto'
import { algorithm, hmacHash } from '../algorithms.ts'
import type { CapabilityName } from '../capabilities.ts'
import { command, objectType } from '../codes.ts'
import { refuse } from '../message.ts'
import { hmacKeyOf } from '../object-body.ts'
import type { HsmObject } from '../objects.ts'
import { type Call, type CommandKind, objectOf, requireAlgorithm, requireCapability } from './command.ts'

const blockBytes = 16

function hmacKey(call: Call, name: CapabilityName): { readonly bytes: number; mac(data: Uint8Array): Uint8Array } {
  const id = call.fields.u16()
  call.concerns(id)
  const key = objectOf(call, objectType.hmacKey, id)
  requireAlgorithm(call, key.algorithm)
  requireCapability(key, name)
  const { hash, bytes } = hmacHash.get(key.algorithm) ?? refuse('invalidData')
  return { bytes, mac: (data) => createHmac(hash, hmacKeyOf(key.body)).update(data).digest() }
}

function aesKey(call: Call, name: CapabilityName, mode: number): HsmObject {
  const id = call.fields.u16()
  call.concerns(id)
  const key = objectOf(call, objectType.symmetricKey, id)
  requireAlgorithm(call, key.algorithm)
  requireAlgorithm(call, mode)
  requireCapability(key, name)
  return key
}

function aes(code: number, needs: CapabilityName, mode: 'ecb' | 'cbc', direction: 'encrypt' | 'decrypt'): CommandKind {
  return {
    code,
    needs,
    since: [2, 3],
    run(call) {
      const key = aesKey(call, needs, mode === 'ecb' ? algorithm.aesEcb : algorithm.aesCbc)
      const iv = mode === 'cbc' ? call.fields.bytes(blockBytes) : null
      const data = call.fields.rest()
      if (data.length === 0 || data.length % blockBytes !== 0) refuse('wrongLength')
      const make = direction === 'encrypt' ? createCipheriv : createDecipheriv
      const cipher = make(`aes-${key.body.length * 8}-${mode}`, key.body, iv).setAutoPadding(false)
      return Buffer.concat([cipher.update(data), cipher.final()])
    },
  }
}

export const secretKeyCommands: readonly CommandKind[] = [
  {
    code: command.signHmac,
    needs: 'signHmac',
    run: (call) => hmacKey(call, 'signHmac').mac(call.fields.rest()),
  },
  {
    code: command.verifyHmac,
    needs: 'verifyHmac',
    run(call) {
      const key = hmacKey(call, 'verifyHmac')
      const claimed = call.fields.bytes(key.bytes)
      return Uint8Array.of(timingSafeEqual(claimed, key.mac(call.fields.rest())) ? 1 : 0)
    },
  },
  aes(command.encryptEcb, 'encryptEcb', 'ecb', 'encrypt'),
  aes(command.decryptEcb, 'decryptEcb', 'ecb', 'decrypt'),
  aes(command.encryptCbc, 'encryptCbc', 'cbc', 'encrypt'),
  aes(command.decryptCbc, 'decryptCbc', 'cbc', 'decrypt'),
]
