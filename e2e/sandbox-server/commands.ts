import { mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { routeNames } from './route-names.ts'
import type { SandboxServer } from './sandbox-server.ts'
import { addScenario, scenarioNames } from './scenarios.ts'

const when = z.enum(['before', 'after'])
const fault = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('drop'), when }),
  z.strictObject({ kind: z.literal('hang') }),
  z.strictObject({ kind: z.literal('delay'), milliseconds: z.number() }),
  z.strictObject({ kind: z.literal('status'), status: z.number() }),
  z.strictObject({
    kind: z.literal('redirect'),
    status: z.union([z.literal(301), z.literal(302), z.literal(307), z.literal(308)]),
    location: z.string(),
  }),
  z.strictObject({ kind: z.literal('json'), value: z.unknown() }),
  z.strictObject({ kind: z.literal('truncate'), afterBytes: z.number() }),
  z.strictObject({ kind: z.literal('corrupt') }),
  z.strictObject({ kind: z.literal('endless') }),
  z.strictObject({ kind: z.literal('server-lost'), when }),
])
const route = z.enum(routeNames)
const file = z.strictObject({ name: z.string(), path: z.string(), package: z.string(), version: z.string() })
const certs = z.array(z.string()).nullable()
const optionalName = { name: z.string().optional() }

const command = z.discriminatedUnion('do', [
  z.strictObject({
    do: z.literal('add-scenario'),
    name: z.enum(scenarioNames),
    fingerprint: z.string(),
    otherFingerprint: z.string().optional(),
    files: z.array(file),
    trustedCerts: certs.optional(),
    declares: z.enum(['first', 'current']).optional(),
    lostAt: z.strictObject({ route, nth: z.number(), when }).optional(),
  }),
  z.strictObject({
    do: z.literal('add-sign-request'),
    fingerprint: z.string(),
    purpose: z.string().optional(),
    allowed: z.boolean().optional(),
    trustedCerts: certs.optional(),
    binaryPackageName: z.string().nullable().optional(),
    priority: z.number().optional(),
    files: z.array(z.strictObject({ name: z.string(), file: z.string() })),
  }),
  z.strictObject({ do: z.literal('add-noop') }),
  z.strictObject({ do: z.literal('add-key'), purpose: z.string(), fingerprint: z.string() }),
  z.strictObject({ do: z.literal('activation-token'), fqdn: z.string().optional() }),
  z.strictObject({ do: z.literal('add-enabled-worker'), fqdn: z.string().optional() }),
  z.strictObject({ do: z.literal('enable-worker'), ...optionalName }),
  z.strictObject({ do: z.literal('disable-worker'), ...optionalName }),
  z.strictObject({ do: z.literal('workers') }),
  z.strictObject({ do: z.literal('work-request'), id: z.number() }),
  z.strictObject({ do: z.literal('outputs'), id: z.number(), dir: z.string().optional() }),
  z.strictObject({ do: z.literal('abort'), id: z.number() }),
  z.strictObject({ do: z.literal('expire-token'), id: z.number() }),
  z.strictObject({ do: z.literal('record') }),
  z.strictObject({
    do: z.literal('fault'),
    route,
    fault,
    nth: z.number().optional(),
    times: z.union([z.number(), z.literal('always')]).optional(),
  }),
  z.strictObject({ do: z.literal('clear-faults') }),
  z.strictObject({ do: z.literal('go-offline') }),
  z.strictObject({ do: z.literal('come-online') }),
  z.strictObject({ do: z.literal('ask-for-metadata') }),
])
type Command = z.infer<typeof command>

/** One line of JSON in, one value out; an unknown command or a wrong field is an error with its place. */
export async function runCommand(server: SandboxServer, line: string): Promise<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return { ok: false, error: 'not JSON' }
  }
  const parsed = command.safeParse(value)
  if (!parsed.success) return { ok: false, error: z.prettifyError(parsed.error) }
  try {
    return { ok: true, ...(await perform(server, parsed.data)) }
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) }
  }
}

async function perform(server: SandboxServer, wanted: Command): Promise<Record<string, unknown>> {
  switch (wanted.do) {
    case 'add-scenario': {
      const { do: _, name, ...input } = wanted
      return { workRequestId: await addScenario(server, name, defined(input)) }
    }
    case 'add-sign-request': {
      const { do: _, ...request } = wanted
      return { workRequestId: await server.addSignRequest(defined(request)) }
    }
    case 'add-noop': {
      const taskData = { result: server.dialect === '0.11' ? true : 'success' }
      return { workRequestId: server.addWorkRequest({ taskName: 'noop', taskData }) }
    }
    case 'add-key':
      return { assetId: server.addKey({ purpose: wanted.purpose, fingerprint: wanted.fingerprint }) }
    case 'activation-token':
      return { token: server.activationToken(wanted.fqdn) }
    case 'add-enabled-worker':
      return server.addEnabledWorker(wanted.fqdn)
    case 'enable-worker':
      return { found: server.enableWorker(wanted.name) }
    case 'disable-worker':
      return { found: server.disableWorker(wanted.name) }
    case 'workers':
      return { workers: server.workers.map((worker) => ({ ...worker, token: null })) }
    case 'work-request':
      return { workRequest: server.workRequestJson(wanted.id) }
    case 'outputs':
      return { outputs: await outputs(server, wanted.id, wanted.dir) }
    case 'abort':
      return { aborted: server.abort(wanted.id) }
    case 'expire-token':
      return { expired: server.expireToken(wanted.id) }
    case 'record':
      return { record: server.record }
    case 'fault': {
      const times = wanted.times === 'always' ? Number.POSITIVE_INFINITY : (wanted.times ?? 1)
      server.faults.add({ route: wanted.route, fault: wanted.fault, nth: wanted.nth ?? 1, times })
      return {}
    }
    case 'clear-faults':
      server.faults.clear()
      return {}
    case 'go-offline':
      await server.goOffline()
      return {}
    case 'come-online':
      await server.comeOnline()
      return {}
    case 'ask-for-metadata':
      server.bell.askForMetadata()
      return {}
  }
}

/** Files are written under `dir` (by artifact id, base name only) or answered as base64. */
async function outputs(server: SandboxServer, id: number, dir: string | undefined): Promise<readonly unknown[]> {
  const found = await server.outputs(id)
  return await Promise.all(
    found.map(async ({ files, ...output }) => {
      if (dir === undefined) {
        return { ...output, files: files.map(({ path, bytes }) => ({ path, base64: bytes.toString('base64') })) }
      }
      const folder = join(dir, String(output.artifactId))
      await mkdir(folder, { recursive: true })
      const written = files.map(async ({ path, bytes }, index) => {
        const file = join(folder, `${index}-${basename(path)}`)
        await writeFile(file, bytes)
        return { path, file }
      })
      return { ...output, files: await Promise.all(written) }
    }),
  )
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> }

/** Drops the keys that are undefined: a parsed optional field may be there with no value, an option may not. */
function defined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Defined<T>
}
