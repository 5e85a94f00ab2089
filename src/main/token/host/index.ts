import { type HostMessage, hostRequest } from '../protocol.ts'
import { Pkcs11Module } from './module.ts'
import { failureOf, HostError } from './pkcs11-error.ts'
import { type Backend, Server } from './serve.ts'
import { killSelf, watchLeash } from './watchdog.ts'

// The token process. Arguments: `module PATH` or `software FOLDER`. It never exits by itself: main kills it, or the leash does.

watchLeash()

function send(message: HostMessage): void {
  // Fails only when main is gone, and then the leash ends this process.
  process.send?.(message, () => {})
}

function defect(error: unknown): void {
  // Text of our own exceptions; neither PINs nor keys are ever put into one.
  const text = error instanceof Error ? (error.stack ?? error.message) : 'unknown'
  process.send?.({ kind: 'defect', text: text.slice(0, 2000) } satisfies HostMessage, killSelf)
}

function start(kind: string | undefined, path: string | undefined): Backend {
  if (path === undefined) throw new Error('usage: token-host module PATH | software FOLDER')
  // A module resolves its crypto calls in the executable that loads it, and Electron's has another library (docs/adr/0003).
  if ('electron' in process.versions)
    throw new HostError(
      'module-not-loadable',
      'the token process runs in Electron, not in the plain Node that is shipped',
    )
  if (kind === 'module') return { kind, module: Pkcs11Module.load(path), path }
  if (kind === 'software') return { kind, folder: path }
  throw new Error('usage: token-host module PATH | software FOLDER')
}

process.on('uncaughtException', defect)
process.on('disconnect', killSelf)

try {
  const server = new Server(start(process.argv[2], process.argv[3]), send)
  process.on('message', (message) => {
    server.receive(hostRequest.parse(message)).catch(defect)
  })
  send({ kind: 'ready' })
} catch (error) {
  send({ kind: 'unusable', error: failureOf(error) })
}
