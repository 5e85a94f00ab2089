import { connect, type NetConnectOpts } from 'node:net'

export type SocketAnswer =
  /** Bytes came; at most `most` of them. */
  | { readonly kind: 'answered'; readonly bytes: Buffer }
  /** The other side took the connection and ended it without a byte. */
  | { readonly kind: 'closed' }
  /** Connected, and silent until the time was up. */
  | { readonly kind: 'silent' }
  /** `code`: the system's, `ENOENT`, `ECONNREFUSED`, `EACCES`. */
  | { readonly kind: 'failed'; readonly code: string }

/** Sends one question to a local service and reads its answer, until `enough` says so, the end, or the time limit. */
export function askSocket(
  where: NetConnectOpts,
  question: Uint8Array,
  options: { readonly most: number; readonly limitMs: number; readonly enough: (bytes: Buffer) => boolean },
): Promise<SocketAnswer> {
  const { promise, resolve } = Promise.withResolvers<SocketAnswer>()
  const state: { bytes: Buffer; connected: boolean } = { bytes: Buffer.alloc(0), connected: false }
  const socket = connect(where)
  const finish = (answer: SocketAnswer) => {
    clearTimeout(timer)
    socket.destroy()
    resolve(answer)
  }
  const soFar = (otherwise: SocketAnswer): SocketAnswer =>
    state.bytes.length > 0 ? { kind: 'answered', bytes: state.bytes } : otherwise
  const timer = setTimeout(
    () => finish(soFar(state.connected ? { kind: 'silent' } : { kind: 'failed', code: 'ETIMEDOUT' })),
    options.limitMs,
  )
  socket.on('connect', () => {
    state.connected = true
    socket.write(question)
  })
  socket.on('data', (chunk: Buffer) => {
    state.bytes = Buffer.concat([state.bytes, chunk]).subarray(0, options.most)
    if (state.bytes.length >= options.most || options.enough(state.bytes)) finish(soFar({ kind: 'closed' }))
  })
  socket.on('end', () => finish(soFar({ kind: 'closed' })))
  socket.on('error', (error) => {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : 'unknown'
    // A service that refuses may reset the connection that it took.
    finish(state.connected ? soFar({ kind: 'closed' }) : { kind: 'failed', code })
  })
  return promise
}
