import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Socket } from 'node:net'
import type { Bell } from './bell.ts'
import type { ServerCertificate } from './certificates.ts'
import { deliver } from './deliver.ts'
import { callerOf } from './exchange.ts'
import type { Fault, Faults } from './faults.ts'
import type { TokenHolder } from './model.ts'
import { json, notFoundPage, page, problem, type Reply } from './reply.ts'
import { answer, createRoutes, type Matched, matchRoute } from './router.ts'
import { defaultScope, type ServerState } from './state.ts'

/** nginx's limit in Debian's packaged snippet: a larger PUT never reaches debusine. */
const bodyLimit = 100 * 1024 * 1024

export interface Listener {
  /** Resolves with the port when the socket is bound. */
  listen(port: number): Promise<number>
  /** Breaks every connection and frees the port; what the server knows is kept. */
  leave(): Promise<void>
}

export interface ListenerOptions {
  readonly state: ServerState
  readonly certificate: ServerCertificate
  readonly bell: Bell
  readonly faults: Faults
  readonly settleMs: number
  /** Called for the fault `server-lost`. */
  readonly onLost: () => void
}

export function createListener(options: ListenerOptions): Listener {
  const { state, bell, faults } = options
  const routes = createRoutes(state.dialect, options.settleMs)
  const sockets = new Set<Socket>()
  let server: Server | null = null

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? 'GET'
    const url = new URL(request.url ?? '/', state.origin)
    const matched = matchRoute(routes, method, url.pathname)
    const fault = matched.name === 'unknown' ? null : faults.strike(matched.name)
    const entry = {
      at: state.clock.now(),
      route: matched.name,
      method,
      path: `${url.pathname}${url.search}`,
      token: kindOf(state, request),
      scope: header(request, 'x-debusine-scope') ?? null,
      range: header(request, 'content-range') ?? header(request, 'range') ?? null,
      json: null as unknown,
      bodyBytes: 0,
      status: null as number | null,
    }
    state.record.calls.push(entry)
    if (fault !== null && strikesBefore(fault)) {
      if (fault.kind === 'hang') return
      if (fault.kind === 'server-lost') options.onLost()
      request.socket.destroy()
      return
    }
    if (Number(header(request, 'content-length') ?? 0) > bodyLimit) {
      entry.status = 413
      response.shouldKeepAlive = false
      await deliver(response, page(413, '413 Request Entity Too Large'), method, null)
      return
    }
    const body = await readBody(request)
    entry.bodyBytes = body.length
    if (header(request, 'content-type')?.startsWith('application/json') === true) entry.json = parsed(body)
    if (fault?.kind === 'delay') await new Promise((resolve) => setTimeout(resolve, fault.milliseconds))
    if (fault?.kind === 'delay-until') await fault.ready()
    const reply = forged(fault) ?? serve(matched, request, url, body, method)
    if (fault !== null && 'when' in fault) {
      if (fault.kind === 'server-lost') options.onLost()
      request.socket.destroy()
      return
    }
    entry.status = reply.status
    await deliver(response, reply, method, fault)
  }

  function serve(matched: Matched, request: IncomingMessage, url: URL, body: Buffer, method: string): Reply {
    const token = tokenOf(state, request)
    return answer(routes, matched, {
      state,
      method,
      path: url.pathname,
      params: matched.params,
      query: url.searchParams,
      headers: Object.fromEntries(Object.keys(request.headers).map((name) => [name, header(request, name)])),
      caller: callerOf(token),
      token,
      scope: header(request, 'x-debusine-scope') ?? defaultScope,
      body,
    })
  }

  return {
    async listen(port) {
      const { certificatePem: cert, keyPem: key } = options.certificate
      const fresh = createServer({ cert, key }, (request, response) => {
        handle(request, response).catch((error: unknown) => {
          if (response.headersSent || response.destroyed) response.destroy()
          else {
            const detail = error instanceof Error ? error.message : String(error)
            void deliver(response, problem(500, 'The sandbox failed', { detail }), 'GET', null)
          }
        })
      })
      fresh.on('connection', (socket: Socket) => {
        sockets.add(socket)
        socket.on('error', () => socket.destroy())
        socket.on('close', () => sockets.delete(socket))
      })
      fresh.on('upgrade', (request, socket, head) => {
        const fault = faults.strike('websocket.connect')
        if (fault !== null) socket.destroy()
        else if (!bell.upgrade(request, socket, head)) socket.end('HTTP/1.1 404 Not Found\r\n\r\n')
      })
      await new Promise<void>((resolve, reject) => {
        fresh.once('error', reject)
        fresh.listen(port, '127.0.0.1', resolve)
      })
      server = fresh
      const address = fresh.address()
      if (address === null || typeof address === 'string') throw new Error('the listener has no port')
      return address.port
    },
    async leave() {
      const leaving = server
      server = null
      bell.breakAll()
      for (const socket of sockets) socket.destroy()
      if (leaving !== null) await new Promise<void>((resolve) => leaving.close(() => resolve()))
    },
  }
}

function strikesBefore(fault: Fault): boolean {
  return fault.kind === 'hang' || ('when' in fault && fault.when === 'before')
}

/** Faults that answer in place of the server: the call is not served. */
function forged(fault: Fault | null): Reply | null {
  switch (fault?.kind) {
    case 'status':
      return fault.body === undefined
        ? page(fault.status, `${fault.status} from the reverse proxy`)
        : {
            status: fault.status,
            headers: { 'content-type': fault.contentType ?? 'text/html' },
            body: { kind: 'html', text: fault.body },
          }
    case 'redirect':
      return { ...notFoundPage, status: fault.status, headers: { location: fault.location } }
    case 'json':
      return json(200, fault.value)
    default:
      return null
  }
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' ? value : value?.join(', ')
}

function tokenOf(state: ServerState, request: IncomingMessage): TokenHolder | null {
  return state.tokens.get(header(request, 'token') ?? '') ?? null
}

function kindOf(state: ServerState, request: IncomingMessage): TokenHolder['kind'] | 'none' | 'unknown' {
  if (header(request, 'token') === undefined) return 'none'
  return tokenOf(state, request)?.kind ?? 'unknown'
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown
  } catch {
    return null
  }
}
