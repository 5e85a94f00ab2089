import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Answer } from './https-call.ts'
import type { RecordedHttp } from './recording.ts'
import { type IdKind, normalised, type Translation } from './translation.ts'

/** Differences between an answer's body and the recorded one. */
export function compareBody(
  where: string,
  event: RecordedHttp,
  answer: Answer,
  translation: Translation,
  bodies: ReadonlyMap<string, Buffer>,
): readonly string[] {
  const recorded = event.response.body
  if (recorded === null) {
    const empty = answer.body.length === 0 || answer.status === 301
    return empty ? [] : [`${where}: a body where none was recorded`]
  }
  if ('json' in recorded) {
    const status = event.request.path.endsWith('/service-status/')
    const assets = event.request.path.includes('/asset/?workspace=')
    const simplify = (value: unknown) => (status ? counted(value) : assets ? keysOnly(value) : trimmed(value))
    const wanted = normalised(simplify(translation.json(recorded.json, idKind(event.request.path))))
    const got = normalised(simplify(JSON.parse(answer.body.toString('utf8'))))
    return isDeepStrictEqual(got, wanted)
      ? []
      : [`${where}:\n   got ${JSON.stringify(got)}\n  want ${JSON.stringify(wanted)}`]
  }
  // Pages are for people, archives carry their time: status and type were compared.
  const page = event.response.headers['content-type']?.startsWith('text/html') === true
  const archive = event.request.path.includes('/download/?') || event.request.path.endsWith('/download/')
  if (page || archive) return []
  if (answer.body.length !== recorded.size) return [`${where}: ${answer.body.length} bytes for ${recorded.size}`]
  const known = 'base64' in recorded || ('text' in recorded && !bodies.has(recorded.sha256 ?? ''))
  const same = sha256Of(answer.body) === recorded.sha256
  return !known || same || answer.body.every((byte) => byte === 0) ? [] : [`${where}: other bytes`]
}

/** Lists: how many there are depends on what else lives on the server; the first entry and the keys do not. */
function trimmed(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(-1)
  if (typeof value !== 'object' || value === null || !('results' in value)) return value
  const { results } = value
  return { ...value, next: 'PAGE', previous: 'PAGE', results: Array.isArray(results) ? results.slice(0, 1) : results }
}

/** All assets of a workspace: others than the ones of this recording live there too. */
function keysOnly(value: unknown): unknown {
  return Array.isArray(value) ? Object.keys((value[0] ?? {}) as object).sort() : value
}

function counted(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, item: unknown) => (typeof item === 'number' ? 'NUMBER' : item)),
  ) as unknown
}

/** What the `id` in an answer of this path names. */
export function idKind(path: string): IdKind | null {
  if (path.includes('/work-request/')) return 'work-request'
  if (path.includes('/artifact-relation/')) return 'relation'
  if (path.includes('/api/1.0/artifact/')) return 'artifact'
  return path.includes('/asset/') && !path.endsWith('_with/') ? 'asset' : null
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
