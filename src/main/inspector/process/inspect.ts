import type { InputFacts, OpaqueFacts, PeFacts } from '../../../shared/input-facts.ts'
import type { InspectedAs } from '../protocol.ts'
import type { ByteSource } from './byte-source.ts'
import { readImage } from './image.ts'
import { inspectDocument, inspectRelease } from './inspect-control.ts'
import { peFacts } from './pe-facts.ts'
import { inspectText } from './text-facts.ts'

const magics: readonly (readonly [hex: string, name: string])[] = [
  ['7f454c46', 'an ELF file'],
  ['1f8b', 'gzip data'],
  ['fd377a585a00', 'xz data'],
  ['28b52ffd', 'zstd data'],
  ['213c617263683e', 'an ar archive or Debian package'],
  ['d00dfeed', 'a flattened device tree'],
]

/** What a file is. A file that cannot be explained is opaque, with the reason; nothing is guessed from its name, which is not even known here. */
export function inspect(source: ByteSource): PeFacts | OpaqueFacts {
  const image = readImage(source)
  if (image.ok) return peFacts(image.value)
  const firstBytesHex = Buffer.from(source.read(0, 32)).toString('hex')
  const magic = magics.find(([hex]) => firstBytesHex.startsWith(hex))?.[1]
  const reason =
    source.size === 0
      ? 'The file is empty.'
      : magic === undefined
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
    case 'release':
      return inspectRelease(source, before)
  }
}
