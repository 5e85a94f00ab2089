import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export type Fault =
  | 'none'
  | 'hang'
  | 'abort'
  | 'segfault'
  | 'exit'
  | 'delay'
  | 'removed'
  | 'no-touch'
  | 'full'
  | 'garbage'
  | 'short'
  | 'swap'
  | 'login-hangs'
  | 'second-login-hangs'
  | 'final-try'
  | 'locked'
  // Of the token with the label `two` alone.
  | 'two-final-try'
  | 'two-locked'
  | 'twins'
  | 'no-serial'
  | 'info-crash'
  | 'no-reader'
  /** Calls itself a YubiKey, which a device on USB can be; slow after FAULT_AFTER signatures. */
  | 'yubico'
  // Of C_GenerateKeyPair, from here on.
  | 'generate-hangs'
  | 'generate-aborts'
  | 'generate-removed'
  | 'generate-lies'
  | 'generate-other-key'
  | 'generate-unprotected'
  | 'generate-extractable'
  | 'generate-refuses'

/** Compiles the module into a folder; null where there is no C compiler. */
export function compileFaultModule(folder: string): string | null {
  const source = fileURLToPath(new URL('./fault-module.c', import.meta.url))
  const output = join(folder, 'fault-module.so')
  const compiled = spawnSync('gcc', ['-shared', '-fPIC', '-O1', '-w', '-o', output, source, '-ldl'], {
    encoding: 'utf8',
  })
  if (compiled.error !== undefined) return null
  if (compiled.status !== 0) throw new Error(`the fault module does not compile: ${compiled.stderr}`)
  return output
}

export function faultEnvironment(fault: Fault, realModule: string, logPath: string, after = 0): Record<string, string> {
  return { FAULT: fault, FAULT_MODULE: realModule, FAULT_LOG: logPath, FAULT_AFTER: String(after) }
}
