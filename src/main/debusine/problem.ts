import type { ServerFailure, ServerFailureCode } from './server.ts'
import { parseJson, problemJson, quoted } from './wire.ts'

/** One answer as far as its failure is concerned. */
export interface Refusal {
  readonly status: number
  readonly contentType: string
  readonly text: string
}

/** What debusine says in `application/problem+json`; null: the answer is not debusine's own (a reverse proxy, another program). */
export interface Problem {
  readonly title: string
  readonly detail: string
}

export function problemOf(refusal: Refusal): Problem | null {
  if (!/^application\/(?:problem\+)?json\b/i.test(refusal.contentType)) return null
  const json = parseJson(refusal.text)
  if (!json.ok) return null
  const parsed = problemJson.safeParse(json.value)
  if (!parsed.success) return null
  const { title, detail, validation_errors: validation } = parsed.data
  return {
    title: quoted(title ?? ''),
    detail: quoted(
      [detail, validation]
        .filter((part) => part !== undefined && part !== null)
        .map(worded)
        .join(' '),
    ),
  }
}

/** `detail` may be a string, a list or an object. */
function worded(part: unknown): string {
  if (Array.isArray(part) && part.every((each) => typeof each === 'string')) return part.join(' ')
  return typeof part === 'string' ? part : JSON.stringify(part)
}

const kinds: Readonly<Record<ServerFailureCode, ServerFailure['kind']>> = {
  'server-unreachable': 'unavailable',
  'server-untrusted': 'refused',
  'server-error': 'unavailable',
  'server-answer-invalid': 'invalid',
  'not-authenticated': 'refused',
  'not-found': 'unavailable',
  rejected: 'refused',
  'no-longer-ours': 'refused',
  'digest-mismatch': 'invalid',
  'name-unsafe': 'invalid',
  'too-large': 'refused',
  'disk-full': 'unavailable',
  cancelled: 'unavailable',
}

/** `message` is a sentence for the operator; `detail` goes to the log only. */
export function serverFailure(code: ServerFailureCode, message: string, detail?: string): ServerFailure {
  return detail === undefined ? { kind: kinds[code], code, message } : { kind: kinds[code], code, message, detail }
}

/** The failure of an answer that was not wanted. `what` completes "The server … while trying to …": `fetch work`. */
export function refusalFailure(refusal: Refusal, what: string): ServerFailure {
  const problem = problemOf(refusal)
  const said =
    problem === null ? '' : [problem.title, problem.detail].filter((part) => part !== '' && part !== 'Error').join(': ')
  const quote = said === '' ? '' : ` It says: “${said}”.`
  const detail = `HTTP ${refusal.status}${problem === null ? ` ${quoted(refusal.contentType, 60)}` : ''}`
  const { status } = refusal

  if (status >= 300 && status < 400) {
    return serverFailure(
      'server-answer-invalid',
      `The server sent us elsewhere when asked to ${what}. Redirects are not followed; check the server's address.`,
      detail,
    )
  }
  if (status === 413) {
    return serverFailure(
      'too-large',
      `The server, or a proxy before it, found the data too large when asked to ${what}. Ask its administrator to raise the limit.`,
      detail,
    )
  }
  if (status === 423) {
    return serverFailure(
      'server-error',
      `The server is busy and could not ${what} now. It will be tried again.`,
      detail,
    )
  }
  if (status === 429 || status >= 500) {
    return serverFailure(
      'server-error',
      `The server had an error (${status}) when asked to ${what}. Nothing here was changed; it can be tried again.${quote}`,
      detail,
    )
  }
  if (status === 404) {
    return problem === null
      ? serverFailure(
          'not-found',
          `Nothing answers as debusine when asked to ${what}. Check the server's address and the scope.`,
          detail,
        )
      : serverFailure('not-found', `The server does not find what is needed to ${what}.${quote}`, detail)
  }
  if ((status === 401 || status === 403) && problem !== null) {
    return serverFailure(
      'not-authenticated',
      `The server did not accept the token when asked to ${what}. It may not be enabled, or not be allowed to do this.${quote}`,
      detail,
    )
  }
  if (status >= 400 && problem !== null && status !== 405) {
    return serverFailure(
      'rejected',
      `The server refused to ${what}.${quote === '' ? ` It gives no reason (${status}).` : quote}`,
      detail,
    )
  }
  return serverFailure(
    'server-answer-invalid',
    `The server answered in a way that cannot be understood (${status}) when asked to ${what}.`,
    detail,
  )
}

/** An answer with a status that was wanted and a body that cannot be right. */
export function invalidAnswer(what: string, detail: string): ServerFailure {
  return serverFailure(
    'server-answer-invalid',
    `The server's answer cannot be right when asked to ${what}. It was not used.`,
    quoted(detail),
  )
}
