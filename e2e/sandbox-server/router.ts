import { createArtifact, getArtifact } from './artifact-routes.ts'
import { createAsset, listAssets } from './asset-routes.ts'
import { downloadArchive, downloadFile } from './download-routes.ts'
import type { Caller, Exchange } from './exchange.ts'
import type { Dialect } from './model.ts'
import { checkPermission } from './permission-route.ts'
import { createRelation, listRelations } from './relation-routes.ts'
import { credentialsMissing, empty, notFoundPage, page, permissionDenied, problem, type Reply } from './reply.ts'
import type { RouteName } from './route-names.ts'
import { violation } from './state.ts'
import { uploadFile } from './upload-route.ts'
import { confirmTask, getConfirm, getExternalDebsign, provideSignature } from './wait-routes.ts'
import {
  abortWorkRequest,
  completeWorkRequest,
  createWorkRequest,
  fetchWorkRequest,
  getWorkRequest,
  listWorkRequests,
  retryWorkRequest,
} from './work-request-routes.ts'
import { registerWorker, serviceStatus, setMetadata, whoami } from './worker-routes.ts'

type Handler = (exchange: Exchange, body: unknown) => Reply

interface Route {
  readonly names: Readonly<Record<string, RouteName>>
  readonly pattern: RegExp
  readonly dialects: readonly Dialect[]
  /** Methods that the real server has here, as its `Allow` header says; `HEAD` and `OPTIONS` are added. */
  readonly allow: readonly string[]
  readonly callers: readonly Caller['kind'][]
  readonly handlers: Readonly<Record<string, Handler>>
  readonly web: boolean
}

const both: readonly Dialect[] = ['0.11', '0.16']
const anyone = ['anonymous', 'user', 'worker', 'work-request'] as const
const anyToken = ['user', 'worker', 'work-request'] as const
const api = '^/api/1\\.0/'

/** The first route that matches decides; the table is per dialect because 0.16 took rights from the worker's own token. */
export function createRoutes(dialect: Dialect, settleMs: number): readonly Route[] {
  const old = dialect === '0.11'
  const route = (
    pattern: string,
    names: Readonly<Record<string, RouteName>>,
    handlers: Readonly<Record<string, Handler>>,
    callers: readonly Caller['kind'][],
    more: Partial<Pick<Route, 'dialects' | 'allow' | 'web'>> = {},
  ): Route => ({
    names,
    pattern: new RegExp(pattern),
    handlers,
    callers,
    dialects: both,
    allow: Object.keys(handlers),
    web: false,
    ...more,
  })
  const holders = old ? anyToken : (['user', 'work-request'] as const)
  const requestVerbs = { allow: ['GET', 'POST', 'PUT', 'PATCH'] }
  return [
    route(`${api}whoami/$`, { GET: 'whoami' }, { GET: whoami }, anyone),
    route(`${api}service-status/$`, { GET: 'service-status' }, { GET: serviceStatus }, anyone),
    route(`${api}worker/register/$`, { POST: 'worker.register' }, { POST: registerWorker }, anyone),
    route(`${api}worker/dynamic-metadata/$`, { PUT: 'worker.metadata' }, { PUT: setMetadata }, ['worker']),
    route(
      `${api}work-request/get-next-for-worker/$`,
      { GET: 'work-request.fetch', POST: 'work-request.fetch' },
      old ? { GET: fetchWorkRequest } : { POST: fetchWorkRequest },
      ['worker'],
    ),
    route(
      `${api}work-request/$`,
      { GET: 'work-request.list' },
      { GET: listWorkRequests, POST: createWorkRequest },
      holders,
      requestVerbs,
    ),
    route(
      `${api}work-request/(?<id>\\d+)/$`,
      { GET: 'work-request.get' },
      { GET: getWorkRequest },
      holders,
      requestVerbs,
    ),
    route(
      `${api}work-request/(?<id>\\d+)/completed/$`,
      { PUT: 'work-request.complete' },
      { PUT: (exchange, body) => completeWorkRequest(exchange, body, settleMs) },
      old ? ['worker'] : ['work-request'],
    ),
    route(
      `${api}work-request/(?<id>\\d+)/abort/$`,
      { POST: 'work-request.abort' },
      { POST: abortWorkRequest },
      anyToken,
      { dialects: ['0.16'] },
    ),
    route(
      `${api}work-request/(?<id>\\d+)/retry/$`,
      { POST: 'work-request.retry' },
      { POST: retryWorkRequest },
      anyToken,
    ),
    route(
      `${api}work-request/(?<id>\\d+)/confirm/$`,
      { GET: 'work-request.confirm', POST: 'work-request.confirm' },
      { GET: getConfirm, POST: confirmTask },
      ['user'],
      { dialects: ['0.16'] },
    ),
    route(
      `${api}work-request/(?<id>\\d+)/external-debsign/$`,
      { GET: 'work-request.external-debsign', POST: 'work-request.external-debsign' },
      { GET: getExternalDebsign, POST: provideSignature },
      ['user'],
    ),
    route(`${api}artifact/$`, { POST: 'artifact.create' }, { POST: createArtifact }, anyone, {
      allow: ['GET', 'POST'],
    }),
    route(`${api}artifact/(?<id>\\d+)/$`, { GET: 'artifact.get' }, { GET: getArtifact }, anyone, {
      allow: ['GET', 'POST'],
    }),
    route(`${api}artifact/(?<workspace>[^/]+)/(?<id>\\d+)/$`, { GET: 'artifact.get' }, { GET: getArtifact }, anyone, {
      dialects: ['0.16'],
    }),
    route(`${api}artifact/(?<id>\\d+)/files/(?<path>.+)/$`, { PUT: 'file.upload' }, { PUT: uploadFile }, holders),
    route(
      `${api}artifact-relation/$`,
      { GET: 'relation', POST: 'relation' },
      { GET: listRelations, POST: createRelation },
      holders,
      { allow: ['GET', 'POST', 'DELETE'] },
    ),
    route(`${api}asset/$`, { GET: 'asset', POST: 'asset' }, { GET: listAssets, POST: createAsset }, holders),
    route(
      `${api}asset/(?<category>[^/]+)/(?<slug>[^/]+)/(?<permission>[^/]+)/$`,
      { POST: 'asset.permission' },
      { POST: checkPermission },
      old ? anyone : ['work-request'],
    ),
    route(
      '^/(?<scope>[^/]+)/(?<workspace>[^/]+)/artifact/(?<id>\\d+)/download/$',
      { GET: 'archive.download' },
      { GET: downloadArchive },
      anyone,
      { web: true },
    ),
    route(
      '^/(?<scope>[^/]+)/(?<workspace>[^/]+)/artifact/(?<id>\\d+)/download/(?<path>.+)$',
      { GET: 'file.download' },
      { GET: downloadFile },
      anyone,
      { web: true },
    ),
  ].filter((candidate) => candidate.dialects.includes(dialect))
}

export interface Matched {
  readonly route: Route | null
  readonly name: RouteName | 'unknown'
  readonly params: Readonly<Record<string, string>>
}

export function matchRoute(routes: readonly Route[], method: string, path: string): Matched {
  for (const route of routes) {
    const match = route.pattern.exec(path)
    if (match === null) continue
    const verb = method === 'HEAD' ? 'GET' : method
    const params: Record<string, string> = {}
    for (const [key, value] of Object.entries(match.groups ?? {})) params[key] = decode(value)
    return { route, name: route.names[verb] ?? 'unknown', params }
  }
  return { route: null, name: 'unknown', params: {} }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Answers one call: redirect for a missing slash, rights, method, body, then the handler. The order is that of the real server. */
export function answer(routes: readonly Route[], matched: Matched, exchange: Exchange): Reply {
  const { state, method, path, caller } = exchange
  const { route } = matched
  if (route === null) {
    if (path.startsWith('/api/') && matchRoute(routes, method, `${path}/`).route !== null) {
      violation(state, 'slash-missing', `${method} ${path}`)
      return { ...page(301, 'Moved Permanently'), headers: { location: `${path}/` } }
    }
    return notFoundPage
  }
  if (!route.web && !state.scopes.has(exchange.scope)) {
    return page(404, '404 Not Found', 'No Scope matches the given query.')
  }
  const reply = serve(route, exchange)
  if (route.web) return reply
  const verbs = route.allow
  const head = verbs.includes('GET') ? ['HEAD'] : []
  const vary = reply.body.kind === 'json' && method === 'GET' ? 'Accept-Encoding, Accept, Cookie, Token' : null
  return {
    ...reply,
    headers: {
      allow: [...verbs, ...head, 'OPTIONS'].join(', '),
      vary: vary ?? 'Accept, Cookie, Token',
      ...reply.headers,
    },
  }

  function serve(route: Route, exchange: Exchange): Reply {
    if (!route.callers.includes(caller.kind)) {
      if (caller.kind === 'worker' && state.dialect === '0.16') {
        violation(state, 'worker-token-after-fetch', `${method} ${path} with the worker's own token`)
      }
      return caller.kind === 'anonymous' ? credentialsMissing : permissionDenied
    }
    const verb = method === 'HEAD' ? 'GET' : method
    if (method === 'OPTIONS') return empty(200)
    if (!route.allow.includes(verb)) {
      if (path.endsWith('/get-next-for-worker/')) violation(state, 'fetch-with-wrong-verb', method)
      return problem(405, 'Error', { detail: `Method "${method}" not allowed.` })
    }
    const handler = route.handlers[verb]
    if (handler === undefined) {
      violation(state, 'outside-the-sandbox', `${method} ${path}`)
      return problem(501, 'The sandbox does not serve this call', { detail: `${method} ${path}` })
    }
    if (caller.kind === 'work-request' && !route.web && exchange.headers['x-debusine-scope'] === undefined) {
      violation(state, 'scope-header-missing', `${method} ${path}`)
    }
    if (verb === 'GET' || handler === uploadFile) return handler(exchange, null)
    const parsed = parseJson(exchange)
    return parsed.ok ? handler(exchange, parsed.value) : parsed.reply
  }
}

function parseJson(
  exchange: Exchange,
): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reply: Reply } {
  if (exchange.body.length === 0) return { ok: true, value: {} }
  const type = exchange.headers['content-type'] ?? ''
  if (!type.startsWith('application/json')) {
    const reply = problem(415, 'Error', { detail: `Unsupported media type "${type}" in request.` })
    return { ok: false, reply }
  }
  try {
    return { ok: true, value: JSON.parse(exchange.body.toString('utf8')) as unknown }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    return { ok: false, reply: problem(400, 'Error', { detail: `JSON parse error - ${text}` }) }
  }
}
