import { request } from 'node:https'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Buffer
}

export interface Call {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | null
  /** Sends the headers and no byte of the body, as a client does that is refused by its content-length. */
  readonly headersOnly?: boolean
}

/** One HTTPS call without a client's kindness: no redirect is followed, nothing is retried, the path is sent as it is. */
export function httpsCall(server: { readonly origin: string; readonly caPem: string }, call: Call): Promise<Answer> {
  const { hostname, port } = new URL(server.origin)
  const body = call.body ?? null
  const length = body === null || call.headersOnly === true ? {} : { 'content-length': String(body.length) }
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        hostname,
        port,
        path: call.path,
        method: call.method,
        ca: server.caPem,
        agent: false,
        headers: { ...length, ...call.headers },
      },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () => {
          const headers = Object.fromEntries(
            Object.entries(incoming.headers).map(([name, value]) => [name, value?.toString()]),
          )
          resolve({ status: incoming.statusCode ?? 0, headers, body: Buffer.concat(chunks) })
          if (call.headersOnly === true) outgoing.destroy()
        })
      },
    )
    outgoing.on('error', reject)
    if (call.headersOnly === true) outgoing.flushHeaders()
    else if (body === null) outgoing.end()
    else outgoing.end(body)
  })
}
