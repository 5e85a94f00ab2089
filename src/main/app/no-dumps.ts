import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Log } from '../log/logger.ts'

/**
 * Keeps the memory of this process, and of all that it starts from here on, out of files when one of them dies: a PIN may be in it.
 *
 * RLIMIT_CORE is 1 byte, soft and hard. 0 would forbid a file and still hand the memory to a program that `core_pattern` names; 1
 * forbids both (core(5); the kernel ends a dump to a pipe at exactly that value). Node cannot set a limit, so prlimit(1) does, which
 * is in util-linux, a package that every Debian has. Node's own report of a fatal error, which holds the environment and the stacks,
 * stays off whatever the environment says.
 */
export function forbidDumps(log: Log, prlimit = '/usr/bin/prlimit'): void {
  process.report.reportOnFatalError = false
  process.report.reportOnSignal = false
  process.report.reportOnUncaughtException = false
  try {
    execFileSync(prlimit, ['--pid', String(process.pid), '--core=1:1'], { stdio: 'ignore', env: {}, timeout: 5_000 })
  } catch {
    // What counts is what the limit is now.
  }
  const limit = coreLimit()
  // The operator is told once, in the log: it is the administrator's to forbid then (docs/traps.md).
  if (limit !== '1') log('program.core-dumps-possible', { limit })
}

/** The soft limit of this process, as the kernel writes it; null where it does not say. */
function coreLimit(): string | null {
  try {
    return /^Max core file size\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? null
  } catch {
    return null
  }
}
