import { type CommandApdu, reply, status, sw } from './apdu.ts'
import { slotCertificate } from './attestation.ts'
import {
  type Card,
  defaultManagementKey,
  defaultPin,
  defaultPuk,
  factoryManagementKey,
  hasAlgorithm,
  type Outcome,
  reference,
  type StoredKey,
  since57,
  touchCacheMs,
  versionBytes,
  type World,
  withChip,
  withSession,
} from './card.ts'
import { agreeWith, algorithmIds, algorithmOf, importCardKey, publicKeyTemplate, signWith } from './card-key.ts'
import { managementAlgorithmId, managementPolicies } from './management-key.ts'
import {
  isSlot,
  managementReference,
  pinPolicyByte,
  pinPolicyOf,
  pinReference,
  pukReference,
  slotOf,
  touchPolicyByte,
  touchPolicyOf,
} from './slots.ts'
import { concat, readTlvs, type Tlv, tlv, valueAt, valueOf } from './tlv.ts'

// Keys: GENERATE ASYMMETRIC KEY PAIR and GENERAL AUTHENTICATE (NIST SP 800-73-4 part 2 §3.2.4, §3.3.2), and Yubico's IMPORT, MOVE,
// GET METADATA and ATTEST.

/** Uses a private key: signs (81) or agrees on a secret (85). PIN and touch as the key's policies say. */
export function usePrivateKey(card: Card, command: CommandApdu, world: World, touched: boolean): Outcome {
  if (!isSlot(command.p2)) return { card, reply: status(sw.wrongP1P2) }
  const key = card.chip.keys.get(command.p2)
  if (key === undefined) return { card, reply: status(sw.referenceNotFound) }
  if (algorithmOf(command.p1) !== key.algorithm) return { card, reply: status(sw.incorrectParameters) }
  const elements = readTlvs(valueAt(command.data, 0x7c))
  const challenge = valueOf(elements, 0x81)
  const peer = valueOf(elements, 0x85)
  if (valueOf(elements, 0x82)?.length !== 0 || (challenge === null) === (peer === null))
    return { card, reply: status(sw.incorrectParameters) }
  if (!pinAllows(card, key)) return { card, reply: status(sw.securityStatus) }
  if (!touched && waitsForTouch(card, key, world)) {
    return { card: { ...card, awaited: { what: 'key', policy: key.touchPolicy, command } }, reply: null }
  }
  const used = withSession(card, { pinFresh: false })
  const result = challenge === null ? agreeWith(key, peer ?? new Uint8Array(0)) : signWith(key, challenge)
  return {
    card: used,
    reply: result === null ? status(sw.incorrectParameters) : reply(tlv(0x7c, tlv(0x82, result))),
  }
}

function pinAllows(card: Card, key: StoredKey): boolean {
  switch (key.pinPolicy) {
    case 'never':
      return true
    case 'once':
      return card.session.pinVerified
    case 'always':
      return card.session.pinVerified && card.session.pinFresh
  }
}

function waitsForTouch(card: Card, key: StoredKey, world: World): boolean {
  return key.touchPolicy === 'always' || (key.touchPolicy === 'cached' && world.now >= card.touchedUntil)
}

/** A touch that was waited for by a key with the policy `cached` serves the next 15 s. */
export function rememberTouch(card: Card, world: World): Card {
  return card.awaited?.policy === 'cached' ? { ...card, touchedUntil: world.now + touchCacheMs } : card
}

export function generateKey(card: Card, command: CommandApdu, world: World): Outcome {
  const slot = command.p2
  if (!isSlot(slot) || command.p1 !== 0) return { card, reply: status(sw.wrongP1P2) }
  if (!card.session.managementVerified) return { card, reply: status(sw.securityStatus) }
  const template = readTlvs(valueAt(command.data, 0xac))
  const algorithm = algorithmOf(valueOf(template, 0x80)?.[0])
  const policies = policiesIn(template, slot)
  if (algorithm === null || policies === null || !hasAlgorithm(card.chip.firmware, algorithm))
    return { card, reply: status(sw.incorrectParameters) }
  const key: StoredKey = { ...world.generate(algorithm), ...policies, origin: 'generated' }
  return { card: withKey(card, slot, key), reply: reply(tlv(0x7f49, publicKeyTemplate(key))) }
}

export function importKey(card: Card, command: CommandApdu): Outcome {
  const slot = command.p2
  if (!isSlot(slot)) return { card, reply: status(sw.wrongP1P2) }
  if (!card.session.managementVerified) return { card, reply: status(sw.securityStatus) }
  const elements = readTlvs(command.data)
  const algorithm = algorithmOf(command.p1)
  const policies = policiesIn(elements, slot)
  if (elements === null || algorithm === null || policies === null || !hasAlgorithm(card.chip.firmware, algorithm))
    return { card, reply: status(sw.incorrectParameters) }
  const key = importCardKey(algorithm, elements)
  if (key === null) return { card, reply: status(sw.incorrectParameters) }
  return { card: withKey(card, slot, { ...key, ...policies, origin: 'imported' }), reply: status(sw.ok) }
}

/** MOVE KEY, firmware 5.7: P1 new slot or FF for nowhere, P2 old slot. */
export function moveKey(card: Card, command: CommandApdu): Outcome {
  const { p1: to, p2: from } = command
  if (!since57(card.chip.firmware)) return { card, reply: status(sw.unknownInstruction) }
  if (!isSlot(from) || (to !== 0xff && !isSlot(to)) || to === slotOf.attestation)
    return { card, reply: status(sw.wrongP1P2) }
  if (!card.session.managementVerified) return { card, reply: status(sw.securityStatus) }
  const key = card.chip.keys.get(from)
  if (key === undefined) return { card, reply: status(sw.referenceNotFound) }
  if (to !== 0xff && card.chip.keys.has(to)) return { card, reply: status(sw.incorrectParameters) }
  const keys = new Map(card.chip.keys)
  keys.delete(from)
  if (to !== 0xff) keys.set(to, key)
  return { card: withChip(card, { keys }), reply: status(sw.ok) }
}

export function attest(card: Card, command: CommandApdu, world: World): Outcome {
  const { chip } = card
  const slot = command.p1
  if (!isSlot(slot) || command.p2 !== 0) return { card, reply: status(sw.wrongP1P2) }
  const key = chip.keys.get(slot)
  const signer = chip.keys.get(slotOf.attestation)
  if (key === undefined || signer === undefined) return { card, reply: status(sw.referenceNotFound) }
  if (key.origin !== 'generated') return { card, reply: status(sw.incorrectParameters) }
  const { serial, formFactor, attestation: kind } = chip
  const { pinPolicy, touchPolicy } = key
  const firmware = versionBytes(chip.firmware)
  const serialNumber = world.random(16)
  const facts = { slot, key, firmware, serial, formFactor, pinPolicy, touchPolicy, signer, kind, serialNumber }
  const certificate = slotCertificate(facts)
  return { card, reply: certificate === null ? status(sw.incorrectParameters) : reply(certificate) }
}

export function getMetadata(card: Card, command: CommandApdu): Outcome {
  const { chip } = card
  if (command.p1 !== 0) return { card, reply: status(sw.wrongP1P2) }
  switch (command.p2) {
    case pinReference:
    case pukReference: {
      const factory = reference(command.p2 === pinReference ? defaultPin : defaultPuk, 3)
      const stored = command.p2 === pinReference ? chip.pin : chip.puk
      const isDefault = Buffer.from(stored.value).equals(factory.value)
      const data = concat(
        tlv(0x01, Uint8Array.of(0xff)),
        tlv(0x05, flag(isDefault)),
        tlv(0x06, Uint8Array.of(stored.total, stored.left)),
      )
      return { card, reply: reply(data) }
    }
    case managementReference: {
      const { management } = chip
      const isDefault =
        management.algorithm === factoryManagementKey(chip.firmware).algorithm &&
        defaultManagementKey.equals(management.key)
      const algorithm = Uint8Array.of(managementAlgorithmId(management.algorithm))
      const data = concat(tlv(0x01, algorithm), tlv(0x02, managementPolicies(management)), tlv(0x05, flag(isDefault)))
      return { card, reply: reply(data) }
    }
    default: {
      const key = chip.keys.get(command.p2)
      if (key === undefined) return { card, reply: status(sw.referenceNotFound) }
      const policies = Uint8Array.of(pinPolicyByte(key.pinPolicy), touchPolicyByte(key.touchPolicy))
      const data = concat(
        tlv(0x01, Uint8Array.of(algorithmIds[key.algorithm])),
        tlv(0x02, policies),
        tlv(0x03, Uint8Array.of(key.origin === 'generated' ? 1 : 2)),
        tlv(0x04, publicKeyTemplate(key)),
      )
      return { card, reply: reply(data) }
    }
  }
}

function policiesIn(elements: readonly Tlv[] | null, slot: number) {
  const pinPolicy = pinPolicyOf(valueOf(elements, 0xaa)?.[0], slot)
  const touchPolicy = touchPolicyOf(valueOf(elements, 0xab)?.[0])
  return elements === null || pinPolicy === null || touchPolicy === null ? null : { pinPolicy, touchPolicy }
}

function withKey(card: Card, slot: number, key: StoredKey): Card {
  return withChip(card, { keys: new Map([...card.chip.keys, [slot, key]]) })
}

function flag(value: boolean): Uint8Array {
  return Uint8Array.of(value ? 1 : 0)
}
