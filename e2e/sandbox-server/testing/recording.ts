import { readFileSync } from 'node:fs'
import { z } from 'zod'

const body = z
  .union([
    z.strictObject({ json: z.unknown() }),
    z.strictObject({ text: z.string(), size: z.number(), sha256: z.string().nullable().optional() }),
    z.strictObject({ base64: z.string(), size: z.number(), sha256: z.string() }),
    z.strictObject({ omitted: z.literal(true), size: z.number(), sha256: z.string().nullable() }),
  ])
  .nullable()
const headers = z.record(z.string(), z.string())

const event = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('http'),
    note: z.string().optional(),
    request: z.strictObject({ method: z.string(), path: z.string(), headers, body }),
    response: z.strictObject({ status: z.number(), headers, body }),
  }),
  z.strictObject({ kind: z.literal('ws-open'), ws: z.number(), token: z.string().nullable() }),
  z.strictObject({
    kind: z.literal('ws-message'),
    ws: z.number(),
    from: z.enum(['server', 'worker']),
    message: z.unknown(),
  }),
  z.strictObject({ kind: z.literal('ws-close'), ws: z.number(), from: z.enum(['server', 'worker']), code: z.number() }),
])

const recording = z.strictObject({ scenario: z.string(), debusine: z.string(), traffic: z.array(event) })

/** Traffic between a worker and a real server, reduced: see testdata/README.md. */
export type Recording = z.infer<typeof recording>
export type RecordedBody = z.infer<typeof body>
export type RecordedHttp = Extract<z.infer<typeof event>, { kind: 'http' }>

export function loadRecording(name: string): Recording {
  return recording.parse(JSON.parse(readFileSync(new URL(`../testdata/${name}.json`, import.meta.url), 'utf8')))
}

/** The work requests of a recording as they are first seen, with what is needed to make them anew. */
export interface RecordedWorkRequest {
  readonly id: number
  readonly task_name: string
  readonly task_type: string
  readonly task_data: Record<string, unknown>
  readonly created_by: number
  readonly workspace: string
  readonly status: string
  readonly result: string
  readonly artifacts: readonly number[]
  readonly workflow_data: Record<string, unknown>
  readonly dynamic_task_data: Record<string, unknown> | null
  readonly event_reactions: Record<string, unknown>
  readonly workflow_root?: number | null
  readonly scheduler_tags_required?: readonly string[]
}

export interface RecordedArtifact {
  readonly id: number
  readonly data: Record<string, unknown>
  readonly files: Record<string, { readonly size: number; readonly checksums: { readonly sha256: string } }>
}

/** Every JSON object in the answers of the recording, lists included. */
export function answersOf(recording: Recording): readonly Record<string, unknown>[] {
  return recording.traffic.flatMap((event) => {
    if (event.kind !== 'http') return []
    const { body } = event.response
    const value = body !== null && 'json' in body ? body.json : null
    if (typeof value !== 'object' || value === null) return []
    const record = value as Record<string, unknown>
    const results = record['results']
    return Array.isArray(results) ? (results as Record<string, unknown>[]) : [record]
  })
}

export function workRequestsOf(recording: Recording): ReadonlyMap<number, RecordedWorkRequest> {
  const found = new Map<number, RecordedWorkRequest>()
  for (const answer of answersOf(recording)) {
    if (answer['task_data'] === undefined || found.has(answer['id'] as number)) continue
    found.set(answer['id'] as number, answer as unknown as RecordedWorkRequest)
  }
  return found
}

export function artifactsOf(recording: Recording): ReadonlyMap<number, RecordedArtifact> {
  const found = new Map<number, RecordedArtifact>()
  for (const answer of answersOf(recording)) {
    if (answer['category'] === undefined || answer['files'] === undefined) continue
    found.set(answer['id'] as number, answer as unknown as RecordedArtifact)
  }
  return found
}
