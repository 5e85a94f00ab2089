import { readFile, realpath } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'
import { stationOrigin } from './desktop.ts'
import { responseHeaders } from './response-headers.ts'

export interface RendererResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** What an adapter does with a request of its window. */
export type Verdict =
  | { readonly kind: 'serve'; readonly response: RendererResponse }
  /** A page that must not replace ours: refused so that the window stays where it is. */
  | { readonly kind: 'stay' }
  | { readonly kind: 'block' }

export interface RendererRequest {
  readonly url: string
  readonly method: string
  /** The request would replace a document: the window's own or a frame's. */
  readonly isDocument: boolean
  readonly isMainFrame: boolean
}

/** The page that the window shows, and the only one. */
export const stationPage = `${stationOrigin}/`

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
}

export function isStationPage(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && url.origin === stationOrigin && (url.pathname === '/' || url.pathname === '/index.html')
}

/**
 * Answers the window's requests from the built renderer, or in development from Vite's server behind the same origin. Everything
 * else on earth is refused here; the dead proxy and the empty network namespace are the second and third wall.
 */
export function createRendererFiles(
  rendererDir: string,
  devServerUrl: string | null,
): (request: RendererRequest) => Promise<Verdict> {
  return async (request) => {
    const url = URL.parse(request.url)
    if (url === null || url.origin !== stationOrigin || url.username !== '' || url.password !== '') {
      return { kind: request.isDocument ? 'stay' : 'block' }
    }
    if (request.method !== 'GET') return { kind: request.isDocument ? 'stay' : 'block' }
    if (request.isDocument && !(request.isMainFrame && (url.pathname === '/' || url.pathname === '/index.html')))
      return { kind: 'stay' }
    const response =
      devServerUrl === null ? await fromFolder(rendererDir, url.pathname) : await fromDevServer(devServerUrl, url)
    return { kind: 'serve', response }
  }
}

async function fromFolder(folder: string, pathname: string): Promise<RendererResponse> {
  const contentType = contentTypes[pathname === '/' ? '.html' : extname(pathname)]
  const file = contentType === undefined ? null : await insideFolder(folder, pathname === '/' ? 'index.html' : pathname)
  if (contentType === undefined || file === null) {
    return {
      status: 404,
      headers: responseHeaders('text/plain; charset=utf-8', false),
      body: new TextEncoder().encode('not found'),
    }
  }
  return { status: 200, headers: responseHeaders(contentType, false), body: await readFile(file) }
}

/** Compared after `realpath`: neither `..`, nor `%2f..`, nor a symbolic link leads out of the folder. */
async function insideFolder(folder: string, pathname: string): Promise<string | null> {
  try {
    const root = await realpath(folder)
    const file = await realpath(join(root, decodeURIComponent(pathname)))
    return file.startsWith(root + sep) ? file : null
  } catch {
    // No such file, a malformed escape, a NUL: all the same to the window.
    return null
  }
}

async function fromDevServer(devServerUrl: string, url: URL): Promise<RendererResponse> {
  const answer = await fetch(new URL(url.pathname + url.search, devServerUrl))
  const contentType = answer.headers.get('content-type') ?? 'application/octet-stream'
  return {
    status: answer.status,
    headers: responseHeaders(contentType, true),
    body: new Uint8Array(await answer.arrayBuffer()),
  }
}
