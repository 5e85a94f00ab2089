import { createHash } from 'node:crypto'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { DocumentFault } from '../../../shared/upload-facts.ts'

/** A document that was signed: what its parents have to say of it from now on. */
export interface SignedChild {
  readonly name: string
  readonly size: number
  readonly md5: string
  readonly sha1: string
  readonly sha256: string
}

export function signedChild(name: string, bytes: Uint8Array): SignedChild {
  const digest = (algorithm: string) => createHash(algorithm).update(bytes).digest('hex')
  return { name, size: bytes.length, md5: digest('md5'), sha1: digest('sha1'), sha256: digest('sha256') }
}

type Section = 'files' | 'md5' | 'sha1' | 'sha256'
const sections: Readonly<Record<string, Section>> = {
  files: 'files',
  'checksums-md5': 'md5',
  'checksums-sha1': 'sha1',
  'checksums-sha256': 'sha256',
}

/**
 * Puts the new size and digests of a signed child into its parent, as debsign's `fixup_control` does: in every list that names it, the
 * first line that does, and nothing else of the file. A parent that does not name the child at all is left as it is, as there.
 * Lists that disagree about whether they name it are refused: the parser let no such file through, so the file was changed.
 */
export function withChild(body: Uint8Array, child: SignedChild): Result<Uint8Array, DocumentFault> {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const parts: Uint8Array[] = []
  const met = new Map<Section, boolean>()
  let section: Section | null = null
  for (let start = 0; start < text.length; ) {
    const found = text.indexOf(0x0a, start)
    const end = found === -1 ? text.length : found + 1
    // Only ASCII lines are compared; Latin-1 keeps every other byte apart.
    const line = text.toString('latin1', start, end)
    if (!line.startsWith(' ') && !line.startsWith('\t')) {
      section = sections[/^([^:]+):/.exec(line)?.[1]?.toLowerCase() ?? ''] ?? null
      if (section !== null) met.set(section, false)
    }
    const entry = section === null || met.get(section) === true ? null : entryFor(section, line, child)
    if (entry === null || section === null) {
      parts.push(text.subarray(start, end))
    } else {
      met.set(section, true)
      parts.push(Buffer.from(entry, 'latin1'))
    }
    start = end
  }
  const named = [...met.values()].filter(Boolean).length
  if (named > 0 && named < met.size)
    return err({ code: 'lists-differ', message: `Not every list of files names ${child.name}. Nothing was signed.` })
  return ok(named === 0 ? body : Buffer.concat(parts))
}

/** The line about the child with its new values. Null: a line about something else. */
function entryFor(section: Section, line: string, child: SignedChild): string | null {
  const columns = line.trimEnd().split(' ')
  if (columns.at(-1) !== child.name || columns[0] !== '') return null
  if (section !== 'files') return columns.length === 4 ? ` ${child[section]} ${child.size} ${child.name}\n` : null
  const [, , , fileSection, priority] = columns
  if (columns.length === 6) return ` ${child.md5} ${child.size} ${fileSection} ${priority} ${child.name}\n`
  return null
}
