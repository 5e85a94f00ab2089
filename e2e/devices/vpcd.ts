import type { Socket } from 'node:net'

/** A card in the reader. An answer may take as long as it likes; `null` means that there will be none. */
export interface SmartCard {
  readonly atr: Uint8Array
  /** Power on, power off and reset are one thing to a card: it forgets what it does not keep. */
  power(): void
  transmit(command: Uint8Array): Promise<Uint8Array | null>
  /** Called when the card is no longer in the reader. */
  removed(): void
}

/** Control bytes of the vpcd protocol: a message of one byte is for the reader, a longer one for the card. */
const control = { off: 0, on: 1, reset: 2, atr: 4 } as const

/**
 * Puts a card into a reader of vsmartcard's vpcd driver: the socket is connected to the reader's port, and the card is there for
 * as long as it is open. Each message has its length before it (16 bits, big-endian), in both directions. Resolves when the reader
 * switches the card on, which is when pcscd has seen it.
 */
export function insertCard(socket: Socket, card: SmartCard): Promise<void> {
  socket.setNoDelay(true)
  let waiting = Buffer.alloc(0)
  const seen = Promise.withResolvers<void>()
  let looks = -Infinity
  const send = (message: Uint8Array) => {
    if (!socket.writable) return
    const framed = Buffer.alloc(2 + message.length)
    framed.writeUInt16BE(message.length)
    framed.set(message, 2)
    socket.write(framed)
  }
  const receive = (message: Uint8Array) => {
    if (message.length !== 1) {
      void card.transmit(message).then((answer) => {
        if (answer !== null) send(answer)
        return null
      })
      return
    }
    switch (message[0]) {
      case control.atr:
        send(card.atr)
        looks += 1
        if (looks === 2) seen.resolve()
        return
      case control.on:
        looks = Math.max(looks, 0)
        card.power()
        return
      case control.off:
      case control.reset:
        card.power()
        return
      default:
        throw new Error(`the reader sent the control byte ${message[0]}`)
    }
  }
  socket.on('data', (bytes) => {
    waiting = Buffer.concat([waiting, bytes])
    while (waiting.length >= 2 && waiting.length >= 2 + waiting.readUInt16BE()) {
      const end = 2 + waiting.readUInt16BE()
      const message = waiting.subarray(2, end)
      waiting = waiting.subarray(end)
      receive(message)
    }
  })
  // A reader that goes away resets the connection; the close that follows says the same.
  socket.on('error', () => {})
  socket.on('close', () => {
    card.removed()
    seen.reject(new Error('the reader closed the connection before it switched the card on'))
  })
  return seen.promise
}
