import { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import { type Content, readContent } from './content.ts'

const block = 512

/** A gzipped POSIX tar; a name that does not fit the ustar header travels in a pax header before it. */
export function tarGz(entries: readonly { readonly path: string; readonly content: Content }[]): Readable {
  return Readable.from(tar(entries)).pipe(createGzip())
}

async function* tar(entries: readonly { readonly path: string; readonly content: Content }[]): AsyncGenerator<Buffer> {
  for (const { path, content } of entries) {
    if (Buffer.byteLength(path) > 100) {
      const record = paxRecord('path', path)
      yield header('pax-header', record.length, 'x')
      yield padded(record)
    }
    yield header(path, content.size, '0')
    for await (const chunk of readContent(content, 0, content.size)) yield chunk as Buffer
    yield Buffer.alloc(padding(content.size))
  }
  yield Buffer.alloc(2 * block)
}

function header(path: string, size: number, type: string): Buffer {
  const bytes = Buffer.alloc(block)
  bytes.write(path.slice(0, 100), 0, 100, 'utf8')
  bytes.write('0000644\0', 100, 'latin1')
  bytes.write('0000000\0', 108, 'latin1')
  bytes.write('0000000\0', 116, 'latin1')
  bytes.write(`${size.toString(8).padStart(11, '0')}\0`, 124, 'latin1')
  bytes.write('00000000000\0', 136, 'latin1')
  bytes.write('        ', 148, 'latin1') // the checksum counts its own field as spaces
  bytes.write(type, 156, 'latin1')
  bytes.write('ustar\x0000', 257, 'latin1')
  const sum = bytes.reduce((total, byte) => total + byte, 0)
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return bytes
}

/** `LENGTH KEY=VALUE\n`, where the length counts itself. */
function paxRecord(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`
  let length = Buffer.byteLength(rest) + 1
  while (String(length).length + Buffer.byteLength(rest) !== length) length += 1
  return Buffer.from(`${length}${rest}`)
}

function padding(size: number): number {
  return (block - (size % block)) % block
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(padding(bytes.length))])
}
