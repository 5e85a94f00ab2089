import { err, ok, type Result } from '../../shared/result.ts'
import { limits } from './limits.ts'
import { deceptive } from './wire.ts'

export type NameFault =
  | 'empty'
  | 'too-long'
  | 'absolute'
  | 'empty-segment'
  | 'dot-segment'
  | 'deceptive-character'
  | 'unusual-space'
  | 'duplicate'
  | 'file-and-folder'

/**
 * Checks a path inside an artifact. Users of the server choose it; here it is only ever shown, sent back and compared, never
 * opened. A backslash is allowed: on Linux it is an ordinary character, and Debian's packages have it (`dev-disk-by\x2dlabel.device`).
 */
export function nameFault(path: string): NameFault | null {
  if (path === '') return 'empty'
  if (path.length > limits.pathLength) return 'too-long'
  if (deceptive.test(path)) return 'deceptive-character'
  // A no-break or ideographic space looks like the plain one; debusine itself allows none at all.
  if (/[^\S ]/u.test(path)) return 'unusual-space'
  if (path.startsWith('/')) return 'absolute'
  for (const segment of path.split('/')) {
    if (segment === '') return 'empty-segment'
    if (segment === '.' || segment === '..') return 'dot-segment'
    if (Buffer.byteLength(segment, 'utf8') > limits.segmentBytes) return 'too-long'
  }
  return null
}

/** Checks all paths of an artifact: no two that look the same or that could not stand side by side in a folder. */
export function namesFault(
  paths: readonly string[],
): Result<null, { readonly path: string; readonly fault: NameFault }> {
  const seen = new Set<string>()
  for (const path of paths) {
    const fault = nameFault(path)
    if (fault !== null) return err({ path, fault })
    const shown = path.normalize('NFC')
    if (seen.has(shown)) return err({ path, fault: 'duplicate' })
    seen.add(shown)
  }
  for (const path of seen) {
    const segments = path.split('/')
    for (let end = 1; end < segments.length; end++) {
      if (seen.has(segments.slice(0, end).join('/'))) return err({ path, fault: 'file-and-folder' })
    }
  }
  return ok(null)
}
