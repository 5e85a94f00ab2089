import { createHash } from 'node:crypto'
import { chmod, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { handedOver } from '../../shared/by-hand.ts'
import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'

export type InstanceFailure = Failure<'already-running' | 'files-handed-over' | 'instance-not-claimed'>

export interface Instance {
  /** Calls `listener` at each second start; one that came before is told at once. */
  onSecondStart(listener: () => void): void
  /** Calls `listener` with the files that a second start hands over. Without a listener they are not taken, and the second start says so. */
  onFiles(listener: (paths: readonly string[]) => void): void
  release(): Promise<void>
}

/** sun_path of a Unix socket holds 108 bytes with its NUL (unix(7)). */
const longestPath = 107
const answerLimitMs = 3_000
/** UTF-16 units; that many paths of that length are not handed over by a person. */
const longestMessage = 1_000_000
const attempts = 20
const betweenAttemptsMs = 100

/**
 * One station for each profile. `socketPath` lies in a folder of mode 0700. A second start tells the first to come to the front, hands
 * over the `files` that it was named, and gets `already-running`.
 */
export async function claimInstance(
  socketPath: string,
  files: readonly string[] = [],
): Promise<Result<Instance, InstanceFailure>> {
  if (Buffer.byteLength(socketPath) > longestPath) {
    return err(notClaimed(`the path ${socketPath} is longer than a socket's name may be (${longestPath} bytes)`))
  }
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const first = await reachFirst(socketPath, files)
    if (first !== 'nobody') return err(first === 'took-files' ? tookFiles : alreadyRunning)
    const guard = await listen(guardName(socketPath))
    // Somebody else is between "nobody answers" and "I listen": ask again whether he answers now.
    if (guard === null) {
      await new Promise((resolve) => setTimeout(resolve, betweenAttemptsMs))
      continue
    }
    try {
      const again = await reachFirst(socketPath, files)
      if (again !== 'nobody') return err(again === 'took-files' ? tookFiles : alreadyRunning)
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
  let onFiles: ((paths: readonly string[]) => void) | null = null
  let cameBefore = false
  await rm(socketPath, { force: true })
  const server = await listen(socketPath, {
    called: () => {
      if (listeners.size === 0) cameBefore = true
      for (const listener of listeners) listener()
    },
    files: (paths) => {
      onFiles?.(paths)
      return onFiles !== null
    },
  })
  if (server === null) return err(notClaimed(`the socket ${socketPath} cannot be made`))
  await chmod(socketPath, 0o600)
  return ok({
    onSecondStart(listener) {
      listeners.add(listener)
      if (cameBefore) listener()
      cameBefore = false
    },
    onFiles(listener) {
      onFiles = listener
    },
    async release() {
      // Closing removes the socket's file.
      await new Promise((resolve) => server.close(resolve))
    },
  })
}

interface Calls {
  readonly called: () => void
  /** Whether somebody takes them: a command without a window does not. */
  readonly files: (paths: readonly string[]) => boolean
}

function listen(path: string, calls?: Calls): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {})
      calls?.called()
      if (calls === undefined) socket.end()
      else receive(socket, calls.files)
    })
    server.once('error', () => resolve(null))
    server.listen(path, () => resolve(server))
  })
}

/** One line of JSON, or nothing. Whoever connects is this user; what he sends is offered to the person at the window, and no more. */
function receive(socket: Socket, files: Calls['files']): void {
  let text = ''
  let over = false
  const end = () => {
    if (over) return
    over = true
    const paths = text === '' ? [] : pathsOf(text)
    const taken = paths !== null && paths.length > 0 && files(paths)
    socket.end(paths === null ? 'not understood\n' : taken ? 'taken\n' : 'shown\n')
  }
  socket.setEncoding('utf8')
  socket.setTimeout(answerLimitMs, end)
  socket.on('data', (part: string) => {
    text += part
    if (text.length > longestMessage) text = '-'
    if (text === '-' || text.endsWith('\n')) end()
  })
  socket.on('end', end)
}

function pathsOf(text: string): readonly string[] | null {
  try {
    const parsed = handedOver.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data.open : null
  } catch {
    return null
  }
}

/**
 * Whether a first start is alive there. It is asked to show itself by being connected to; one that hangs counts as alive, and has not
 * taken the files.
 */
function reachFirst(socketPath: string, files: readonly string[]): Promise<'nobody' | 'alive' | 'took-files'> {
  return new Promise((resolve) => {
    const socket = connect(socketPath)
    let connected = false
    let answer = ''
    socket.setEncoding('utf8')
    socket.setTimeout(answerLimitMs, () => socket.destroy())
    socket.on('connect', () => {
      connected = true
      socket.end(files.length === 0 ? '' : `${JSON.stringify({ open: files })}\n`)
    })
    socket.on('error', () => {})
    socket.on('data', (part: string) => {
      answer = (answer + part).slice(0, 100)
    })
    socket.on('close', () => resolve(!connected ? 'nobody' : answer === 'taken\n' ? 'took-files' : 'alive'))
  })
}

const alreadyRunning: InstanceFailure = {
  kind: 'refused',
  code: 'already-running',
  message: 'Signing Station is running already with this profile; its window was brought to the front.',
}

const tookFiles: InstanceFailure = {
  kind: 'refused',
  code: 'files-handed-over',
  message:
    'Signing Station is running already with this profile; its window was brought to the front and shows the files.',
}

function notClaimed(reason: string): InstanceFailure {
  return {
    kind: 'unavailable',
    code: 'instance-not-claimed',
    message: `Signing Station could not make sure that it is the only one with this profile: ${reason}. Nothing was started.`,
  }
}
