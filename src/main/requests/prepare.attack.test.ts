import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { memoryDatabase } from '../../../db/testing/memory-db.ts'
import { createAuditLog } from '../audit/create-audit-log.ts'
import { json } from '../debusine/testing/peer.ts'
import { type Bench, serverAt, startBench, whoami016, workRequestJson } from '../debusine/testing/test-server.ts'
import { defaultSettings } from '../settings/settings-store.ts'
import { takeNext } from './intake.ts'
import { type Preparation, prepare } from './prepare.ts'
import { findRequest } from './request.repository.ts'
import { spoolAt } from './spool.ts'

let bench: Bench
let folder = ''
beforeAll(async () => {
  bench = await startBench()
  folder = mkdtempSync(join(tmpdir(), 'prepare-'))
})
afterAll(async () => {
  await bench.close()
  rmSync(folder, { recursive: true, force: true })
})
let station: ReturnType<typeof memoryDatabase>
beforeEach(() => {
  station = memoryDatabase()
})
afterEach(() => station.close())

const now = () => new Date('2026-06-01T12:00:00.000Z')
const notReached = () => {
  throw new Error('the preparation went too far')
}

/** The code of the failure with which the preparation of such a request ends, and how often the server was asked for artifacts. */
async function preparing(
  request: object,
  artifactOf: (id: number) => object,
): Promise<{ readonly code: string; readonly asked: number }> {
  let asked = 0
  bench.peer.answer = ({ path }, response) => {
    if (path.endsWith('/whoami/')) json(response, 200, whoami016)
    else if (path.endsWith('/get-next-for-worker/')) json(response, 200, { ...workRequestJson, ...request })
    else {
      asked += 1
      json(response, 200, artifactOf(Number(/\/(\d+)\/$/.exec(path)?.[1])))
    }
  }
  const server = serverAt(bench)
  const taken = await takeNext({ db: station.db, audit: createAuditLog(station.db, now), server, now })
  if (!taken.ok || taken.value.kind !== 'taken') throw new Error('nothing was taken')
  const row = await findRequest(station.db, taken.value.requestId)
  if (row === null) throw new Error('it was not kept')
  const keys: Preparation['keys'] = {
    list: notReached,
    find: notReached,
    purposesOf: notReached,
    usability: notReached,
    forSigning: notReached,
    setState: notReached,
    use: notReached,
  }
  const prepared = await prepare(
    {
      db: station.db,
      server,
      spool: spoolAt(folder),
      inspector: { inspect: notReached },
      keys,
      settings: () => defaultSettings('desk.example.org', 'Release Manager'),
      sbatLevel: { date: '2025-05-10', minimumGenerations: {} },
      now,
    },
    row,
    new AbortController().signal,
  )
  return { code: prepared.ok ? 'ok' : prepared.error.code, asked }
}

const artifact = (id: number, files: number) => ({
  id,
  workspace: 'signing',
  category: 'debusine:signing-input',
  data: { trusted_certs: [] },
  files: Object.fromEntries(
    Array.from({ length: files }, (_, index) => [
      `a/${index}.efi`,
      { size: 1, checksums: { sha256: '0'.repeat(64) }, type: 'file', url: `${bench.peer.origin}/f/${index}` },
    ]),
  ),
  files_to_upload: [],
})

describe('a request that is not what this station does', () => {
  it('is not prepared because its data look like those of a Sign task', async () => {
    expect(await preparing({ task_name: 'assemblesignedsource' }, (id) => artifact(id, 1))).toEqual({
      code: 'task-unsupported',
      asked: 0,
    })
  })

  it('is given up as soon as its artifacts have more files together than one may have', async () => {
    const ids = Array.from({ length: 50 }, (_, index) => index + 9)
    const request = {
      dynamic_task_data: { unsigned_ids: ids, unsigned_binary_package_names: ids.map(() => null) },
    }
    expect(await preparing(request, (id) => artifact(id, 4000))).toEqual({ code: 'too-many-files', asked: 3 })
  })
})
