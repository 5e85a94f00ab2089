import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { isObject } from './exchange.ts'
import type { Worker } from './model.ts'
import { schedule } from './scheduler.ts'
import { heldBy, type ServerState, violation } from './state.ts'

export interface Bell {
  /** Answers an upgrade to the worker's WebSocket; false: another path, not ours. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean
  /** Breaks every connection, as a server that is gone. */
  breakAll(): void
  /** Closes every connection with 1000, as a server that is stopped in an orderly way. */
  closeAll(): void
  /** Asks every connected worker for its metadata, as the server does every hour. */
  askForMetadata(): void
  /** Sends any text to every connected worker: a hostile or a newer server. */
  sendRaw(text: string): void
}

export interface BellOptions {
  /** The real servers ping every 20 s; a client that does not answer is closed after 1.5 (0.11) or 1 (0.16) more periods. */
  readonly pingMs: number
}

/** The worker's WebSocket: `connected`, `request_dynamic_metadata`, `work_request_available`; everything else is heard and noted. */
export function createBell(state: ServerState, options: BellOptions): Bell {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 1024 * 1024 })
  const connections = new Map<WebSocket, Worker>()
  const connectionsOf = (worker: Worker) => [...connections].filter(([, other]) => other === worker)
  state.onAssigned = (worker) => {
    for (const [socket] of connectionsOf(worker)) say(socket, 'work_request_available')
  }
  state.onDisabled = (worker) => {
    const hash = createHash('sha256').update(worker.token).digest('hex')
    const reason = `Token has been disabled (token hash: "${hash}")`
    for (const [socket] of connectionsOf(worker)) {
      socket.send(JSON.stringify({ type: 'connection_closed', reason, reason_code: 'TOKEN_DISABLED' }))
      socket.close(1000)
    }
  }

  function accept(socket: WebSocket, worker: Worker): void {
    if (connectionsOf(worker).length > 0) violation(state, 'second-connection', worker.name)
    connections.set(socket, worker)
    worker.connected = true
    state.record.webSocketsOpened.push({ worker: worker.name })
    const stopPings = ping(socket)
    socket.on('message', (data) => hear(state, (data as Buffer).toString('utf8')))
    socket.on('error', () => socket.terminate())
    socket.on('close', () => {
      stopPings()
      connections.delete(socket)
      // With two connections the first close counts for the worker, in both versions.
      worker.connected = false
    })
    say(socket, 'connected')
    say(socket, 'request_dynamic_metadata')
    const held = heldBy(state, worker)
    schedule(state)
    // Rung again on every connection while a request is assigned or running; a fresh assignment on 0.11 rings twice.
    if (held !== null || (state.dialect === '0.11' && heldBy(state, worker) !== null)) {
      say(socket, 'work_request_available')
    }
  }

  function ping(socket: WebSocket): () => void {
    let deadline: NodeJS.Timeout | null = null
    const patience = options.pingMs * (state.dialect === '0.11' ? 1.5 : 1)
    const timer = setInterval(() => {
      if (deadline !== null) return
      socket.ping()
      deadline = setTimeout(() => socket.close(state.dialect === '0.11' ? 1000 : 1011), patience)
    }, options.pingMs)
    socket.on('pong', () => {
      if (deadline !== null) clearTimeout(deadline)
      deadline = null
    })
    return () => {
      clearInterval(timer)
      if (deadline !== null) clearTimeout(deadline)
    }
  }

  return {
    upgrade(request, socket, head) {
      if (request.url?.split('?')[0] !== '/api/ws/1.0/worker/connect/') return false
      server.handleUpgrade(request, socket, head, (webSocket) => {
        const header = request.headers['token']
        const token = typeof header === 'string' ? state.tokens.get(header) : undefined
        if (token?.kind === 'worker' && token.worker.enabled) {
          if (tripsScheduler(state, token.worker)) webSocket.close(1011)
          else accept(webSocket, token.worker)
          return
        }
        // The upgrade always succeeds; the refusal is a message.
        state.record.webSocketsOpened.push({ worker: null })
        const reason = 'No token header, token not associated to a worker or not enabled'
        webSocket.send(JSON.stringify({ type: 'connection_rejected', reason, reason_code: 'TOKEN_DISABLED' }))
        webSocket.close(1000)
      })
      return true
    },
    breakAll() {
      for (const socket of connections.keys()) socket.terminate()
    },
    closeAll() {
      for (const socket of connections.keys()) socket.close(1000)
    },
    askForMetadata() {
      for (const socket of connections.keys()) say(socket, 'request_dynamic_metadata')
    },
    sendRaw(text) {
      for (const socket of connections.keys()) socket.send(text)
    },
  }
}

/**
 * 0.11.3 looks up `system:worker_type` in whatever a worker told while work is pending, and falls over if it is not there:
 * such a worker is cut off at once on every connection (recorded: probe-narrow-metadata).
 */
function tripsScheduler(state: ServerState, worker: Worker): boolean {
  if (state.dialect !== '0.11' || !worker.toldMetadata || heldBy(state, worker) !== null) return false
  const pending = [...state.workRequests.values()].some(
    (request) => request.taskType === 'Signing' && request.status === 'pending' && request.worker === null,
  )
  return pending && worker.dynamicMetadata['system:worker_type'] === undefined
}

function say(socket: WebSocket, text: string): void {
  socket.send(JSON.stringify({ type: 'websocket.send', text }))
}

/** Live-log lines of 0.16; anything else is ignored by the real server too, which keeps the connection open. */
function hear(state: ServerState, text: string): void {
  const message = parse(text)
  const malformed = (why: string) => violation(state, 'log-message-malformed', `${why}: ${text.slice(0, 200)}`)
  if (state.dialect === '0.11') return malformed('0.11 knows no messages of a worker')
  if (!isObject(message)) return malformed('not a JSON object')
  const { type, work_request_id: id, timestamp } = message
  if (type !== 'log_data' && type !== 'log_data_end') return malformed('unknown type')
  if (typeof id !== 'number' || typeof timestamp !== 'string' || timestamp === '') return malformed('id or timestamp')
  const { data, stream, exit_code: exitCode } = message
  if (type === 'log_data_end') {
    if (typeof exitCode !== 'number') return malformed('exit_code')
    state.record.logLines.push({ workRequestId: id, kind: type, data: String(exitCode) })
    return
  }
  const streams = ['internal', 'stdout', 'stderr']
  if (typeof data !== 'string' || data === '' || !streams.some((known) => known === stream)) return malformed('data')
  state.record.logLines.push({ workRequestId: id, kind: type, data })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null
  }
}
