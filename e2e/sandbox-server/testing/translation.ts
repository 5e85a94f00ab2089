export type IdKind = 'artifact' | 'work-request' | 'relation' | 'asset' | 'worker'

/** Names of one run for the names of another: ids, tokens and digests of the recording and of the sandbox. */
export interface Translation {
  readonly ids: ReadonlyMap<IdKind, Map<number, number>>
  readonly texts: Map<string, string>
  learn(kind: IdKind, recorded: number, actual: number): void
  knows(kind: IdKind, recorded: number): boolean
  id(kind: IdKind, recorded: number): number
  text(recorded: string): string
  json(recorded: unknown, idKind: IdKind | null): unknown
}

const kindOfKey: Readonly<Record<string, IdKind>> = {
  artifact_id: 'artifact',
  artifact: 'artifact',
  target: 'artifact',
  artifacts: 'artifact',
  unsigned: 'artifact',
  unsigned_id: 'artifact',
  source_artifact: 'artifact',
  source_artifact_id: 'artifact',
  signed_artifact: 'artifact',
  parent: 'work-request',
  workflow_root: 'work-request',
  unsigned_ids: 'artifact',
  lookup: 'artifact',
  work_request_id: 'work-request',
  work_request: 'work-request',
  worker: 'worker',
}

const inText: readonly (readonly [RegExp, IdKind])[] = [
  [/(?<=\/artifact\/(?:[a-z]+\/)?)\d+/g, 'artifact'],
  [/(?<=[Aa]rtifact[ -])\d+/g, 'artifact'],
  [/(?<=^Id: )\d+/g, 'artifact'],
  [/(?<=\/work-request\/)\d+/g, 'work-request'],
  [/(?<=work_request=)\d+/g, 'work-request'],
  [/(?<=artifact=)\d+/g, 'artifact'],
  [/(?<=is not an input to )\d+/g, 'work-request'],
  [/(?<=cannot (?:abort|confirm) )\d+/g, 'work-request'],
  [/(?<=for-signature-|upload-signed-|external-debsign-|upload for )\d+/g, 'artifact'],
]

export function createTranslation(): Translation {
  const kinds: readonly IdKind[] = ['artifact', 'work-request', 'relation', 'asset', 'worker']
  const ids = new Map<IdKind, Map<number, number>>(kinds.map((kind) => [kind, new Map()]))
  const texts = new Map<string, string>()
  const id = (kind: IdKind, recorded: number) => ids.get(kind)?.get(recorded) ?? recorded

  function text(recorded: string): string {
    let result = recorded
    for (const [from, to] of texts) result = result.replaceAll(from, to)
    for (const [pattern, kind] of inText) {
      result = result.replaceAll(pattern, (number) => String(id(kind, Number(number))))
    }
    return result
  }

  function json(value: unknown, kind: IdKind | null): unknown {
    if (typeof value === 'number') return kind === null ? value : id(kind, value)
    if (typeof value === 'string') return text(value)
    if (Array.isArray(value)) return value.map((item) => json(item, kind))
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value).map(([key, item]) => [text(key), json(item, kindOfKey[key] ?? null)])
    return Object.fromEntries(entries) as unknown
  }

  return {
    ids,
    texts,
    learn: (kind, recorded, actual) => ids.get(kind)?.set(recorded, actual),
    knows: (kind, recorded) => ids.get(kind)?.has(recorded) === true,
    id,
    text,
    json: function translate(recorded, idKind): unknown {
      if (Array.isArray(recorded)) return recorded.map((item) => translate(item, idKind))
      if (typeof recorded === 'object' && recorded !== null && 'results' in recorded) {
        return { ...recorded, results: translate(recorded.results, idKind) }
      }
      const value = json(recorded, null)
      const own = typeof value === 'object' && value !== null && !Array.isArray(value)
      if (!own || idKind === null || !('id' in value)) return value
      return { ...value, id: id(idKind, Number(value.id)) }
    },
  }
}

/** What an answer may freely choose: times, durations, tokens, cursors, the wording of the model library. */
export function normalised(value: unknown, key: string | null = null): unknown {
  if (Array.isArray(value)) return value.map((item) => normalised(item, key))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, item]) => [name, normalised(item, name)]),
    )
  }
  if (key === 'duration' && typeof value === 'number') return 'SECONDS'
  if (typeof value !== 'string') return value
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(value)) return 'TIME'
  if (key === 'token' && /^[0-9a-f]{64}$/.test(value)) return 'TOKEN'
  if (value.startsWith('JSON parse error - ')) return 'JSON parse error'
  if (value.includes(' validation error')) {
    const [title = '', ...lines] = value.split('\n')
    return [title, ...lines.filter((line) => !line.startsWith(' '))].join(' | ')
  }
  return value.replaceAll(/(?<=cursor=)[A-Za-z0-9%=]+/g, 'CURSOR')
}
