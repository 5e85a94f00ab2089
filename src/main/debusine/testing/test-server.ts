import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { workRequestId } from '../../../shared/ids.ts'
import { Secret } from '../../../shared/secret.ts'
import type { Clock } from '../clock.ts'
import { createDebusineServer } from '../debusine-server.ts'
import type { HeldReference } from '../server.ts'
import { makeCa, type TestCa } from './certificates.ts'
import { hastyClock } from './hand-clock.ts'
import { type Peer, startPeer } from './peer.ts'

export interface Bench {
  readonly folder: string
  readonly ca: TestCa
  readonly peer: Peer
  close(): Promise<void>
}

/** A folder, a CA and an HTTPS peer with a good certificate. */
export async function startBench(): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'station-debusine-'))
  const ca = makeCa(join(folder, 'ca'))
  const peer = await startPeer(ca.issue())
  return {
    folder,
    ca,
    peer,
    close: async () => {
      await peer.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export const workerToken = '1a'.repeat(32)
export const requestToken = '2a'.repeat(32)

export function serverAt(
  bench: Bench,
  options: {
    readonly apiUrl?: string
    readonly caPem?: string | null
    readonly clock?: Clock
    readonly uploadChunkBytes?: number
  } = {},
) {
  return createDebusineServer({
    apiUrl: options.apiUrl ?? bench.peer.apiUrl,
    caPem: options.caPem === undefined ? bench.ca.pem : options.caPem,
    workerToken: Secret.fromText(workerToken),
    clock: options.clock ?? hastyClock(),
    ...(options.uploadChunkBytes === undefined ? {} : { uploadChunkBytes: options.uploadChunkBytes }),
  })
}

export const held016: HeldReference = {
  workRequestId: workRequestId.parse(7),
  token: requestToken,
  scope: 'debusine',
  workspace: 'signing',
  worker: 3,
}

export const whoami016 = { user: '<anonymous>', auth: true, worker: true, work_request: null }
export const whoami011 = { user: '<anonymous>', auth: true, worker_token: true }

/** A work request as 0.16 hands it out. */
export const workRequestJson = {
  id: 7,
  task_type: 'Signing',
  task_name: 'sign',
  task_data: { purpose: 'uefi', key: 'A'.repeat(64), unsigned: [9] },
  dynamic_task_data: { unsigned_ids: [9], unsigned_binary_package_names: ['shim'] },
  status: 'pending',
  result: '',
  worker: 3,
  created_by: 2,
  created_at: '2026-01-01T00:00:00.000000Z',
  priority_base: 0,
  priority_adjustment: 0,
  workflow_data: {},
  event_reactions: {},
  artifacts: [],
  workspace: 'signing',
  scope: 'debusine',
  token: requestToken,
}
