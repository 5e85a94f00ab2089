import { createHash } from 'node:crypto'
import { chmod, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'

export type InstanceFailure = Failure<'already-running' | 'instance-not-claimed'>

export interface Instance {
  /** Calls `listener` at each second start; one that came before is told at once. */
  onSecondStart(listener: () => void): void
  release(): Promise<void>
}

/** sun_path of a Unix socket holds 108 bytes with its NUL (unix(7)). */
const longestPath = 107
const answerLimitMs = 3_000
const attempts = 20
const betweenAttemptsMs = 100

/**
 * One station for each profile. `socketPath` lies in a folder of mode 0700. A second start tells the first to come to the front and
 * gets `already-running`.
 */
export async function claimInstance(socketPath: string): Promise<Result<Instance, InstanceFailure>> {
  if (Buffer.byteLength(socketPath) > longestPath) {
    return err(notClaimed(`the path ${socketPath} is longer than a socket's name may be (${longestPath} bytes)`))
  }
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    if (await reachFirst(socketPath)) return err(alreadyRunning)
    const guard = await listen(guardName(socketPath))
    // Somebody else is between "nobody answers" and "I listen": ask again whether he answers now.
    if (guard === null) {
      await new Promise((resolve) => setTimeout(resolve, betweenAttemptsMs))
      continue
    }
    try {
      if (await reachFirst(socketPath)) return err(alreadyRunning)
      return await claim(socketPath)
    } finally {
      guard.close()
    }
  }
  return err(notClaimed('another start has been under way for two seconds'))
}

/**
 * A name in the kernel's abstract space (unix(7)): bound by one process at a time and free again when that process dies. It guards
 * only the moment in which a dead station's socket is replaced; two starts at once would each delete the other's.
 */
function guardName(socketPath: string): string {
  return `\0signing-station-start-${createHash('sha256').update(socketPath).digest('hex')}`
}

async function claim(socketPath: string): Promise<Result<Instance, InstanceFailure>> {
  const listeners = new Set<() => void>()
  let cameBefore = false
  await rm(socketPath, { force: true })
  const server = await listen(socketPath, (): void => {
    if (listeners.size === 0) cameBefore = true
    for (const listener of listeners) listener()
  })
  if (server === null) return err(notClaimed(`the socket ${socketPath} cannot be made`))
  await chmod(socketPath, 0o600)
  return ok({
    onSecondStart(listener) {
      listeners.add(listener)
      if (cameBefore) listener()
      cameBefore = false
    },
    async release() {
      // Closing removes the socket's file.
      await new Promise((resolve) => server.close(resolve))
    },
  })
}

function listen(path: string, onCall?: () => void): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      // Whoever connects can only ask for the window; what it writes is not read.
      onCall?.()
      socket.end('shown\n')
    })
    server.once('error', () => resolve(null))
    server.listen(path, () => resolve(server))
  })
}

/** Whether a first start is alive there. It is asked to show itself by being connected to; one that hangs counts as alive. */
function reachFirst(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath)
    let connected = false
    socket.setTimeout(answerLimitMs, () => socket.destroy())
    socket.on('connect', () => (connected = true))
    socket.on('error', () => {})
    socket.on('close', () => resolve(connected))
    socket.resume()
  })
}

const alreadyRunning: InstanceFailure = {
  kind: 'refused',
  code: 'already-running',
  message: 'Signing Station is running already with this profile; its window was brought to the front.',
}

function notClaimed(reason: string): InstanceFailure {
  return {
    kind: 'unavailable',
    code: 'instance-not-claimed',
    message: `Signing Station could not make sure that it is the only one with this profile: ${reason}. Nothing was started.`,
  }
}
