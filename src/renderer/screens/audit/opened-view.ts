import type { FoundLog, OpenedLog } from '../../../shared/audit.ts'
import type { Input } from '../../../shared/contract.ts'
import { shortSize, utc } from '../../parts/format.ts'

const kinds: Record<OpenedLog['kind'], string> = { export: 'Export', database: 'Database of a station' }

export function openedWords({ kind }: OpenedLog): string {
  return kinds[kind]
}

/** What tells one found file from another, in one line below its name. */
export function foundWords(found: FoundLog): string {
  return `${kinds[found.kind]}, ${shortSize(found.bytes)}, ${utc(found.at)}`
}

/** What is wrong with a typed path, or null. Main judges the file. */
export function pathProblem(path: string): string | null {
  const typed = path.trim()
  return typed === '' || (typed.startsWith('/') && !typed.includes('\0')) ? null : 'The path has to begin with “/”.'
}

/** What was typed, as main takes it. A checkpoint that was copied out of a mail has lost its last line end, or got others. */
export function openInput(typed: {
  readonly path: string
  readonly vkey: string
  readonly checkpoint: string
}): Input<'audit.open'> {
  const vkey = typed.vkey.trim()
  const checkpoint = typed.checkpoint.replaceAll('\r\n', '\n').trim()
  return {
    path: typed.path.trim(),
    vkey: vkey === '' ? null : vkey,
    checkpoint: checkpoint === '' ? null : `${checkpoint}\n`,
  }
}
