import { createCipheriv, createDecipheriv } from 'node:crypto'
import { type CommandApdu, reply, status, sw } from './apdu.ts'
import {
  type Card,
  type ManagementAlgorithm,
  type ManagementKey,
  type Outcome,
  type World,
  withChip,
  withSession,
} from './card.ts'
import { managementReference, touchPolicyByte } from './slots.ts'
import { readTlvs, tlv, valueAt, valueOf } from './tlv.ts'

// The management key 9B: GENERAL AUTHENTICATE as mutual or single-sided challenge (NIST SP 800-73-4 part 2 appendix A.1), SET
// MANAGEMENT KEY (Yubico).

const ciphers = {
  '3des': { id: 0x03, name: 'des-ede3-ecb', key: 24, block: 8 },
  'aes-128': { id: 0x08, name: 'aes-128-ecb', key: 16, block: 16 },
  'aes-192': { id: 0x0a, name: 'aes-192-ecb', key: 24, block: 16 },
  'aes-256': { id: 0x0c, name: 'aes-256-ecb', key: 32, block: 16 },
} as const satisfies Record<ManagementAlgorithm, object>

export function managementAlgorithmId(algorithm: ManagementAlgorithm): number {
  return ciphers[algorithm].id
}

function managementAlgorithm(id: number | undefined): ManagementAlgorithm | null {
  const names: readonly ManagementAlgorithm[] = ['3des', 'aes-128', 'aes-192', 'aes-256']
  return names.find((name) => ciphers[name].id === id) ?? null
}

export function encryptBlock({ algorithm, key }: ManagementKey, block: Uint8Array): Uint8Array {
  return createCipheriv(ciphers[algorithm].name, key, null).setAutoPadding(false).update(block)
}

export function decryptBlock({ algorithm, key }: ManagementKey, block: Uint8Array): Uint8Array {
  return createDecipheriv(ciphers[algorithm].name, key, null).setAutoPadding(false).update(block)
}

export function authenticateManagement(card: Card, command: CommandApdu, world: World, touched: boolean): Outcome {
  const { management } = card.chip
  const { block } = ciphers[management.algorithm]
  // P1 00 stands for 3DES (SP 800-78-4 table 6-2).
  if (managementAlgorithm(command.p1 === 0 ? 3 : command.p1) !== management.algorithm)
    return { card, reply: status(sw.incorrectParameters) }
  const elements = readTlvs(valueAt(command.data, 0x7c))
  if (elements === null) return { card, reply: status(sw.incorrectParameters) }
  const witness = valueOf(elements, 0x80)
  const challenge = valueOf(elements, 0x81)
  const response = valueOf(elements, 0x82)
  const { managementProof } = card.session
  const lost = withSession(card, { managementProof: null, managementVerified: false })

  if (witness?.length === 0 && response === null) {
    const value = world.random(block)
    const next = withSession(lost, { managementProof: { kind: 'witness', value } })
    return { card: next, reply: reply(tlv(0x7c, tlv(0x80, encryptBlock(management, value)))) }
  }
  if (challenge?.length === 0 && witness === null) {
    const value = world.random(block)
    const next = withSession(lost, { managementProof: { kind: 'challenge', value } })
    return { card: next, reply: reply(tlv(0x7c, tlv(0x81, value))) }
  }
  const proven =
    managementProof?.kind === 'witness'
      ? witness !== null && challenge?.length === block && same(witness, managementProof.value)
      : managementProof?.kind === 'challenge'
        ? response?.length === block && same(response, encryptBlock(management, managementProof.value))
        : false
  if (!proven) return { card: lost, reply: status(sw.securityStatus) }
  if (management.touch !== 'never' && !touched) {
    return { card: { ...card, awaited: { what: 'management', policy: management.touch, command } }, reply: null }
  }
  const next = withSession(lost, { managementVerified: true })
  const answer = managementProof?.kind === 'witness' && challenge !== null
  return {
    card: next,
    reply: answer ? reply(tlv(0x7c, tlv(0x82, encryptBlock(management, challenge)))) : status(sw.ok),
  }
}

/** Data: algorithm, 9B, length, key. P2: FF no touch, FE always, FD cached. */
export function setManagementKey(card: Card, command: CommandApdu): Outcome {
  if (!card.session.managementVerified) return { card, reply: status(sw.securityStatus) }
  const [id, slot, length] = command.data
  const algorithm = managementAlgorithm(id)
  const key = command.data.slice(3)
  const touch = { 0xff: 'never', 0xfe: 'always', 0xfd: 'cached' } as const
  const policy = Object.entries(touch).find(([byte]) => Number(byte) === command.p2)?.[1]
  if (command.p1 !== 0xff || policy === undefined) return { card, reply: status(sw.wrongP1P2) }
  if (algorithm === null || slot !== managementReference || length !== key.length)
    return { card, reply: status(sw.incorrectParameters) }
  if (key.length !== ciphers[algorithm].key) return { card, reply: status(sw.incorrectParameters) }
  return { card: withChip(card, { management: { algorithm, key, touch: policy } }), reply: status(sw.ok) }
}

export function managementPolicies(management: ManagementKey): Uint8Array {
  return Uint8Array.of(0, touchPolicyByte(management.touch))
}

function same(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.from(left).equals(right)
}
