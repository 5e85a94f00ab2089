import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { readContent } from './content.ts'
import type { Fault } from './faults.ts'
import type { Reply } from './reply.ts'

/** Writes an answer, with what the fault does to its body. */
export async function deliver(
  response: ServerResponse,
  reply: Reply,
  method: string,
  fault: Fault | null,
): Promise<void> {
  const { body } = reply
  const headers: Record<string, string> = {}
  let source: Readable | null = null
  if (body.kind === 'json' || body.kind === 'html') {
    const text = body.kind === 'json' ? JSON.stringify(body.value) : body.text
    const bytes = Buffer.from(text)
    headers['content-type'] = body.kind === 'json' ? body.contentType : 'text/html; charset=utf-8'
    headers['content-length'] = String(bytes.length)
    source = Readable.from([bytes])
  } else if (body.kind === 'content') {
    source = readContent(body.content, body.start, body.end)
  } else if (body.kind === 'stream') {
    source = body.stream
  } else if (reply.status !== 204) {
    headers['content-length'] = '0'
  }
  Object.assign(headers, reply.headers)
  if (fault?.kind === 'endless') delete headers['content-length']
  response.writeHead(reply.status, headers)
  if (method === 'HEAD' || source === null) {
    response.end()
    return
  }
  await send(response, source, fault)
}

async function send(response: ServerResponse, source: Readable, fault: Fault | null): Promise<void> {
  let sent = 0
  for await (const chunk of source) {
    let bytes = Buffer.from(chunk as Buffer)
    if (fault?.kind === 'truncate' && sent + bytes.length > fault.afterBytes) {
      bytes = bytes.subarray(0, fault.afterBytes - sent)
      await new Promise<void>((resolve) => response.write(bytes, () => resolve()))
      response.destroy()
      return
    }
    if (fault?.kind === 'corrupt' && sent === 0 && bytes.length > 0) bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0)
    sent += bytes.length
    if (!(await write(response, bytes))) return
  }
  if (fault?.kind === 'endless') {
    const filler = Buffer.alloc(64 * 1024, 0x41)
    while (await write(response, filler));
    return
  }
  response.end()
}

/** False: the client is gone. */
async function write(response: ServerResponse, bytes: Buffer): Promise<boolean> {
  if (response.destroyed) return false
  if (!response.write(bytes)) await drainedOrGone(response)
  return !response.destroyed
}

/** The listener of what does not happen is taken away: a large body waits many times. */
function drainedOrGone(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
}
