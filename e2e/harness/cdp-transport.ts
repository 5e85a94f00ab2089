import { connect } from 'node:net'
import type { ConnectOverCDPTransport } from '@playwright/test'

/** Playwright's end of the bridge. */
export function cdpTransport(socketPath: string): Promise<ConnectOverCDPTransport> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath)
    const transport: ConnectOverCDPTransport = {
      send: (message) => void socket.write(`${JSON.stringify(message)}\0`),
      close: () => void socket.end(),
    }
    let rest = ''
    let queue: object[] = []

    // One message for each turn of the event loop: several in one turn make page.evaluate wait for ever.
    function deliver(): void {
      const message = queue.shift()
      if (message === undefined) return
      transport.onmessage?.(message)
      if (queue.length > 0) setImmediate(deliver)
    }

    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      const texts = (rest + chunk).split('\0')
      rest = texts.pop() ?? ''
      const idle = queue.length === 0
      queue = [...queue, ...texts.map((text): object => JSON.parse(text))]
      if (idle && queue.length > 0) setImmediate(deliver)
    })
    socket.on('close', () => transport.onclose?.())
    socket.on('error', reject)
    socket.on('connect', () => resolve(transport))
  })
}
