import { WebSocket } from 'ws'
import type { SandboxServer } from '../sandbox-server.ts'
import { compareBody, idKind, sha256Of } from './compare-body.ts'
import { type Answer, httpsCall } from './https-call.ts'
import { type RecordedBody, type RecordedHttp, type Recording, workRequestsOf } from './recording.ts'
import { createSeeder } from './replay-seed.ts'
import { createTranslation, type Translation } from './translation.ts'

const comparedHeaders = ['allow', 'range', 'location', 'content-disposition', 'content-range', 'accept-ranges']

interface Heard {
  readonly socket: WebSocket
  readonly messages: string[]
  closed: number | null
}

/** Sends the recorded calls and messages to the sandbox; each line of the answer is a difference to what the real server did. */
export async function replay(recording: Recording, sandbox: SandboxServer): Promise<readonly string[]> {
  const translation = createTranslation()
  const differences: string[] = []
  const sockets = new Map<number, Heard>()
  translation.texts.set('https://debusine.example', sandbox.origin)
  translation.texts.set('0a'.repeat(32), sandbox.userToken)
  translation.texts.set('0b'.repeat(32), sandbox.submitterToken)
  translation.texts.set('0c'.repeat(32), sandbox.intruderToken)
  const bodies = replacedBodies(recording)
  for (const [sha256, bytes] of bodies) translation.texts.set(sha256, sha256Of(bytes))
  const seeder = createSeeder(recording, sandbox, translation)
  await enrol(recording, sandbox, translation)

  for (const [index, event] of recording.traffic.entries()) {
    switch (event.kind) {
      case 'ws-open': {
        enableIfRecorded(recording, index, sandbox, event)
        sockets.set(event.ws, await open(sandbox, event.token === null ? null : translation.text(event.token)))
        break
      }
      case 'ws-message': {
        const heard = sockets.get(event.ws)
        if (event.from === 'server') {
          const said = JSON.stringify(event.message)
          if (said.includes('connection_closed')) sandbox.disableWorker()
          // Somebody asked for work at this moment; the calls that follow tell what.
          if (said.includes('work_request_available')) await seeder.upTo(nextMentioned(recording, index) ?? 0)
        } else if (heard?.socket.readyState === WebSocket.OPEN) {
          const message = translation.json(event.message, null)
          heard.socket.send(typeof message === 'string' ? message : JSON.stringify(message))
        }
        break
      }
      case 'ws-close': {
        const heard = sockets.get(event.ws)
        if (event.from === 'worker') heard?.socket.close()
        if (heard !== undefined) await until(() => heard.closed !== null)
        if (event.from === 'server' && event.code !== 1000 && event.code !== 1006 && heard?.closed !== event.code) {
          differences.push(`ws ${event.ws}: closed with ${String(heard?.closed)}, recorded ${event.code}`)
        }
        break
      }
      case 'http':
        for (const id of mentioned(event, recording)) await seeder.upTo(id)
        await settled(sandbox)
        await seedKnownContent(event, sandbox, translation)
        differences.push(...(await exchange(event, index, sandbox, translation, bodies)))
    }
  }
  for (const [ws, heard] of sockets) differences.push(...(await compareMessages(recording, ws, heard)))
  for (const { socket } of sockets.values()) socket.terminate()
  return differences
}

async function exchange(
  event: RecordedHttp,
  index: number,
  sandbox: SandboxServer,
  translation: Translation,
  bodies: ReadonlyMap<string, Buffer>,
): Promise<readonly string[]> {
  const { request, response } = event
  const where = `#${index} ${request.method} ${request.path}`
  const answer = await httpsCall(sandbox, {
    method: request.method,
    path: translation.text(request.path),
    headers: Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, translation.text(value)]),
    ),
    ...(response.status === 413
      ? { headersOnly: true, headers: { ...request.headers, 'content-length': '105906176' } }
      : { body: bytesOf(request.body, translation, bodies) }),
  })
  const differences: string[] = []
  if (answer.status !== response.status) differences.push(`${where}: ${answer.status} for ${response.status}`)
  const type = (value: string | undefined) => value?.split(';')[0] ?? ''
  if (type(answer.headers['content-type']) !== type(response.headers['content-type'])) {
    differences.push(`${where}: ${type(answer.headers['content-type'])} for ${type(response.headers['content-type'])}`)
  }
  learn(event, answer, translation)
  for (const name of comparedHeaders) {
    const recorded = response.headers[name]
    if (recorded === undefined || answer.headers[name] === translation.text(recorded)) continue
    differences.push(`${where}: ${name} is ${answer.headers[name] ?? 'missing'}, recorded ${recorded}`)
  }
  return [...differences, ...compareBody(where, event, answer, translation, bodies)]
}

/** Ids and tokens that the sandbox gave out where the real server gave out others. */
function learn(event: RecordedHttp, answer: Answer, translation: Translation): void {
  const recorded = event.response.body
  if (recorded === null || !('json' in recorded) || !answer.body.length) return
  const pairs = (value: unknown): Record<string, unknown>[] => {
    if (typeof value !== 'object' || value === null) return []
    if (Array.isArray(value)) return value.slice(-1) as Record<string, unknown>[]
    if ('results' in value && Array.isArray(value.results))
      return value.results.slice(0, 1) as Record<string, unknown>[]
    return [value as Record<string, unknown>]
  }
  const [theirs] = pairs(recorded.json)
  const [ours] = pairs(JSON.parse(answer.body.toString('utf8')))
  if (theirs === undefined || ours === undefined) return
  const kind = idKind(event.request.path)
  if (kind !== null && typeof theirs['id'] === 'number' && typeof ours['id'] === 'number') {
    if (!translation.knows(kind, theirs['id'])) translation.learn(kind, theirs['id'], ours['id'])
  }
  if (typeof theirs['worker'] === 'number' && typeof ours['worker'] === 'number') {
    if (!translation.knows('worker', theirs['worker'])) translation.learn('worker', theirs['worker'], ours['worker'])
  }
  if (typeof theirs['token'] === 'string' && typeof ours['token'] === 'string') {
    translation.texts.set(theirs['token'], ours['token'])
  }
}

function bytesOf(body: RecordedBody, translation: Translation, bodies: ReadonlyMap<string, Buffer>): Uint8Array | null {
  if (body === null) return null
  if ('json' in body) return Buffer.from(JSON.stringify(translation.json(body.json, null)))
  if ('base64' in body) return Buffer.from(body.base64, 'base64')
  if ('text' in body) return Buffer.from(body.text)
  return bodies.get(body.sha256 ?? '') ?? Buffer.alloc(body.size)
}

/** Uploads that were cut out of the recording: other bytes of the same size stand in, and their digest for the recorded one. */
function replacedBodies(recording: Recording): ReadonlyMap<string, Buffer> {
  const puts = recording.traffic.filter((event) => event.kind === 'http' && event.request.method === 'PUT')
  const kept = new Set<string>()
  const replaced = new Map<string, Buffer>()
  for (const event of puts) {
    if (event.kind !== 'http' || event.request.body === null) continue
    if (!('omitted' in event.request.body)) kept.add(event.request.path)
  }
  for (const event of puts) {
    if (event.kind !== 'http' || event.request.body === null || kept.has(event.request.path)) continue
    const { body } = event.request
    if ('omitted' in body && body.sha256 !== null && event.response.status === 201) {
      replaced.set(body.sha256, Buffer.from(body.sha256.repeat(Math.ceil(body.size / 64))).subarray(0, body.size))
    }
  }
  return replaced
}

/** A file that the real server had already, from calls before the recording: complete without being sent. */
async function seedKnownContent(event: RecordedHttp, sandbox: SandboxServer, translation: Translation): Promise<void> {
  const { body, status } = event.response
  if (status !== 201 || event.request.path !== '/api/1.0/artifact/' || body === null || !('json' in body)) return
  const {
    files,
    files_to_upload: missing,
    workspace,
  } = body.json as {
    files: Record<string, { size: number; checksums: { sha256: string } }>
    files_to_upload: string[]
    workspace: string
  }
  for (const [name, file] of Object.entries(files)) {
    if (file.size === 0 || missing.includes(name)) continue
    const claimedSha256 = translation.text(file.checksums.sha256)
    if ([...sandbox.completeDigests(workspace)].includes(claimedSha256)) continue
    await sandbox.addSigningInput({ files: [{ name, bytes: new Uint8Array(file.size), claimedSha256 }], workspace })
  }
}

/** Registers every worker of the recording that did not register in it, with the recorded token, and tells what it last told. */
async function enrol(recording: Recording, sandbox: SandboxServer, translation: Translation): Promise<void> {
  const registered = JSON.stringify(
    recording.traffic.filter((event) => event.kind === 'http' && event.request.path.endsWith('/register/')),
  )
  const tokens = new Set<string>()
  for (const event of recording.traffic) {
    const token = event.kind === 'ws-open' ? event.token : event.kind === 'http' ? event.request.headers['token'] : null
    if (token !== null && token !== undefined && /^1[a-f](?:1[a-f]){31}$/.test(token)) tokens.add(token)
  }
  if (registered.includes('"token":"ac')) translation.texts.set('ac'.repeat(32), sandbox.activationToken())
  for (const token of tokens) {
    if (registered.includes(`"token":"${token}"`)) continue
    const body = Buffer.from(
      JSON.stringify({ token, fqdn: `w${token.slice(0, 2)}.example.org`, worker_type: 'signing' }),
    )
    const json = { 'content-type': 'application/json' }
    await httpsCall(sandbox, { method: 'POST', path: '/api/1.0/worker/register/', headers: json, body })
    sandbox.enableWorker(`w${token.slice(0, 2)}-example-org`)
    const told = recording.traffic.find(
      (event) =>
        event.kind === 'http' &&
        event.request.method === 'PUT' &&
        event.request.headers['token'] === token &&
        event.request.path.endsWith('/dynamic-metadata/'),
    )
    if (told?.kind !== 'http') continue
    await httpsCall(sandbox, {
      method: 'PUT',
      path: '/api/1.0/worker/dynamic-metadata/',
      headers: { ...json, token },
      body: bytesOf(told.request.body, translation, new Map()),
    })
  }
}

/** An administrator's doing leaves no trace in the traffic, except that the worker is let in. */
function enableIfRecorded(
  recording: Recording,
  index: number,
  sandbox: SandboxServer,
  opened: { readonly ws: number; readonly token: string | null },
): void {
  const first = recording.traffic
    .slice(index)
    .find((event) => event.kind === 'ws-message' && event.ws === opened.ws && event.from === 'server')
  const letIn = first?.kind === 'ws-message' && JSON.stringify(first.message).includes('"connected"')
  if (letIn) for (const worker of sandbox.workers) if (worker.token === opened.token) sandbox.enableWorker(worker.name)
}

async function open(sandbox: SandboxServer, token: string | null): Promise<Heard> {
  const url = `${sandbox.origin.replace('https', 'wss')}/api/ws/1.0/worker/connect/`
  const socket = new WebSocket(url, { ca: sandbox.caPem, headers: token === null ? {} : { token } })
  const heard: Heard = { socket, messages: [], closed: null }
  socket.on('message', (data) => heard.messages.push((data as Buffer).toString('utf8')))
  socket.on('close', (code) => {
    heard.closed = code
  })
  await new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  return heard
}

/** The recorded token is not the one whose hash was recorded. */
function anyHash(message: string): string {
  return message.replace(/token hash: \\"[0-9a-f]{64}/, 'token hash: \\"HASH')
}

/** Order and repetition are the server's business (PROTOCOL section 4); what is said is not. */
async function compareMessages(recording: Recording, ws: number, heard: Heard): Promise<readonly string[]> {
  const recorded = new Set(
    recording.traffic.flatMap((event) =>
      event.kind === 'ws-message' && event.ws === ws && event.from === 'server'
        ? [anyHash(JSON.stringify(event.message))]
        : [],
    ),
  )
  await until(() => [...recorded].every((message) => heard.messages.map(anyHash).includes(message)))
  const got = new Set(heard.messages.map(anyHash))
  const missing = [...recorded].filter((message) => !got.has(message))
  // A client that left at once did not hear what comes second.
  const second = '{"type":"websocket.send","text":"request_dynamic_metadata"}'
  const left = recorded.size === 1 && [...recorded][0]?.includes('"connected"') === true
  const extra = [...got].filter((message) => !recorded.has(message) && !(left && message === second))
  return [
    ...missing.map((message) => `ws ${ws}: not said: ${message}`),
    ...extra.map((message) => `ws ${ws}: said beyond the recording: ${message}`),
  ]
}

function nextMentioned(recording: Recording, index: number): number | null {
  for (const event of recording.traffic.slice(index)) {
    const ids = event.kind === 'http' ? mentioned(event, recording) : []
    if (ids.length > 0) return Math.max(...ids)
  }
  return null
}

/** Work requests whose existence this call presumes. */
function mentioned(event: RecordedHttp, recording: Recording): readonly number[] {
  const ids = new Set<number>()
  const known = workRequestsOf(recording)
  const inPath = /\/work-request\/(\d+)\//.exec(event.request.path)?.[1]
  if (inPath !== undefined) ids.add(Number(inPath))
  const { body } = event.response
  const text = body !== null && 'json' in body ? JSON.stringify(body.json) : ''
  for (const id of known.keys())
    if (text.startsWith(`{"id":${id},`) || text.includes(`"results":[{"id":${id},`)) ids.add(id)
  return [...ids].filter((id) => known.has(id))
}

/** 0.16 completes a little after its answer; the recording waited. */
async function settled(sandbox: SandboxServer): Promise<void> {
  await until(() =>
    sandbox.record.completions.every(({ workRequestId }) => sandbox.workRequest(workRequestId)?.status !== 'running'),
  )
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 400 && !condition(); turn += 1) await new Promise((resolve) => setTimeout(resolve, 5))
}
