import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { sha256Hex } from '../../../shared/ids.ts'
import type { ServerFailureCode } from '../server.ts'
import { type Arrived, json } from './peer.ts'
import { type Bench, whoami016, workRequestJson } from './test-server.ts'

/** Answers `whoami/` and the state of request 7 honestly, and everything else as a test says. */
export function lie(bench: Bench, handler: (arrived: Arrived, response: ServerResponse) => unknown): void {
  bench.peer.answer = (arrived, response) => {
    if (arrived.path === '/api/1.0/whoami/') return json(response, 200, whoami016)
    if (arrived.path === '/api/1.0/work-request/7/')
      return json(response, 200, { ...workRequestJson, status: 'running' })
    handler(arrived, response)
    return undefined
  }
}

export const sha = (bytes: Uint8Array | string) => sha256Hex.parse(createHash('sha256').update(bytes).digest('hex'))
export const failsWith = (code: ServerFailureCode) => ({ ok: false, error: { code } })
