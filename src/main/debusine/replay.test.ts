import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { artifactId, sha256Hex, workRequestId } from '../../shared/ids.ts'
import { restFor } from './debusine-server.ts'
import { askWhoami } from './dialect.ts'
import type { HeldReference, HeldWork, OutputFile } from './server.ts'
import { signingInputOf, signingOutputData, signTaskOf, workRequestOf } from './task-data.ts'
import { json } from './testing/peer.ts'
import { bytesOf, type RecordedExchange, recorded, replay } from './testing/replay.ts'
import {
  type Bench,
  held016,
  requestToken,
  serverAt,
  startBench,
  whoami011,
  whoami016,
  workRequestJson,
} from './testing/test-server.ts'

let bench: Bench
beforeAll(async () => {
  bench = await startBench()
})
afterAll(() => bench.close())

const signal = new AbortController().signal

/** `GET whoami/` is ours; the real worker knows its server's release by its package. */
function withWhoami(traffic: readonly RecordedExchange[], version: string): readonly RecordedExchange[] {
  const response = {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: { json: version.startsWith('0.11') ? whoami011 : whoami016 },
  }
  return [
    { request: { method: 'GET', path: '/api/1.0/whoami/', headers: { token: '1a'.repeat(32) }, body: null }, response },
    ...traffic,
  ]
}

function load(name: string, version: string) {
  const traffic = recorded(`${name}.${version}`)
  const script = replay(withWhoami(traffic, version), bench.peer.origin)
  bench.peer.answer = script.answer
  return { traffic, script, server: serverAt(bench) }
}

function heldOf(work: HeldWork): HeldReference {
  return {
    workRequestId: work.request.id,
    token: work.token,
    scope: work.request.scope,
    workspace: work.request.workspace,
    worker: work.request.worker,
  }
}

function valueOf<T>(result: { ok: true; value: T } | { ok: false; error: unknown }): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}

/** Outputs of the real worker, with their bytes, as it uploaded them for one artifact. */
async function recordedOutputs(
  traffic: readonly RecordedExchange[],
  created: RecordedExchange,
): Promise<readonly OutputFile[]> {
  const { files } = (
    created.request.body as { json: { files: Record<string, { size: number; checksums: { sha256: string } }> } }
  ).json
  return Promise.all(
    Object.entries(files).map(async ([path, { size, checksums }]) => {
      const sent = traffic.find(
        ({ request }) => request.method === 'PUT' && request.path.includes(`/files/${path}`) && request.body !== null,
      )
      const file = join(bench.folder, createHash('sha256').update(path).digest('hex'))
      await writeFile(file, bytesOf(sent?.request.body ?? null, ''))
      return { path, file, size, sha256: sha256Hex.parse(checksums.sha256) }
    }),
  )
}

const creations = (traffic: readonly RecordedExchange[]) =>
  traffic.filter(({ request }) => request.method === 'POST' && request.path === '/api/1.0/artifact/')

describe.each(['0.11.3', '0.16.2'])('with the recorded traffic of %s', (version) => {
  it.each(['sign-uefi', 'sign-openpgp'])('makes the same calls as the real worker for %s', async (name) => {
    const { traffic, script, server } = load(name, version)
    const work = valueOf(await server.fetchNext())
    if (work === null) throw new Error('no work')
    expect(work.token).toBe(version === '0.16.2' ? requestToken : null)
    expect(work.raw).not.toContain(requestToken)
    expect(workRequestOf(work.raw)).toMatchObject({
      ok: true,
      value: { id: work.request.id, taskData: work.request.taskData },
    })
    const held = heldOf(work)
    const task = valueOf(signTaskOf(work.request))
    const input = valueOf(await server.artifact(held, artifactId.parse(task.unsignedIds[0])))
    for (const [ordinal, file] of input.files.entries()) {
      const destination = join(bench.folder, `${version}-${name}-${ordinal}`)
      valueOf(await server.download(held, file, destination, { signal }))
      expect(
        createHash('sha256')
          .update(await readFile(destination))
          .digest('hex'),
      ).toBe(file.sha256)
    }
    expect(valueOf(await server.signPermission(held, task, input.id))).toMatchObject({
      kind: 'answered',
      allowed: true,
      username: 'submitter',
    })

    const [output, logs] = creations(traffic)
    if (output === undefined || logs === undefined) throw new Error('incomplete recording')
    const files = await recordedOutputs(traffic, output)
    const data = signingOutputData({
      purpose: task.purpose,
      fingerprint: task.fingerprint,
      binaryPackageName: valueOf(signingInputOf(input.data)).binaryPackageName,
      results: input.files.map(({ path }) => ({ file: path, outputFile: `${path}.sig`, errorMessage: null })),
    })
    const made = valueOf(await server.createArtifact(held, { category: 'debusine:signing-output', data, files }))
    expect(made.missing).toEqual(files.map(({ path }) => path))
    for (const file of files) valueOf(await server.upload(held, made.id, file, { signal }))
    valueOf(await server.relate(held, { artifact: made.id, target: input.id, type: 'relates-to' }))
    const logFiles = await recordedOutputs(traffic, logs)
    const debug = valueOf(
      await server.createArtifact(held, { category: 'debusine:work-request-debug-logs', data: {}, files: logFiles }),
    )
    for (const path of debug.missing) {
      const file = logFiles.find((each) => each.path === path)
      if (file !== undefined) valueOf(await server.upload(held, debug.id, file, { signal }))
    }
    valueOf(await server.relate(held, { artifact: debug.id, target: input.id, type: 'relates-to' }))
    valueOf(await server.complete(held, { result: 'success', errors: [], durationSeconds: 1 }))
    expect(script.strays).toEqual([])
    expect(script.left()).toEqual([])
    server.close()
  })

  it('reports skipped and failed files as the real worker does, one output for each input', () => {
    const traffic = recorded(`sign-uefi-two-artifacts.${version}`)
    const outputs = creations(traffic).map(
      ({ request }) =>
        (
          request.body as {
            json: {
              category: string
              data: {
                purpose: string
                fingerprint: string
                binary_package_name: string
                results: { file: string; output_file: string | null; error_message: string | null }[]
              }
            }
          }
        ).json,
    )
    const signing = outputs.filter(({ category }) => category === 'debusine:signing-output')
    expect(signing).toHaveLength(2)
    for (const { data } of signing) {
      const ours = signingOutputData({
        purpose: data.purpose,
        fingerprint: data.fingerprint,
        binaryPackageName: data.binary_package_name,
        results: data.results.map(({ file, output_file: outputFile, error_message: errorMessage }) =>
          outputFile === null
            ? { file, outputFile, errorMessage: errorMessage ?? '' }
            : { file, outputFile, errorMessage: null },
        ),
      })
      expect(ours).toEqual(data)
    }
  })

  it('tells "not allowed" from "no such key"', async () => {
    for (const [name, expected] of [
      ['sign-no-permission', { kind: 'answered', allowed: false, username: 'intruder' }],
      ['sign-unknown-key', { kind: 'no-such-key' }],
    ] as const) {
      const { server } = load(name, version)
      const work = valueOf(await server.fetchNext())
      if (work === null) throw new Error('no work')
      const task = valueOf(signTaskOf(work.request))
      expect(
        valueOf(await server.signPermission(heldOf(work), task, artifactId.parse(task.unsignedIds[0]))),
      ).toMatchObject(expected)
      server.close()
    }
  })

  it('understands every recorded answer to the permission question', async () => {
    const seen = []
    for (const { request, response } of [
      ...recorded(`permission-errors.${version}`),
      ...recorded(`other-scope.${version}`),
    ]) {
      const server = serverAt(bench)
      bench.peer.answer = (arrived, reply) => {
        if (arrived.path.endsWith('/whoami/')) return json(reply, 200, version === '0.11.3' ? whoami011 : whoami016)
        if (arrived.method === 'GET') return json(reply, 200, { ...workRequestJson, status: 'running' })
        reply.writeHead(response.status, response.headers)
        reply.end(bytesOf(response.body, bench.peer.origin))
      }
      const held = { ...held016, token: version === '0.11.3' ? null : requestToken }
      const answer = await server.signPermission(
        held,
        { purpose: 'uefi', fingerprint: '0'.repeat(64) },
        artifactId.parse(9),
      )
      const title = (response.body as { json: { title?: string } }).json.title ?? ''
      seen.push(`${response.status} ${title} → ${answer.ok ? answer.value.kind : answer.error.code}`)
      expect(request.method).toBe('POST')
      server.close()
    }
    expect([...new Set(seen)].sort()).toMatchSnapshot()
  })

  it('reads who we are from every kind of token', async () => {
    const traffic = recorded(`whoami.${version}`).filter(({ request }) => request.path.includes('whoami'))
    const rest = valueOf(restFor({ apiUrl: bench.peer.apiUrl, caPem: bench.ca.pem }))
    const seen = []
    for (const exchange of traffic) {
      bench.peer.answer = replay(
        [{ ...exchange, request: { ...exchange.request, headers: {} } }],
        bench.peer.origin,
      ).answer
      const who = valueOf(await askWhoami(rest, null))
      seen.push({ dialect: who.rules.dialect, worker: who.worker, authenticated: who.authenticated })
    }
    const dialect = version === '0.11.3' ? '0.11' : '0.16'
    expect(seen).toEqual([
      { dialect, worker: true, authenticated: true },
      { dialect, worker: false, authenticated: true },
      { dialect, worker: false, authenticated: false },
      { dialect, worker: false, authenticated: false },
    ])
    rest.close()
  })
})

/** What the recordings do not hold, because the server had it: how such files begin. */
const beginnings: Readonly<Record<string, string>> = {
  'testbed-hello_1.0.tar.xz': '\xfd7zXZ\0',
  'testbed-hello_1.0_all.deb': '!<arch>\ndebian-binary   1767225600  0     0     100644  4         `\n2.0\n',
}

it.each([
  ['a Debsign', 'debsign-output'],
  ['a SignRepositoryIndex in its own file', 'index-detached-output'],
  ['a SignRepositoryIndex in the text', 'index-clear-output'],
])('makes the output of %s as the real worker of 0.16.2 does, content types and all', async (_name, name) => {
  const { traffic, script, server } = load(name, '0.16.2')
  const [created] = creations(traffic)
  const relation = traffic.at(-1)?.request.body
  if (created === undefined || relation == null || !('json' in relation)) throw new Error('incomplete recording')
  const { json: wanted } = created.request.body as {
    json: { category: string; data: unknown; work_request: number; workspace: string }
  }
  const held: HeldReference = {
    ...held016,
    workRequestId: workRequestId.parse(wanted.work_request),
    token: created.request.headers['token'] ?? null,
    workspace: wanted.workspace,
  }
  const files = await recordedOutputs(traffic, created)
  for (const { path, file } of files) {
    const beginning = beginnings[path]
    if (beginning !== undefined) await writeFile(file, beginning, 'latin1')
  }
  const made = valueOf(await server.createArtifact(held, { category: wanted.category, data: wanted.data, files }))
  for (const file of files.filter(({ path }) => made.missing.includes(path)))
    valueOf(await server.upload(held, made.id, file, { signal }))
  const { target, type } = relation.json as { target: number; type: 'relates-to' | 'extends' }
  valueOf(await server.relate(held, { artifact: made.id, target: artifactId.parse(target), type }))
  expect(script.strays).toEqual([])
  expect(script.left()).toEqual([])
  server.close()
})

it('sees in recorded answers that a request was aborted', async () => {
  const traffic = recorded('abort-running.0.16.2')
  const [fetched] = traffic
  // One token in the recording is the probe's worker's.
  const script = replay(
    withWhoami(traffic, '0.16.2').map((each) => ({
      ...each,
      request: {
        ...each.request,
        headers: {
          ...each.request.headers,
          ...(each.request.headers['token']?.startsWith('1') === true ? { token: '1a'.repeat(32) } : {}),
        },
      },
    })),
    bench.peer.origin,
  )
  bench.peer.answer = script.answer
  const server = serverAt(bench)
  const work = valueOf(await server.fetchNext())
  if (work === null || fetched === undefined) throw new Error('no work')
  expect(valueOf(await server.stillHeld(heldOf(work)))).toBe('gone')
  expect(await server.complete(heldOf(work), { result: 'success', errors: [], durationSeconds: 0 })).toMatchObject({
    ok: false,
    error: { code: 'no-longer-ours' },
  })
  expect(valueOf(await server.fetchNext())).toBeNull()
  server.close()
})
