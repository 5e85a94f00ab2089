import { err, ok, type Result } from '../../../shared/result.ts'
import { decodeBase64, decodeHash, encodeBase64 } from './base64.ts'
import { parseSize } from './checkpoint.ts'
import { maxEntryBytes } from './encode.ts'
import { maxProofHashes } from './merkle.ts'
import { maxNoteBytes } from './signed-note.ts'

/** C2SP tlog-proof: that one entry is in the tree of a checkpoint. docs/formats/proof.md. */
export interface InclusionProof {
  /** Canonical bytes of the entry, carried as the opaque `extra` line. What they are worth is what the proof says of their hash. */
  readonly entry: Uint8Array
  /** `seq` − 1. */
  readonly index: number
  readonly hashes: readonly Uint8Array[]
  /** The signed note, verbatim. */
  readonly checkpoint: string
}

const firstLine = 'c2sp.org/tlog-proof@v1'
export const maxProofBytes = 2 * maxEntryBytes + maxNoteBytes

export function formatProof({ entry, index, hashes, checkpoint }: InclusionProof): string {
  return `${[firstLine, `extra ${encodeBase64(entry)}`, `index ${index}`, ...hashes.map(encodeBase64)].join('\n')}\n\n${checkpoint}`
}

export function parseProof(text: string): Result<InclusionProof, string> {
  if (text.length > maxProofBytes) return err('the proof is larger than any that a station makes')
  const parts = splitAtBlank(text)
  if (parts === null) return err('the proof has no empty line before its checkpoint')
  const [first, extraLine, indexLine, ...hashLines] = parts.lines
  if (first !== firstLine) return err(`the file is not a proof: it does not begin with ${firstLine}`)
  const extra = extraLine?.startsWith('extra ') === true ? decodeBase64(extraLine.slice(6)) : null
  if (extra === null || extra.length > maxEntryBytes) return err('the proof does not carry its entry')
  const index = indexLine?.startsWith('index ') === true ? parseSize(indexLine.slice(6)) : null
  if (index === null) return err('the proof does not say which entry it is about')
  const hashes = hashesOf(hashLines)
  if (hashes === null) return err('a line of the proof is not a hash')
  return ok({ entry: extra, index, hashes, checkpoint: parts.checkpoint })
}

/** That the tree of `checkpoint` begins with the tree of `oldSize` entries, in the form in which a log asks a witness (C2SP tlog-witness). */
export interface ConsistencyProof {
  readonly oldSize: number
  readonly hashes: readonly Uint8Array[]
  readonly checkpoint: string
}

export function formatConsistency({ oldSize, hashes, checkpoint }: ConsistencyProof): string {
  return `${[`old ${oldSize}`, ...hashes.map(encodeBase64)].join('\n')}\n\n${checkpoint}`
}

export function parseConsistency(text: string): Result<ConsistencyProof, string> {
  if (text.length > maxProofBytes) return err('the proof is larger than any that a station makes')
  const parts = splitAtBlank(text)
  if (parts === null) return err('the proof has no empty line before its checkpoint')
  const [oldLine, ...hashLines] = parts.lines
  const oldSize = oldLine?.startsWith('old ') === true ? parseSize(oldLine.slice(4)) : null
  if (oldSize === null) return err('the proof does not say from which size it leads')
  const hashes = hashesOf(hashLines)
  if (hashes === null) return err('a line of the proof is not a hash')
  return ok({ oldSize, hashes, checkpoint: parts.checkpoint })
}

/** The first empty line ends the proof; the checkpoint has one of its own. */
function splitAtBlank(text: string): { readonly lines: readonly string[]; readonly checkpoint: string } | null {
  const blank = text.indexOf('\n\n')
  return blank === -1 ? null : { lines: text.slice(0, blank).split('\n'), checkpoint: text.slice(blank + 2) }
}

function hashesOf(lines: readonly string[]): readonly Uint8Array[] | null {
  const hashes = lines.map(decodeHash).filter((hash) => hash !== null)
  return hashes.length === lines.length && hashes.length <= maxProofHashes ? hashes : null
}
