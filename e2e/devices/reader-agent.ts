// Runs as process 1 of a PID namespace, beside pcscd: tells when the readers listen, hands connections to them to the test, and
// takes everything along when the test ends, however that ends: with process 1 the kernel kills the rest of the namespace.
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { createConnection } from 'node:net'
import { z } from 'zod'

const request = z.strictObject({ id: z.int(), port: z.int() })
const [folder = '', ...ports] = process.argv.slice(2)

process.on('disconnect', () => {
  rmSync(folder, { recursive: true, force: true })
  process.exit(0)
})

process.on('message', (message) => {
  const { id, port } = request.parse(message)
  const socket = createConnection({ host: '127.0.0.1', port }).pause()
  socket.once('error', (error) => process.send?.({ id, error: error.message }))
  // The socket belongs to this network namespace wherever it is used.
  socket.once('connect', () => process.send?.({ id }, socket))
})

/** proc_net_tcp(5): local address and port in hex, state 0A listens. */
function listening(port: number): boolean {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return readFileSync('/proc/self/net/tcp', 'utf8')
    .split('\n')
    .some((line) => {
      const [, local = '', , state] = line.trim().split(/\s+/)
      return state === '0A' && local.endsWith(wanted)
    })
}

// Connecting would insert a card, so the table of sockets is read instead.
const timer = setInterval(() => {
  if (!ports.every((port) => listening(Number(port))) || !existsSync('/run/pcscd/pcscd.comm')) return
  clearInterval(timer)
  process.send?.({ ready: true })
}, 10)
