import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { readHanded } from './handed.ts'
import type { Wanted } from './verify-arguments.ts'
import { verifyDatabase } from './verify-database.ts'
import { verifyExport } from './verify-export.ts'
import type { Outcome } from './verify-output.ts'
import { verifyProof } from './verify-proof.ts'

/** Reads what was named and runs the verifier that fits the target. */
export function verifyTarget(wanted: Wanted): Outcome {
  try {
    // It is read more than once, and a pipe has everything only once.
    if (!statSync(wanted.target).isFile())
      return {
        kind: 'usage',
        sentence: `${wanted.target} is no file. What comes from a pipe has to be put into one first.`,
      }
    const handed = readHanded(wanted)
    if (!handed.ok) return { kind: 'usage', sentence: handed.error }
    switch (kindOf(wanted.target)) {
      case 'database':
        return verifyDatabase(handed.value)
      case 'proof':
        return verifyProof(handed.value)
      case 'export':
        return verifyExport(handed.value)
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && 'syscall' in error)) throw error
    return { kind: 'usage', sentence: `A file cannot be read: ${error.message}.` }
  }
}

export function kindOf(path: string): 'database' | 'proof' | 'export' {
  const start = Buffer.alloc(24)
  const file = openSync(path, 'r')
  try {
    const length = readSync(file, start, 0, start.length, 0)
    const text = start.toString('latin1', 0, length)
    if (text.startsWith('SQLite format 3\0')) return 'database'
    // What begins like nothing we know is an export whose beginning was changed; its verifier says so.
    return text.startsWith('c2sp.org/tlog-proof@') ? 'proof' : 'export'
  } finally {
    closeSync(file)
  }
}
