import { createECDH, hash } from 'node:crypto'
import { cmac } from '@noble/ciphers/aes.js'
import { u16, u32 } from '../message.ts'

/** The keys of one session (GlobalPlatform SCP03 §6.2.1, as the maker's libraries use it). */
export interface SessionKeys {
  readonly encryption: Uint8Array
  readonly mac: Uint8Array
  readonly answerMac: Uint8Array
}

const derivation = { cardCryptogram: 0x00, hostCryptogram: 0x01, encryption: 0x04, mac: 0x06, answerMac: 0x07 } as const

/** The KDF in counter mode with CMAC (SCP03 §4.1.5). */
function derive(key: Uint8Array, constant: number, context: Uint8Array, bits: 64 | 128): Uint8Array {
  const input = Buffer.concat([Buffer.alloc(11), Uint8Array.of(constant, 0), u16(bits), Uint8Array.of(1), context])
  return cmac(input, key).subarray(0, bits / 8)
}

/** `context`: the challenges of host and device. */
export function symmetricSessionKeys(longTerm: Uint8Array, context: Uint8Array): SessionKeys {
  const [encryption, mac] = [longTerm.subarray(0, 16), longTerm.subarray(16, 32)]
  return {
    encryption: derive(encryption, derivation.encryption, context, 128),
    mac: derive(mac, derivation.mac, context, 128),
    answerMac: derive(mac, derivation.answerMac, context, 128),
  }
}

export function cardCryptogram(keys: SessionKeys, context: Uint8Array): Uint8Array {
  return derive(keys.mac, derivation.cardCryptogram, context, 64)
}

export function hostCryptogram(keys: SessionKeys, context: Uint8Array): Uint8Array {
  return derive(keys.mac, derivation.hostCryptogram, context, 64)
}

/** Key usage, type and length (SCP11 §3.1.2): what the maker's libraries put into the KDF. */
const sharedInfo = Uint8Array.of(0x3c, 0x88, 0x10)
const curve = 'prime256v1'

export interface AsymmetricSession {
  readonly keys: SessionKeys
  /** Of the device, uncompressed. */
  readonly ephemeralPublic: Uint8Array
  /** Proves that the device has its private key; the first MAC is chained to it. */
  readonly receipt: Uint8Array
}

/**
 * Two key agreements, between the ephemeral and between the long-term keys, and the KDF of ANSI X9.63 over both
 * (`yh_create_session_asym` in lib/yubihsm.c of yubihsm-shell 2.8.0). Throws for a point that is not on the curve.
 */
export function asymmetricSession(
  deviceSecret: Uint8Array,
  hostPublic: Uint8Array,
  hostEphemeral: Uint8Array,
): AsymmetricSession {
  const ephemeral = createECDH(curve)
  const ephemeralPublic = ephemeral.generateKeys()
  const longTerm = createECDH(curve)
  longTerm.setPrivateKey(deviceSecret)
  const shared = Buffer.concat([ephemeral.computeSecret(hostEphemeral), longTerm.computeSecret(hostPublic)])
  const block = (counter: number) => hash('sha256', Buffer.concat([shared, u32(counter), sharedInfo]), 'buffer')
  const material = Buffer.concat([block(1), block(2)])
  return {
    keys: {
      encryption: material.subarray(16, 32),
      mac: material.subarray(32, 48),
      answerMac: material.subarray(48, 64),
    },
    ephemeralPublic,
    receipt: cmac(Buffer.concat([ephemeralPublic, hostEphemeral]), material.subarray(0, 16)),
  }
}
