import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Readable } from 'node:stream'

/** Bytes that the server can deliver; large inputs stay on disk and are streamed. */
export type Content =
  | { readonly kind: 'bytes'; readonly bytes: Buffer; readonly size: number }
  | { readonly kind: 'file'; readonly file: string; readonly size: number }

export function bytesContent(bytes: Uint8Array): Content {
  return { kind: 'bytes', bytes: Buffer.from(bytes), size: bytes.length }
}

export async function fileContent(file: string): Promise<Content> {
  return { kind: 'file', file, size: (await stat(file)).size }
}

/** `start` inclusive, `end` exclusive. */
export function readContent(content: Content, start: number, end: number): Readable {
  if (start >= end) return Readable.from([])
  return content.kind === 'bytes'
    ? Readable.from([content.bytes.subarray(start, end)])
    : createReadStream(content.file, { start, end: end - 1 })
}

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

export async function contentSha256(content: Content): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of readContent(content, 0, content.size)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
