import { type CommandApdu, none, parseCommand, type Reply, reply, status, sw } from './apdu.ts'
import { type Card, idleLink, noSession, type Outcome, versionBytes, type World, withSession } from './card.ts'
import { attest, generateKey, getMetadata, importKey, moveKey, rememberTouch, usePrivateKey } from './keys.ts'
import { authenticateManagement, setManagementKey } from './management-key.ts'
import { getData, putData } from './objects.ts'
import { changeReference, resetApplet, resetRetryCounter, setPinRetries, verify } from './reference-data.ts'
import { managementReference } from './slots.ts'
import { concat, tlv } from './tlv.ts'

/** What happens to a card. `touch-timeout`: the finger did not come. */
export type CardEvent =
  | { readonly kind: 'power' }
  | { readonly kind: 'command'; readonly bytes: Uint8Array }
  | { readonly kind: 'touch' }
  | { readonly kind: 'touch-timeout' }

/** `answer`: a response APDU, or null when there is none (yet). */
export type Stepped = { readonly card: Card; readonly answer: Uint8Array | null }

/** ATR of a YubiKey 5 over CCID. */
export const atr: Uint8Array = Buffer.from('3bfd1300008131fe158073c021c057597562694b657940', 'hex')

/** Bytes that come in by command chaining; the largest real command is an object of 3052 bytes with its headers. */
const longestChain = 4096

/** The card as a function: the state and an event in, the next state and the answer out. */
export function step(card: Card, event: CardEvent, world: World): Stepped {
  switch (event.kind) {
    case 'power':
      return { card: { ...card, session: noSession, link: idleLink, touchedUntil: 0, awaited: null }, answer: null }
    case 'command':
      return receive({ ...card, awaited: null }, event.bytes, world)
    case 'touch': {
      if (card.awaited === null) return { card, answer: null }
      const { command } = card.awaited
      const touched = { ...rememberTouch(card, world), awaited: null }
      return deliver(execute(touched, command, world, true), command)
    }
    case 'touch-timeout': {
      if (card.awaited === null) return { card, answer: null }
      const { command } = card.awaited
      return deliver({ card: { ...card, awaited: null }, reply: status(sw.securityStatus) }, command)
    }
  }
}

/** Puts chained commands together and hands out the rest of long answers. */
function receive(card: Card, bytes: Uint8Array, world: World): Stepped {
  const command = parseCommand(bytes)
  if (command === null) return { card: { ...card, link: idleLink }, answer: response(status(sw.wrongLength)) }
  if ((command.cla & ~0x10) !== 0)
    return { card: { ...card, link: idleLink }, answer: response(status(sw.unknownClass)) }
  const head = `${command.ins} ${command.p1} ${command.p2}`
  const before = card.link.chain?.head === head ? card.link.chain.data : none
  const data = concat(before, command.data)
  if (data.length > longestChain) return { card: { ...card, link: idleLink }, answer: response(status(sw.wrongLength)) }
  if (command.cla === 0x10) {
    return { card: { ...card, link: { chain: { head, data }, rest: null } }, answer: response(status(sw.ok)) }
  }
  if (command.ins === 0xc0) {
    if (card.link.rest === null) return { card, answer: response(status(sw.conditionsNotSatisfied)) }
    return deliver({ card: { ...card, link: idleLink }, reply: reply(card.link.rest) }, command)
  }
  const whole = { ...command, data }
  return deliver(execute({ ...card, link: idleLink }, whole, world, false), whole)
}

/** A short command gets 256 bytes at most, and 61xx says how many wait; an extended one gets everything. */
function deliver({ card, reply: given }: Outcome, command: CommandApdu): Stepped {
  if (given === null) return { card, answer: null }
  if (command.extended || given.data.length <= 256) return { card, answer: response(given) }
  const rest = given.data.slice(256)
  const word = 0x6100 | (rest.length > 0xff ? 0 : rest.length)
  return {
    card: { ...card, link: { chain: null, rest } },
    answer: response({ data: given.data.slice(0, 256), sw: word }),
  }
}

function response({ data, sw: word }: Reply): Uint8Array {
  return concat(data, Uint8Array.of(word >> 8, word & 0xff))
}

function execute(card: Card, command: CommandApdu, world: World, touched: boolean): Outcome {
  if (command.ins === 0xa4) return select(card, command)
  switch (card.session.applet) {
    case 'none':
      return { card, reply: status(sw.unknownInstruction) }
    case 'management':
      return command.ins === 0x1d
        ? { card, reply: deviceInfo(card, command) }
        : { card, reply: status(sw.unknownInstruction) }
    case 'piv':
      return executePiv(card, command, world, touched)
  }
}

const pivAid = 'a000000308'
const managementAid = 'a000000527471117'
/** Application property template (NIST SP 800-73-4 part 2 table 3): AID, and that of the authority that allots it. */
const pivProperties = Buffer.from('61114f0600001000010079074f05a000000308', 'hex')

function select(card: Card, command: CommandApdu): Outcome {
  const aid = Buffer.from(command.data).toString('hex')
  if (command.p1 !== 4) return { card, reply: status(sw.wrongP1P2) }
  if (aid.startsWith(pivAid)) {
    return { card: withSession(card, { ...noSession, applet: 'piv' }), reply: reply(pivProperties) }
  }
  if (aid === managementAid) {
    const text = `Virtual mgr - FW version ${card.chip.firmware}`
    return {
      card: withSession(card, { ...noSession, applet: 'management' }),
      reply: reply(new TextEncoder().encode(text)),
    }
  }
  return { card, reply: status(sw.notFound) }
}

function executePiv(card: Card, command: CommandApdu, world: World, touched: boolean): Outcome {
  switch (command.ins) {
    case 0x20:
      return verify(card, command)
    case 0x24:
      return changeReference(card, command)
    case 0x2c:
      return resetRetryCounter(card, command)
    case 0x47:
      return generateKey(card, command, world)
    case 0x87:
      return command.p2 === managementReference
        ? authenticateManagement(card, command, world, touched)
        : usePrivateKey(card, command, world, touched)
    case 0xcb:
      return getData(card, command)
    case 0xdb:
      return putData(card, command)
    case 0xf6:
      return moveKey(card, command)
    case 0xf7:
      return getMetadata(card, command)
    case 0xf8:
      return { card, reply: reply(serialBytes(card)) }
    case 0xf9:
      return attest(card, command, world)
    case 0xfa:
      return setPinRetries(card, command)
    case 0xfb:
      return resetApplet(card)
    case 0xfd:
      return { card, reply: reply(versionBytes(card.chip.firmware)) }
    case 0xfe:
      return importKey(card, command)
    case 0xff:
      return setManagementKey(card, command)
    default:
      return { card, reply: status(sw.unknownInstruction) }
  }
}

/** Capabilities of a YubiKey 5 (OTP, U2F, CCID, OpenPGP, PIV, OATH, HSMAUTH, FIDO2), of which PIV alone is switched on. */
const supported = Uint8Array.of(0x03, 0x3f)
const enabled = Uint8Array.of(0x00, 0x10)

/** Read configuration of the management application: length, then elements. */
function deviceInfo(card: Card, command: CommandApdu): Reply {
  if (command.p1 !== 0) return status(sw.wrongP1P2)
  const info = concat(
    tlv(0x01, supported),
    tlv(0x02, serialBytes(card)),
    tlv(0x03, enabled),
    tlv(0x04, Uint8Array.of(card.chip.formFactor)),
    tlv(0x05, versionBytes(card.chip.firmware)),
    tlv(0x0a, Uint8Array.of(0)),
  )
  return reply(concat(Uint8Array.of(info.length), info))
}

function serialBytes(card: Card): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, card.chip.serial)
  return bytes
}
