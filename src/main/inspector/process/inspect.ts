import type { InputFacts, OpaqueFacts, PeFacts } from '../../../shared/input-facts.ts'
import type { InspectedAs } from '../protocol.ts'
import type { ByteSource } from './byte-source.ts'
import { readImage } from './image.ts'
import { inspectDocument, inspectPayload, inspectRelease } from './inspect-control.ts'
import { beginsLike } from './magic.ts'
import { peFacts } from './pe-facts.ts'
import { inspectText } from './text-facts.ts'

/** What a file is. A file that cannot be explained is opaque, with the reason; nothing is guessed from its name, which is not even known here. */
export function inspect(source: ByteSource): PeFacts | OpaqueFacts {
  const image = readImage(source)
  if (image.ok) return peFacts(image.value)
  const firstBytesHex = Buffer.from(source.read(0, 32)).toString('hex')
  const magic = beginsLike(source.read(0, 32))
  const reason =
    source.size === 0
      ? 'The file is empty.'
      : magic === null
        ? image.error.message
        : `This is not a PE image; it begins like ${magic}.`
  return { kind: 'opaque', reason, firstBytesHex }
}

/** Reads a file as what the task says that it is. */
export function inspectAs(source: ByteSource, as: InspectedAs, before: ByteSource | null): InputFacts {
  switch (as) {
    case 'image':
      return inspect(source)
    // A text that is to be clear-signed is a text whatever it begins like.
    case 'text':
      return inspectText(source)
    case 'changes':
    case 'dsc':
    case 'buildinfo':
      return inspectDocument(source, as)
    case 'payload':
      return inspectPayload(source)
    case 'release':
      return inspectRelease(source, before)
  }
}
