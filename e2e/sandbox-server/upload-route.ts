import { finishUpload, mayRead } from './artifact-routes.ts'
import { sha256Hex } from './content.ts'
import type { Exchange } from './exchange.ts'
import type { Artifact, Upload } from './model.ts'
import { empty, problem, type Reply } from './reply.ts'

type Range =
  | { readonly kind: 'query' }
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly first: number; readonly last: number }

/** PUT of file bytes: a query, a part or the whole; the answers are those of PROTOCOL section 8.2, recorded from both versions. */
export function uploadFile(exchange: Exchange): Reply {
  const { state, params, scope, headers, body } = exchange
  const id = Number(params['id'])
  const path = params['path'] ?? ''
  const artifact = state.artifacts.get(id)
  const seen = artifact !== undefined && artifact.scope === scope && mayRead(exchange, artifact)
  if (!seen) return problem(404, `Artifact ${id} does not exist`)
  if (!artifact.paths.includes(path)) return problem(404, `No file_path "${path}" for artifact ${id}`)
  const range = parseContentRange(headers['content-range'])
  if (range === null) return problem(400, `Invalid Content-Range header: "${headers['content-range'] ?? ''}"`)
  const upload = artifact.uploads.get(path)
  if (upload === undefined) {
    // Complete already: data is taken and changes nothing, but a query finds no partial file (trust 201, not the query).
    return range.kind === 'query' ? empty(206, { range: 'bytes=0-0' }) : empty(201)
  }
  if (range.kind === 'query') return empty(206, received(upload))
  return write(artifact, upload, range, body)
}

function write(artifact: Artifact, upload: Upload, range: Exclude<Range, { kind: 'query' }>, body: Buffer): Reply {
  const start = range.kind === 'part' ? range.first : 0
  const there = upload.received.length
  if (start > there) {
    return problem(
      400,
      `Server had received ${there} bytes of the file. New upload starts at ${start}. Please continue from ${there}`,
    )
  }
  if (start + body.length > upload.size) {
    return problem(
      400,
      `Cannot process range: attempted to write after end of the file. Range start: ${start} Received: ${body.length} File size: ${upload.size}`,
    )
  }
  const rest = upload.received.subarray(start + body.length)
  upload.received = Buffer.concat([upload.received.subarray(0, start), body, rest])
  if (range.kind === 'part' && body.length !== range.last - range.first + 1) {
    const expected = range.last - range.first + 1
    return problem(
      400,
      `Expected ${expected} bytes (based on range header: end-start+1). Received: ${body.length} bytes`,
    )
  }
  if (upload.received.length < upload.size) return empty(200, received(upload))
  const sha256 = sha256Hex(upload.received)
  if (sha256 !== upload.sha256) {
    upload.received = Buffer.alloc(0)
    return problem(409, `Invalid file hash. Expected: ${upload.sha256} Received: ${sha256}`)
  }
  finishUpload(artifact, upload)
  return empty(201)
}

/** N is the number of bytes there, not the index of the last one. */
function received(upload: Upload): Record<string, string> {
  return { range: `bytes=0-${upload.received.length}` }
}

function parseContentRange(header: string | undefined): Range | null {
  if (header === undefined) return { kind: 'whole' }
  if (/^bytes \*\/\d+$/.test(header)) return { kind: 'query' }
  const part = /^bytes (\d+)-(\d+)\/(?:\d+|\*)$/.exec(header)
  return part === null ? null : { kind: 'part', first: Number(part[1]), last: Number(part[2]) }
}
