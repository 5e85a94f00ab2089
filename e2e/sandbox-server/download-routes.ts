import { mayRead } from './artifact-routes.ts'
import type { Exchange } from './exchange.ts'
import type { Artifact } from './model.ts'
import { currentVersion } from './render.ts'
import { page, problem, type Reply } from './reply.ts'
import { tarGz } from './tar.ts'

/** The web interface's path of a file: no scope header is looked at, the scope is in the path; errors of visibility are pages. */
export function downloadFile(exchange: Exchange): Reply {
  const artifact = readable(exchange)
  if (artifact === null) return notFound(exchange)
  const path = exchange.params['path'] ?? ''
  const file = artifact.files.get(path)
  if (file === undefined) {
    if (artifact.paths.some((other) => other.startsWith(path.endsWith('/') ? path : `${path}/`))) {
      return page(400, '400 Bad Request', 'archive argument needed when downloading directories')
    }
    return page(404, '404 Not Found', `Artifact ${artifact.id} does not have any file or directory for "${path}"`)
  }
  const { content } = currentVersion(file)
  const range = parseRange(exchange.state.dialect, exchange.headers['range'], content.size)
  if (range.kind === 'bad') return range.reply
  // A resumed download goes on with the file it began; only one from the start gets the next version.
  if (range.start === 0 && exchange.method === 'GET') file.downloads += 1
  const name = path.slice(path.lastIndexOf('/') + 1)
  return {
    status: range.kind === 'part' ? 206 : 200,
    headers: {
      'content-type': contentTypeOf(name),
      'content-length': String(range.end - range.start),
      'accept-ranges': 'bytes',
      'content-range': `bytes ${range.start}-${range.end - 1}/${content.size}`,
      'content-disposition': `attachment; filename="${name.replaceAll(/[\\"\r\n]/g, '_')}"`,
      vary: 'Cookie, Token',
    },
    body: { kind: 'content', content, start: range.start, end: range.end },
  }
}

/** All files of an artifact as one archive. */
export function downloadArchive(exchange: Exchange): Reply {
  const artifact = readable(exchange)
  if (artifact === null) return notFound(exchange)
  const entries = [...artifact.files.values()].map((file) => ({ file, version: currentVersion(file) }))
  for (const { file } of entries) file.downloads += 1
  return {
    status: 200,
    headers: {
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="artifact-${artifact.id}.tar.gz"`,
      vary: 'Cookie, Token',
    },
    body: { kind: 'stream', stream: tarGz(entries.map(({ file, version }) => ({ path: file.path, ...version }))) },
  }
}

function readable(exchange: Exchange): Artifact | null {
  const { state, params } = exchange
  const artifact = state.artifacts.get(Number(params['id']))
  const here = artifact?.scope === params['scope'] && artifact?.workspace === params['workspace']
  return artifact !== undefined && here && mayRead(exchange, artifact) ? artifact : null
}

function notFound({ params }: Exchange): Reply {
  const { scope = '', workspace = '' } = params
  return page(404, '404 Not Found', `Workspace ${workspace} not found in scope ${scope}`)
}

type ParsedRange =
  | { readonly kind: 'whole' | 'part'; readonly start: number; readonly end: number }
  | { readonly kind: 'bad'; readonly reply: Reply }

/** `end` is exclusive. 0.11.3 knows closed ranges only; both refuse a range that goes beyond the end (recorded: edges). */
function parseRange(dialect: '0.11' | '0.16', header: string | undefined, size: number): ParsedRange {
  if (header === undefined) return { kind: 'whole', start: 0, end: size }
  const bad = (title: string): ParsedRange => ({ kind: 'bad', reply: problem(400, title) })
  const match = (dialect === '0.11' ? /^bytes=(\d+)-(\d+)/ : /^bytes=(\d*)-(\d*)$/).exec(header)
  const from = match?.[1] ?? ''
  const to = match?.[2] ?? ''
  if (match === null || (from === '' && to === '')) return bad(`Invalid Range header: "${header}"`)
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from)
  const last = from === '' || to === '' ? size - 1 : Number(to)
  if (start >= size) return bad(`Invalid Content-Range start: ${start}. File size: ${size}`)
  if (last >= size) return bad(`Invalid Content-Range end: ${last}. File size: ${size}`)
  if (last < start) return { kind: 'bad', reply: page(500, 'Server Error (500)') }
  return { kind: 'part', start, end: last + 1 }
}

const types: Readonly<Record<string, string>> = {
  efi: 'application/efi',
  txt: 'text/plain; charset=utf-8',
  log: 'text/plain; charset=utf-8',
  dsc: 'text/plain; charset=utf-8',
  changes: 'text/plain; charset=utf-8',
  buildinfo: 'text/plain; charset=utf-8',
}

function contentTypeOf(name: string): string {
  return types[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
}
