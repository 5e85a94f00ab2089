import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import type { ServerCertificate } from './certificates.ts'

/** A request as it arrived, with its whole body. */
export interface Arrived {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

export type Handler = (arrived: Arrived, response: ServerResponse) => void | Promise<void>

/** A local HTTPS server that answers as a test says, honest or not, and remembers what arrived. */
export interface Peer {
  readonly origin: string
  readonly apiUrl: string
  readonly arrived: readonly Arrived[]
  answer: Handler
  onSocket: (socket: WebSocket, request: IncomingMessage) => void
  close(): Promise<void>
}

export async function startPeer(certificate: ServerCertificate): Promise<Peer> {
  const arrived: Arrived[] = []
  const server = createServer({ ...certificate }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const all: Arrived = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks),
      }
      arrived.push(all)
      void peer.answer(all, response)
    })
    request.on('error', () => {})
  })
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {})
    sockets.handleUpgrade(request, socket, head, (line) => peer.onSocket(line, request))
  })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}` // a TCP server's address is an object
  const peer: Peer = {
    origin,
    apiUrl: `${origin}/api`,
    arrived,
    answer: (_request, response) => {
      response.writeHead(404).end()
    },
    onSocket: (line) => line.close(),
    close: async () => {
      for (const line of sockets.clients) line.terminate()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return peer
}

export function json(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(value)
  response.writeHead(status, {
    'content-type': status < 400 ? 'application/json' : 'application/problem+json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  })
  response.end(text)
}
