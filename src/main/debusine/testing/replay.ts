import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Arrived, Handler } from './peer.ts'

type Body = { readonly json: unknown } | { readonly text: string } | { readonly base64: string } | null

export interface RecordedExchange {
  readonly request: {
    readonly method: string
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
    readonly body: Body
  }
  readonly response: {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: Body
  }
}

export function recorded(name: string): readonly RecordedExchange[] {
  const text = readFileSync(join(import.meta.dirname, '..', 'testdata', `${name}.json`), 'utf8')
  return (JSON.parse(text) as { traffic: RecordedExchange[] }).traffic // our own file
}

/**
 * Answers with recorded answers, each once, to requests that agree with the recorded ones: verb, path, token, scope of 0.16,
 * range of an upload and JSON body. Anything else gets 599 and is listed in `strays`.
 */
export function replay(
  traffic: readonly RecordedExchange[],
  origin: string,
): { readonly answer: Handler; readonly strays: string[]; readonly left: () => readonly string[] } {
  const waiting = [...traffic]
  const strays: string[] = []
  return {
    strays,
    left: () => waiting.map(({ request }) => `${request.method} ${request.path}`),
    answer: (arrived, response) => {
      const at = waiting.findIndex((each) => agrees(each, arrived))
      const found = waiting[at]
      if (found === undefined) {
        strays.push(`${arrived.method} ${arrived.path} ${arrived.body.toString('utf8').slice(0, 400)}`)
        response.writeHead(599).end()
        return
      }
      waiting.splice(at, 1)
      const body = bytesOf(found.response.body, origin)
      response.writeHead(found.response.status, { ...found.response.headers, 'content-length': body.length })
      response.end(body)
    },
  }
}

function agrees({ request }: RecordedExchange, arrived: Arrived): boolean {
  if (request.method !== arrived.method || decodeURIComponent(request.path) !== decodeURIComponent(arrived.path))
    return false
  if ((request.headers['token'] ?? null) !== (arrived.headers['token'] ?? null)) return false
  const upload = request.headers['content-range']
  if (upload !== undefined && upload !== arrived.headers['content-range']) return false
  const scope = request.headers['x-debusine-scope']
  // The worker of 0.11 names the default scope, which is not told to us and is the same as none.
  if (arrived.headers['x-debusine-scope'] !== undefined && arrived.headers['x-debusine-scope'] !== scope) return false
  if (
    request.headers['token']?.startsWith('2') === true &&
    request.path.startsWith('/api/') &&
    arrived.headers['x-debusine-scope'] !== 'debusine'
  )
    return false
  if (request.path.endsWith('/completed/'))
    return resultOf(request.body) === (JSON.parse(arrived.body.toString('utf8')) as { result: string }).result
  if (request.body !== null && 'json' in request.body)
    return isDeepStrictEqual(JSON.parse(arrived.body.toString('utf8')), request.body.json)
  return bytesOf(request.body, '').equals(arrived.body)
}

function resultOf(body: Body): unknown {
  return body !== null && 'json' in body ? (body.json as { result: unknown }).result : null
}

export function bytesOf(body: Body, origin: string): Buffer {
  if (body === null) return Buffer.alloc(0)
  if ('base64' in body) return Buffer.from(body.base64, 'base64')
  return Buffer.from(
    'text' in body ? body.text : JSON.stringify(body.json).replaceAll('https://debusine.example', origin),
  )
}
