import { WebSocket } from 'ws'
import type { SandboxServer } from '../sandbox-server.ts'
import { type Answer, httpsCall } from './https-call.ts'

/** A worker as simple as can be: it does what the test says and nothing by itself. */
export interface WorkerClient {
  readonly token: string
  /** Texts of the messages that the server sent, in order. */
  readonly heard: string[]
  readonly closed: Promise<number>
  readonly socket: WebSocket
  hears(text: string, times?: number): Promise<void>
}

/** Everything that this program could offer, in both dialects. */
export const fullOffer = {
  'system:worker_type': 'signing',
  'signing:noop:version': 1,
  'signing:sign:version': 1,
  'signing:sign:available:uefi': true,
  provided_tags: ['worker:cap:sbsign', 'worker:task:signing:sign:version:1', 'worker:task:signing:noop:version:1'],
}

export async function connect(
  sandbox: SandboxServer,
  token: string,
  options: { readonly autoPong?: boolean } = {},
): Promise<WorkerClient> {
  const url = `${sandbox.origin.replace('https', 'wss')}/api/ws/1.0/worker/connect/`
  const socket = new WebSocket(url, { ca: sandbox.caPem, headers: { token }, ...options })
  const heard: string[] = []
  socket.on('error', () => socket.terminate())
  const closed = new Promise<number>((resolve) => socket.once('close', resolve))
  socket.on('message', (data) => heard.push((data as Buffer).toString('utf8')))
  await new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('close', () => reject(new Error('closed before it was open')))
  })
  const count = (text: string) => heard.filter((message) => message.includes(text)).length
  const hears = (text: string, times = 1): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = () => {
        if (count(text) >= times) resolve()
        else if (socket.readyState === WebSocket.CLOSED) reject(new Error(`closed without ${text}`))
      }
      socket.on('message', look)
      socket.on('close', look)
      look()
    })
  return { token, heard, closed, socket, hears }
}

/** A JSON call under `/api/1.0/`. */
export async function call(
  sandbox: SandboxServer,
  method: string,
  path: string,
  token: string | null,
  body: unknown = null,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer & { readonly json: Record<string, unknown> }> {
  const answer = await httpsCall(sandbox, {
    method,
    path: path.startsWith('/') ? path : `/api/1.0/${path}`,
    headers: {
      ...(token === null ? {} : { token }),
      ...(body === null ? {} : { 'content-type': 'application/json' }),
      'x-debusine-scope': 'debusine',
      ...headers,
    },
    body: body === null ? null : Buffer.from(JSON.stringify(body)),
  })
  const isJson = answer.headers['content-type']?.includes('json') === true
  return { ...answer, json: (isJson ? JSON.parse(answer.body.toString('utf8')) : {}) as Record<string, unknown> }
}

/** Enabled, connected and offering everything. */
export async function readyWorker(sandbox: SandboxServer, fqdn = 'desk.example.org'): Promise<WorkerClient> {
  const { token } = sandbox.addEnabledWorker(fqdn)
  await call(sandbox, 'PUT', 'worker/dynamic-metadata/', token, fullOffer)
  const client = await connect(sandbox, token)
  await client.hears('request_dynamic_metadata')
  return client
}

/** The fetch of this dialect; the token is the one that everything after it needs. */
export async function fetchWork(
  sandbox: SandboxServer,
  client: WorkerClient,
): Promise<{ readonly status: number; readonly id: number | null; readonly token: string }> {
  const path = 'work-request/get-next-for-worker/'
  const answer =
    sandbox.dialect === '0.11'
      ? await call(sandbox, 'GET', path, client.token)
      : await call(sandbox, 'POST', path, client.token, {})
  const { id, token } = answer.json
  return {
    status: answer.status,
    id: typeof id === 'number' ? id : null,
    token: typeof token === 'string' ? token : client.token,
  }
}
