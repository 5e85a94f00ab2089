import type { Readable } from 'node:stream'
import type { Content } from './content.ts'

export type ReplyBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'json'; readonly value: unknown; readonly contentType: string }
  | { readonly kind: 'html'; readonly text: string }
  | { readonly kind: 'content'; readonly content: Content; readonly start: number; readonly end: number }
  | { readonly kind: 'stream'; readonly stream: Readable }

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: ReplyBody
}

export function empty(status: number, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers, body: { kind: 'none' } }
}

export function json(status: number, value: unknown): Reply {
  return { status, headers: {}, body: { kind: 'json', value, contentType: 'application/json' } }
}

/** RFC 9457 in debusine's way: only `title`, and where there is more to say `detail` or `validation_errors`. */
export function problem(
  status: number,
  title: string,
  more: { readonly detail?: unknown; readonly validation_errors?: unknown } = {},
): Reply {
  return {
    status,
    headers: {},
    body: { kind: 'json', value: { title, ...more }, contentType: 'application/problem+json' },
  }
}

/** A page of the web interface or of the reverse proxy, where a JSON client least expects one. */
export function page(status: number, title: string, text = ''): Reply {
  const body = `<!DOCTYPE html>\n<html lang="en">\n<head><title>${title}</title></head>\n<body><h1>${title}</h1><p>${text}</p></body>\n</html>\n`
  return { status, headers: {}, body: { kind: 'html', text: body } }
}

export const credentialsMissing = problem(403, 'Error', { detail: 'Authentication credentials were not provided.' })
export const permissionDenied = problem(403, 'Error', { detail: 'You do not have permission to perform this action.' })
export const notFoundPage = page(404, '404 Not Found')
