import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface DeskLock {
  onLock(listener: () => void): void
  /** logind is there and is listened to. Whether the screen locker tells logind is its own affair; the common ones do. */
  isSeen(): boolean
  stop(): void
}

const gdbus = '/usr/bin/gdbus'
const retryMs = 15_000

/**
 * Hears from logind when a session is locked or the machine is about to sleep, by `gdbus monitor` (package libglib2.0-bin), which
 * needs no rights. Every session's lock counts, not only our own: dropping a typed PIN too often costs nothing.
 */
export function watchDeskLock(log: (event: string, fields: Record<string, unknown>) => void): DeskLock {
  const listeners = new Set<() => void>()
  let monitor: ChildProcess | null = null
  let retry: NodeJS.Timeout | null = null
  let stopped = false
  let told = false
  let seen = false

  function start(): void {
    // The address is only set where there is a private bus, in tests.
    const address = process.env['DBUS_SYSTEM_BUS_ADDRESS']
    const child = spawn(gdbus, ['monitor', '--system', '--dest', 'org.freedesktop.login1'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: address === undefined ? {} : { DBUS_SYSTEM_BUS_ADDRESS: address },
    })
    monitor = child
    createInterface({ input: child.stdout }).on('line', (line) => {
      seen = logindIsThere(line) ?? seen
      if (meansLocked(line)) for (const listener of listeners) listener()
    })
    let gone = false
    function lost(fields: Record<string, unknown>): void {
      if (gone || stopped) return
      gone = true
      seen = false
      // Once: a machine without logind stays without.
      if (!told)
        log('desk-lock.not-watched', { ...fields, consequence: 'typed PINs are not dropped when the desk is locked' })
      told = true
      retry = setTimeout(start, retryMs)
      retry.unref()
    }
    child.once('error', (error) => lost({ error }))
    child.once('exit', (code, signal) => lost({ code, signal }))
  }

  start()
  return {
    onLock(listener) {
      listeners.add(listener)
    },
    isSeen: () => seen,
    stop() {
      stopped = true
      if (retry !== null) clearTimeout(retry)
      monitor?.kill('SIGTERM')
    },
  }
}

/** Lines of `gdbus monitor`: a path, a signal with its interface, the arguments as GVariant text. */
export function meansLocked(line: string): boolean {
  return (
    / org\.freedesktop\.login1\.Session\.Lock \(/.test(line) ||
    / org\.freedesktop\.login1\.Manager\.PrepareForSleep \(true,?\)/.test(line) ||
    // Screen lockers set the hint without a Lock signal when the operator locks by hand.
    / org\.freedesktop\.DBus\.Properties\.PropertiesChanged \('org\.freedesktop\.login1\.Session', .*'LockedHint': <true>/.test(
      line,
    )
  )
}

/** What `gdbus monitor` says first, and when the name changes hands. Null: the line says something else. */
export function logindIsThere(line: string): boolean | null {
  if (!line.startsWith('The name org.freedesktop.login1 ')) return null
  return / is owned by :/.test(line)
}
