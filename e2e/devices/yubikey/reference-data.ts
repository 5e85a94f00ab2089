import { type CommandApdu, status, sw, triesLeft } from './apdu.ts'
import {
  type Card,
  type Chip,
  defaultPin,
  defaultPuk,
  factoryManagementKey,
  noSession,
  type Outcome,
  type Reference,
  reference,
  withChip,
  withSession,
} from './card.ts'
import { pinReference, pukReference, slotOf } from './slots.ts'

// PIN and PUK: VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER (NIST SP 800-73-4 part 2 §3.2), SET PIN RETRIES and RESET (Yubico).

type Try = { readonly matches: boolean; readonly reference: Reference; readonly word: number }

/** One try, if there is one left. A wrong one takes one off, a right one fills the counter. */
function attempt({ lastTry }: Chip, stored: Reference, given: Uint8Array): Try {
  if (stored.left === 0) return { matches: false, reference: stored, word: sw.blocked }
  if (!Buffer.from(stored.value).equals(given)) {
    const left = stored.left - 1
    const word = left === 0 && lastTry === 'blocked' ? sw.blocked : triesLeft(left)
    return { matches: false, reference: { ...stored, left }, word }
  }
  return { matches: true, reference: { ...stored, left: stored.total }, word: sw.ok }
}

export function verify(card: Card, command: CommandApdu): Outcome {
  const { pin } = card.chip
  if (command.p2 !== pinReference) return { card, reply: status(sw.referenceNotFound) }
  if (command.p1 === 0xff && command.data.length === 0) {
    return { card: withSession(card, { pinVerified: false, pinFresh: false }), reply: status(sw.ok) }
  }
  if (command.p1 !== 0) return { card, reply: status(sw.wrongP1P2) }
  if (command.data.length === 0) {
    const word = card.session.pinVerified ? sw.ok : pin.left === 0 ? sw.blocked : triesLeft(pin.left)
    return { card, reply: status(word) }
  }
  if (command.data.length !== 8) return { card, reply: status(sw.incorrectParameters) }
  const tried = attempt(card.chip, pin, command.data)
  const session = { pinVerified: tried.matches, pinFresh: tried.matches }
  return { card: withSession(withChip(card, { pin: tried.reference }), session), reply: status(tried.word) }
}

export function changeReference(card: Card, command: CommandApdu): Outcome {
  const which = command.p2 === pinReference ? 'pin' : command.p2 === pukReference ? 'puk' : null
  if (which === null || command.p1 !== 0) return { card, reply: status(sw.wrongP1P2) }
  const given = split(command.data)
  if (given === null) return { card, reply: status(sw.incorrectParameters) }
  const tried = attempt(card.chip, card.chip[which], given.first)
  // Hosts block the counter with two empty values before a RESET: the old one is judged first.
  if (tried.matches && !isReference(given.second)) return { card, reply: status(sw.incorrectParameters) }
  const kept = tried.matches ? { ...tried.reference, value: given.second } : tried.reference
  return {
    card: forgetPin(withChip(card, { [which]: kept }), which === 'pin' && !tried.matches),
    reply: status(tried.word),
  }
}

export function resetRetryCounter(card: Card, command: CommandApdu): Outcome {
  if (command.p2 !== pinReference || command.p1 !== 0) return { card, reply: status(sw.wrongP1P2) }
  const given = split(command.data)
  if (given === null) return { card, reply: status(sw.incorrectParameters) }
  const tried = attempt(card.chip, card.chip.puk, given.first)
  if (!tried.matches) return { card: withChip(card, { puk: tried.reference }), reply: status(tried.word) }
  if (!isReference(given.second)) return { card, reply: status(sw.incorrectParameters) }
  const { total } = card.chip.pin
  const pin = { value: given.second, left: total, total }
  return { card: forgetPin(withChip(card, { puk: tried.reference, pin }), true), reply: status(sw.ok) }
}

/** Both numbers of tries at once; PIN and PUK are the factory's again. */
export function setPinRetries(card: Card, command: CommandApdu): Outcome {
  if (!card.session.managementVerified || !card.session.pinVerified) return { card, reply: status(sw.securityStatus) }
  if (command.p1 === 0 || command.p2 === 0 || command.data.length > 0)
    return { card, reply: status(sw.incorrectParameters) }
  const changed = withChip(card, { pin: reference(defaultPin, command.p1), puk: reference(defaultPuk, command.p2) })
  return { card: forgetPin(changed, true), reply: status(sw.ok) }
}

/** Everything but the attestation key and its certificate goes; only a key whose PIN and PUK are both blocked does it. */
export function resetApplet(card: Card): Outcome {
  const { chip } = card
  if (chip.pin.left > 0 || chip.puk.left > 0) return { card, reply: status(sw.conditionsNotSatisfied) }
  const attestationKey = chip.keys.get(slotOf.attestation)
  const certificate = chip.objects.get('5fff01')
  const fresh = withChip(card, {
    pin: reference(defaultPin, 3),
    puk: reference(defaultPuk, 3),
    management: factoryManagementKey(chip.firmware),
    keys: new Map(attestationKey === undefined ? [] : [[slotOf.attestation, attestationKey]]),
    objects: new Map(certificate === undefined ? [] : [['5fff01', certificate]]),
  })
  return { card: { ...fresh, session: { ...noSession, applet: 'piv' } }, reply: status(sw.ok) }
}

function forgetPin(card: Card, forget: boolean): Card {
  return forget ? withSession(card, { pinVerified: false, pinFresh: false }) : card
}

/** Old and new, eight bytes each. */
function split(data: Uint8Array): { readonly first: Uint8Array; readonly second: Uint8Array } | null {
  return data.length === 16 ? { first: data.slice(0, 8), second: data.slice(8) } : null
}

/** At least six characters, filled up with FF at the end alone. */
function isReference(value: Uint8Array): boolean {
  const end = value.indexOf(0xff)
  return end < 0 || (end >= 6 && value.subarray(end).every((octet) => octet === 0xff))
}
