import { open } from 'node:fs/promises'
import type { OutputFile } from './server.ts'

const plainText = 'text/plain; charset=utf-8'
const octets = 'application/octet-stream'

/**
 * As what the server is to serve a file of an artifact: what its own worker says of it. Null: not known here; the server then goes by its name.
 * The server serves only types that it takes for harmless in a browser.
 */
export async function contentTypeOf(
  category: string,
  { path, file }: Pick<OutputFile, 'path' | 'file'>,
): Promise<string | null> {
  switch (category) {
    // The web interface shows logs in place because of it.
    case 'debusine:work-request-debug-logs':
      return plainText
    case 'debian:repository-index':
      return signedIndex(await beginningOf(file))
    case 'debian:upload':
      return document.test(path) ? plainText : fileOfUpload(await beginningOf(file))
    default:
      return octets
  }
}

/** UTF-8 by Debian Policy §5.1, signed or not. */
const document = /\.(?:buildinfo|changes|dsc)$/

const detached = '-----BEGIN PGP SIGNATURE-----'

function signedIndex(beginning: Buffer): string {
  if (begins(beginning, detached)) return 'application/pgp-signature; charset=utf-8'
  return begins(beginning, '-----BEGIN PGP SIGNED MESSAGE-----') ? 'text/PGP; charset=utf-8' : octets
}

/** What an upload brings along: the worker asks libmagic, whose answers for these formats are fixed. */
const formats: readonly (readonly [beginning: string, type: string])[] = [
  ['!<arch>\ndebian-binary', 'application/vnd.debian.binary-package; charset=binary'],
  ['\xfd7zXZ\0', 'application/x-xz; charset=binary'],
  ['\x1f\x8b', 'application/gzip; charset=binary'],
  ['BZh', 'application/x-bzip2; charset=binary'],
  ['\x28\xb5\x2f\xfd', 'application/zstd; charset=binary'],
  [detached, 'application/pgp-signature; charset=us-ascii'],
]

function fileOfUpload(beginning: Buffer): string | null {
  return formats.find(([start]) => begins(beginning, start))?.[1] ?? null
}

/** `start`: a character for each octet. */
function begins(beginning: Buffer, start: string): boolean {
  return beginning.subarray(0, start.length).equals(Buffer.from(start, 'latin1'))
}

const enough = 64

/** The first octets of a file. None, where it cannot be read: whether it is needed, and then that it is not there, comes out when it is sent. */
async function beginningOf(path: string): Promise<Buffer> {
  try {
    await using file = await open(path, 'r')
    const { buffer, bytesRead } = await file.read(Buffer.alloc(enough), 0, enough, 0)
    return buffer.subarray(0, bytesRead)
  } catch {
    return Buffer.alloc(0)
  }
}
