import { type Sha256Hex, sha256Hex } from '../../../shared/ids.ts'
import type { InputFacts } from '../../../shared/input-facts.ts'
import type { ListedDigests } from '../../../shared/upload-facts.ts'
import { controlLimits, releaseLimits } from '../../deb822/control-fault.ts'
import { readRelease } from '../../debian/release.ts'
import { changeSince } from '../../debian/release-change.ts'
import { type UploadDocumentKind, unreadDocument, uploadDocumentFacts } from '../../debian/upload-document.ts'
import type { ByteSource } from './byte-source.ts'

/** A `.changes`, `.dsc` or `.buildinfo`. One that is too large is hashed and not read. */
export function inspectDocument(source: ByteSource, document: UploadDocumentKind): InputFacts {
  const digests = digestsOf(source)
  if (digests === null) return unreadable
  return source.size > controlLimits.bytes
    ? unreadDocument(document, digests, source.size)
    : uploadDocumentFacts(source.read(0, source.size), document, digests)
}

/** `before`: the last one of the suite that was signed. One that cannot be read is no reason against the new one. */
export function inspectRelease(source: ByteSource, before: ByteSource | null): InputFacts {
  // What is longer than the limit is refused by its length: one byte more is enough to see it.
  const read = (from: ByteSource) => readRelease(from.read(0, Math.min(from.size, releaseLimits.bytes + 1)))
  const now = read(source)
  if (before === null || now.facts.faults.length > 0) return now.facts
  const last = read(before)
  return last.facts.faults.length > 0 ? now.facts : { ...now.facts, change: changeSince(last, now) }
}

const unreadable: InputFacts = {
  kind: 'opaque',
  reason: 'The file ended while it was being read.',
  firstBytesHex: '',
}

function digestsOf(source: ByteSource): ListedDigests | null {
  const whole = [{ start: 0, end: source.size }]
  const md5 = source.hash(whole, 0, 'md5')
  const sha1 = source.hash(whole, 0, 'sha1')
  const sha256: Sha256Hex | null = sha256OrNull(source.hash(whole, 0, 'sha256'))
  return md5 === null || sha1 === null || sha256 === null ? null : { md5, sha1, sha256 }
}

function sha256OrNull(digest: string | null): Sha256Hex | null {
  return digest === null ? null : sha256Hex.parse(digest)
}
