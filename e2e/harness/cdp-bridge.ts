import { subscribe } from 'node:diagnostics_channel'
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { isMainThread } from 'node:worker_threads'
import { z } from 'zod'
import type { CdpPipe } from '../../src/main/desktop/chromium/cdp-pipe.ts'

// Loaded before the product with `node --import`: shares the adapter's pipe with a test over a Unix socket, so that no TCP port and
// no test code is in the product. The test gets a browser session of its own; the adapter's sessions are not its to see.

// Threads of the product inherit the `--import`, and not the environment.
const socketPath = process.env['STATION_TEST_CDP_SOCKET'] ?? (isMainThread ? undefined : '')
if (socketPath === undefined) throw new Error('STATION_TEST_CDP_SOCKET is not set')

const params = z.record(z.string(), z.unknown()).default({})
const request = z.object({ id: z.int(), method: z.string(), params, sessionId: z.string().optional() })
const attached = z.object({ sessionId: z.string() })

let pipe: CdpPipe | null = null
const clients = new Set<Socket>()
/** Came before there was a window, or between two. */
const early = new Set<Socket>()

subscribe('station:cdp', (message) => {
  // Published by our own adapter alone; the channel's type is unknown by nature.
  const opened = message as CdpPipe
  pipe = opened
  void opened.closed.then(() => {
    if (pipe === opened) pipe = null
    for (const client of clients) client.destroy()
    return null
  })
  for (const socket of early) begin(socket, opened)
  early.clear()
})

function begin(socket: Socket, browser: CdpPipe): void {
  clients.add(socket)
  serve(socket, browser).catch(() => socket.destroy())
}

/** One test attached to one browser. */
async function serve(socket: Socket, browser: CdpPipe): Promise<void> {
  const { sessionId: own } = attached.parse(await browser.call('Target.attachToBrowserTarget'))
  const below = new Set<string>()
  const write = (message: object): void => void socket.write(`${JSON.stringify(message)}\0`)

  const stopListening = browser.onEvent(({ method, params, sessionId }) => {
    if (sessionId === null || !(sessionId === own || below.has(sessionId))) return
    if (method === 'Target.attachedToTarget') below.add(attached.parse(params).sessionId)
    write({ method, params, ...(sessionId === own ? {} : { sessionId }) })
  })

  function forward(text: string): void {
    const { id, method, params, sessionId } = request.parse(JSON.parse(text))
    const back = sessionId === undefined ? { id } : { id, sessionId }
    browser.post(method, params, sessionId ?? own, (answer) => {
      write(
        'error' in answer
          ? { ...back, error: { code: answer.error.code, message: answer.error.message } }
          : { ...back, result: answer.result },
      )
    })
  }

  let rest = ''
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    const messages = (rest + chunk).split('\0')
    rest = messages.pop() ?? ''
    for (const message of messages) forward(message)
  })
  socket.on('close', () => {
    stopListening()
    browser.tell('Target.detachFromTarget', { sessionId: own })
  })
}

if (isMainThread) listen(socketPath)

function listen(socketPath: string): void {
  rmSync(socketPath, { force: true })
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('close', () => {
      clients.delete(socket)
      early.delete(socket)
    })
    if (pipe === null) early.add(socket)
    else begin(socket, pipe)
  })
  server.listen(socketPath, () => chmodSync(socketPath, 0o600))
  // The product ends when it has nothing left to do; the bridge must not keep it.
  server.unref()
}
