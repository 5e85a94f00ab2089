import { type CommandApdu, reply, status, sw } from './apdu.ts'
import { type Card, largestObject, type Outcome, objectSpace, withChip } from './card.ts'
import { tlv, valueAt } from './tlv.ts'

// GET DATA and PUT DATA (NIST SP 800-73-4 part 2 §3.1.2, §3.3.2).

/** Fingerprints, facial image, printed information and iris are read with the PIN only. */
const behindPin = new Set(['5fc103', '5fc108', '5fc109', '5fc121'])

/** Discovery object: the PIV AID, and that the card has a PIN of its own and no other. */
const discovery = Buffer.from('7e124f0ba0000003080000100001005f2f024000', 'hex')

export function getData(card: Card, command: CommandApdu): Outcome {
  const id = objectId(command)
  if (id === null) return { card, reply: status(sw.incorrectParameters) }
  if (id === '7e') return { card, reply: reply(discovery) }
  if (behindPin.has(id) && !card.session.pinVerified) return { card, reply: status(sw.securityStatus) }
  const content = card.chip.objects.get(id)
  return { card, reply: content === undefined ? status(sw.notFound) : reply(tlv(0x53, content)) }
}

export function putData(card: Card, command: CommandApdu): Outcome {
  if (!card.session.managementVerified) return { card, reply: status(sw.securityStatus) }
  const id = objectId(command)
  const content = valueAt(command.data, 0x53)
  if (id === null || id === '7e' || content === null) return { card, reply: status(sw.incorrectParameters) }
  const objects = new Map(card.chip.objects)
  objects.delete(id)
  if (content.length > 0) objects.set(id, content)
  const used = [...objects.values()].reduce((sum, object) => sum + object.length, 0)
  if (content.length > largestObject || used > objectSpace) return { card, reply: status(sw.noSpace) }
  return { card: withChip(card, { objects }), reply: status(sw.ok) }
}

/** Three bytes from 5F0000 to 5FFFFF, or 7E. */
function objectId(command: CommandApdu): string | null {
  if (command.p1 !== 0x3f || command.p2 !== 0xff) return null
  const id = valueAt(command.data, 0x5c)
  if (id?.length === 1 && id[0] === 0x7e) return '7e'
  return id?.length === 3 && id[0] === 0x5f ? Buffer.from(id).toString('hex') : null
}
