import { request } from 'node:http'
import { LogHostError } from './log-host-error.ts'
import { headBytes, largestMessage } from './message.ts'

/** The device answers each of our commands at once; behind the connector may be a person who unplugs it. */
const exchangeMs = 5000
const loopback = '127.0.0.1'

/**
 * One message to the device and its answer, through yubihsm-connector. `url` is a loopback one (main looks), and `localhost` is not left to a
 * name server (RFC 6761 §6.3). What comes is bounded, redirects are not followed.
 */
export function exchange(url: string, message: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const silent = (detail: string) => reject(new LogHostError('connector-silent', detail))
    const sent = request(
      new URL('/connector/api', url),
      {
        method: 'POST',
        agent: false,
        headers: { 'content-type': 'application/octet-stream', 'content-length': message.length },
        lookup: (_name, options, found) =>
          options.all === true ? found(null, [{ address: loopback, family: 4 }]) : found(null, loopback, 4),
        signal: AbortSignal.timeout(exchangeMs),
      },
      (answer) => {
        const parts: Uint8Array[] = []
        let length = 0
        answer.on('data', (part: Uint8Array) => {
          length += part.length
          if (length <= headBytes + largestMessage) parts.push(part)
          else sent.destroy()
        })
        answer.on('error', () => silent('the answer broke off'))
        answer.on('close', () => silent('the answer broke off'))
        answer.on('end', () => {
          // 500: there is no device at the connector.
          if (answer.statusCode === 200) resolve(Buffer.concat(parts))
          else silent(`HTTP ${answer.statusCode ?? 0}`)
        })
      },
    )
    sent.on('error', (error) => silent('code' in error ? `the connection failed: ${String(error.code)}` : 'no answer'))
    sent.end(message)
  })
}
