import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { sha256Hex } from '../../shared/ids.ts'
import type { InputFacts } from '../../shared/input-facts.ts'

const chunkBytes = 1024 * 1024

/**
 * A file that an upload lists: what it begins like, and the digests that are listed of it. It is hashed and not read, hence here and not in
 * a process of its own: an upload can have hundreds.
 */
export async function payloadFacts(path: string): Promise<InputFacts> {
  const hashes = { md5: createHash('md5'), sha1: createHash('sha1'), sha256: createHash('sha256') }
  let what: string | null = null
  try {
    await using file = await open(path, 'r')
    for await (const chunk of file.createReadStream({ highWaterMark: chunkBytes, autoClose: false })) {
      what ??= beginsLike(chunk)
      for (const hash of Object.values(hashes)) hash.update(chunk)
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { kind: 'opaque', reason: `The file could not be read: ${reason.slice(0, 200)}.`, firstBytesHex: '' }
  }
  const { md5, sha1, sha256 } = hashes
  return {
    kind: 'payload',
    what: what ?? 'nothing: it is empty',
    digests: { md5: md5.digest('hex'), sha1: sha1.digest('hex'), sha256: sha256Hex.parse(sha256.digest('hex')) },
  }
}

const magics: readonly (readonly [hex: string, name: string])[] = [
  ['213c617263683e', 'a Debian package or ar archive'],
  ['fd377a585a00', 'xz data'],
  ['1f8b', 'gzip data'],
  ['425a68', 'bzip2 data'],
  ['28b52ffd', 'zstd data'],
  ['2d2d2d2d2d424547494e20504750', 'OpenPGP armor'],
]

function beginsLike(firstBytes: Uint8Array): string {
  const hex = Buffer.from(firstBytes.subarray(0, 32)).toString('hex')
  return magics.find(([magic]) => hex.startsWith(magic))?.[1] ?? 'data'
}
