import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { DeviceGone, type VirtualYubiHsm } from './virtual-yubihsm.ts'

/** What a connector does with messages from now on: passes them on, keeps them without an answer, or waits before it passes each on. */
export type Manner =
  | { readonly kind: 'prompt' }
  | { readonly kind: 'hang' }
  | { readonly kind: 'slow'; readonly until: () => Promise<void> }

/** The maker's connector, with a socket into which devices are plugged, on the loopback interface. */
export interface Connector {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  readonly port: number
  /** Messages that came, whatever became of them. */
  readonly messages: number
  /** Plugs a device in; the one that was there loses its power first. */
  plug(device: VirtualYubiHsm): void
  /** Takes out the device that is there. */
  unplug(): void
  behave(manner: Manner): void
  /** Breaks every connection and frees the port, as when the program is killed. The device keeps its power. */
  kill(): Promise<void>
}

/** Version that the status names: the packaged one of Debian 13. */
const version = '3.0.5'
/** Longer than any message of a device, so that the device itself refuses. */
const bodyLimit = 8192

export async function startConnector(first: VirtualYubiHsm | null, port = 0): Promise<Connector> {
  const sockets = new Set<Socket>()
  let device = first
  let manner: Manner = { kind: 'prompt' }
  let messages = 0

  async function api(request: IncomingMessage, response: ServerResponse): Promise<void> {
    messages += 1
    const body = await readBody(request)
    if (body === null) return reply(response, 400, 'text/plain', 'body too long\n')
    if (manner.kind === 'hang') return
    if (manner.kind === 'slow') await manner.until()
    try {
      if (device === null) throw new DeviceGone()
      reply(response, 200, 'application/octet-stream', await device.exchange(body))
    } catch (error) {
      if (!(error instanceof DeviceGone)) throw error
      // The maker's connector answers with 500 where no device is.
      reply(response, 500, 'text/plain', 'no device\n')
    }
  }

  function status(): string {
    const state = device?.isPlugged === true ? 'OK' : 'NO_DEVICE'
    const own = server.address() as AddressInfo // it listens
    return `status=${state}\nserial=*\nversion=${version}\npid=${process.pid}\naddress=localhost\nport=${own.port}\n`
  }

  const server = createServer((request, response) => {
    const route = `${request.method} ${request.url}`
    if (route === 'GET /connector/status') return reply(response, 200, 'text/plain', status())
    if (route === 'POST /connector/api') {
      api(request, response).catch((error: unknown) => {
        response.destroy()
        // A defect of the device must not look like a broken connection.
        queueMicrotask(() => {
          throw error
        })
      })
      return undefined
    }
    return reply(response, 404, 'text/plain', 'not found\n')
  })
  server.on('connection', (socket) => {
    // A message and its answer are each one small segment: waiting for more costs 40 ms a command.
    socket.setNoDelay(true)
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const bound = (server.address() as AddressInfo).port // it listens
  device?.plugIn()

  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    get messages() {
      return messages
    },
    plug(next) {
      if (device !== next) device?.unplug()
      device = next
      next.plugIn()
    },
    unplug() {
      device?.unplug()
    },
    behave(next) {
      manner = next
    },
    async kill() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function reply(response: ServerResponse, code: number, type: string, body: string | Uint8Array): undefined {
  response.writeHead(code, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) }).end(body)
}

/** Null: too long. */
async function readBody(request: IncomingMessage): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of request) {
    const bytes = part as Uint8Array // no encoding is set
    length += bytes.length
    if (length > bodyLimit) return null
    parts.push(bytes)
  }
  return Buffer.concat(parts)
}
