import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBell } from '../../src/main/debusine/bell.ts'
import { createDebusineServer, createPendingWorkList, restFor } from '../../src/main/debusine/debusine-server.ts'
import { enrol } from '../../src/main/debusine/register.ts'
import type {
  Artifact,
  Bell,
  BellState,
  DebusineServer,
  HeldReference,
  HeldWork,
  ServerFailure,
} from '../../src/main/debusine/server.ts'
import { generateTaskOf, signingInputOf, signingOutputData, signTaskOf } from '../../src/main/debusine/task-data.ts'
import { createTokenFile } from '../../src/main/debusine/token-file.ts'
import { artifactId, fingerprint, sha256Hex } from '../../src/shared/ids.ts'
import type { Result } from '../../src/shared/result.ts'
import { Secret } from '../../src/shared/secret.ts'
import { type Bed, type Release, seed, testbed, up } from './testbed.ts'

// The client against the real servers of both releases: what the recorded traffic cannot show is whether the server agrees.

const signal = new AbortController().signal

function good<T>(
  result: Result<T, { readonly code: string; readonly message: string; readonly detail?: string | undefined }>,
): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message} (${result.error.detail ?? ''})`)
  return result.value
}

function heldOf(work: HeldWork): HeldReference {
  const { id, scope, workspace, worker } = work.request
  return { workRequestId: id, token: work.token, scope, workspace, worker }
}

/** Everything the bell said, and a way to wait for more of it. */
function ringBook() {
  const seen: string[] = []
  let wake = () => {}
  const note = (what: string) => {
    seen.push(what)
    wake()
  }
  return {
    seen,
    listener: {
      onState: (state: BellState) => note(state.kind),
      onRing: () => note('ring'),
      onMetadataWanted: () => note('metadata'),
    },
    until: async (what: string) => {
      while (!seen.includes(what)) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    forget: () => {
      seen.length = 0
    },
  }
}

describe.each(['stable', 'backports'] as const)('against the real server of Debian %s', (release: Release) => {
  let bed: Bed
  let caPem: string
  let folder: string
  let token: Secret
  let server: DebusineServer & { close(): void }
  let bell: Bell | null = null
  const book = ringBook()
  const fqdn = `desk-${randomBytes(4).toString('hex')}.example.org`
  const worker = fqdn.replaceAll('.', '-')
  const modern = release === 'backports'

  const ring = () => {
    book.forget()
    bell = openBell({ apiUrl: bed.api_url, caPem, workerToken: token, dialect: () => server.dialect() }, book.listener)
  }
  const hangUp = async () => {
    await bell?.close()
    bell = null
  }
  const offer = () =>
    server.offer({
      signPurposes: ['uefi'],
      generatesKeys: false,
      usableKeys: [{ purpose: 'uefi', fingerprint: fingerprint.parse(bed.keys['uefi-hsm']?.fingerprint) }],
      version: '0.1.0',
    })
  /** Waits for the ring of this request and takes it. Nothing else may be handed out meanwhile. */
  const take = async (id: number): Promise<HeldWork> => {
    await book.until('ring')
    const work = good(await server.fetchNext())
    expect(work?.request.id).toBe(id)
    if (work === null) throw new Error('nothing was assigned')
    return work
  }
  const status = async (id: number) =>
    JSON.parse(await testbed(release, 'work-request', String(id))) as {
      status: string
      result: string
      artifacts: { category: string; data: unknown; relations: unknown[]; files: Record<string, { base64?: string }> }[]
    }

  beforeAll(async () => {
    bed = await up(release)
    caPem = await readFile(bed.ca_file, 'utf8')
    folder = await mkdtemp(join(tmpdir(), 'station-real-'))
  })
  afterAll(async () => {
    await hangUp()
    server.close()
    await rm(folder, { recursive: true, force: true })
  })

  it('registers with a token of its own, waits to be enabled, and is then let in', async () => {
    const rest = good(restFor({ apiUrl: bed.api_url, caPem }))
    const store = createTokenFile(join(folder, 'worker-token'))
    expect(good(await enrol({ rest, store, fqdn, activationToken: null }))).toEqual({
      how: 'registered',
      enabled: false,
    })
    expect(good(await enrol({ rest, store, fqdn, activationToken: null }))).toEqual({ how: 'known', enabled: false })
    const stored = good(await store.read())
    token = stored?.token ?? Secret.fromText('')
    server = createDebusineServer({ apiUrl: bed.api_url, caPem, workerToken: token, uploadChunkBytes: 1000 })
    expect(good(await server.dialect())).toBe(modern ? '0.16' : '0.11')

    ring()
    await book.until('rejected')
    await hangUp()
    const refused = await server.fetchNext()
    expect(refused).toMatchObject({ ok: false, error: { code: 'not-authenticated' } satisfies Partial<ServerFailure> })

    await testbed(release, 'enable-worker', worker)
    expect(good(await enrol({ rest, store, fqdn, activationToken: null }))).toEqual({ how: 'known', enabled: true })
    rest.close()
    ring()
    await book.until('connected')
    await book.until('metadata')
    good(await offer())
  })

  it('is not given keys to generate', async () => {
    const generate = await seed(release, 'generate-key-uefi')
    const sign = await seed(release, 'sign-uefi-hsm')
    // The older one would have come first if it could.
    const work = await take(sign.work_request_id)
    good(
      await server.complete(heldOf(work), {
        result: 'failure',
        errors: [{ code: 'declined', message: 'Declined by the operator.' }],
        durationSeconds: 3,
      }),
    )
    expect(await status(generate.work_request_id)).toMatchObject({ status: 'pending' })
    await hangUp()
    await testbed(release, 'reference-sign', String(generate.work_request_id))
    expect(await status(sign.work_request_id)).toMatchObject({ status: 'completed', result: 'failure' })
  })

  it('is given a key to make once it says so, and the key’s asset is made once', async () => {
    const generate = await seed(release, 'generate-key-uefi')
    good(await server.offer({ signPurposes: [], generatesKeys: true, usableKeys: [], version: '0.1.0' }))
    ring()
    const work = await take(generate.work_request_id)
    const held = heldOf(work)
    expect(good(generateTaskOf(work.request))).toMatchObject({ purpose: 'uefi' })
    const key = {
      purpose: 'uefi',
      fingerprint: fingerprint.parse(randomBytes(32).toString('hex').toUpperCase()),
      publicKey: Buffer.from('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'),
      description: 'made by a station',
    }
    const made = good(await server.createKeyAsset(held, key))
    expect(good(await server.createKeyAsset(held, key))).toEqual(made)
    good(await server.complete(held, { result: 'success', errors: [], durationSeconds: 2 }))
    await expect.poll(async () => (await status(generate.work_request_id)).result, { timeout: 30_000 }).toBe('success')
    await hangUp()
    good(await offer())
  })

  it('lists pending work with a user token, and holds, reads, asks, uploads, relates and completes a request', async () => {
    const seeded = await seed(release, 'sign-uefi-two-artifacts')
    const list = createPendingWorkList({ apiUrl: bed.api_url, caPem })
    const pending = good(await list.pending(Secret.fromText(bed.users.operator.token), bed.scope))
    expect(pending.map(({ id }) => id)).toContain(seeded.work_request_id)
    list.close()

    ring()
    const work = await take(seeded.work_request_id)
    const held = heldOf(work)
    if (modern) expect(work.raw).not.toContain(work.token)
    expect(good(await server.stillHeld(held))).toBe('held')
    const task = good(signTaskOf(work.request))
    expect(task).toMatchObject({ purpose: 'uefi', unsignedIds: seeded.artifacts })

    const made = []
    for (const id of task.unsignedIds) {
      const artifact: Artifact = good(await server.artifact(held, id))
      expect(artifact).toMatchObject({ id, workspace: bed.workspace, category: 'debusine:signing-input' })
      const input = good(signingInputOf(artifact.data))
      expect(good(await server.signPermission(held, task, id))).toMatchObject({
        kind: 'answered',
        allowed: true,
        username: 'submitter',
      })
      expect(good(await server.signPermission(held, { purpose: 'uefi', fingerprint: '0'.repeat(64) }, id))).toEqual({
        kind: 'no-such-key',
      })

      const results = []
      const files = []
      for (const [ordinal, file] of artifact.files.entries()) {
        const spooled = join(folder, `${id}-${ordinal}`)
        // A part from before, as after a crash: the rest is fetched.
        const whole = createHash('sha256')
        good(await server.download(held, file, spooled, { signal }))
        const bytes = await readFile(spooled)
        expect(whole.update(bytes).digest('hex')).toBe(file.sha256)
        await rm(spooled)
        await writeFile(`${spooled}.part`, bytes.subarray(0, Math.floor(bytes.length / 3)), { mode: 0o600 })
        good(await server.download(held, file, spooled, { signal }))
        expect(await readFile(spooled)).toEqual(bytes)

        const signature = randomBytes(2500)
        const path = `${file.path}.sig`
        await writeFile(`${spooled}.sig`, signature)
        files.push({
          path,
          file: `${spooled}.sig`,
          size: signature.length,
          sha256: sha256Hex.parse(createHash('sha256').update(signature).digest('hex')),
        })
        results.push({ file: file.path, outputFile: path, errorMessage: null })
      }
      const data = signingOutputData({
        purpose: task.purpose,
        fingerprint: task.fingerprint,
        binaryPackageName: input.binaryPackageName,
        results,
      })
      const output = good(await server.createArtifact(held, { category: 'debusine:signing-output', data, files }))
      expect([...output.missing].sort()).toEqual(files.map(({ path }) => path).sort())
      for (const file of files) {
        good(await server.upload(held, output.id, file, { signal }))
        good(await server.upload(held, output.id, file, { signal }))
      }
      good(await server.relate(held, { artifact: output.id, target: id, type: 'relates-to' }))
      good(await server.relate(held, { artifact: output.id, target: id, type: 'relates-to' }))
      made.push(output.id)
    }
    // What the station says of its work, with the checkpoint of its log beside it: the category takes a second file.
    const texts = []
    for (const path of ['signing-station.log', 'signing-station.checkpoint']) {
      const bytes = Buffer.from(`${path} of ${held.workRequestId}\n`)
      await writeFile(join(folder, path), bytes)
      const hash = sha256Hex.parse(createHash('sha256').update(bytes).digest('hex'))
      texts.push({ path, file: join(folder, path), size: bytes.length, sha256: hash })
    }
    const category = 'debusine:work-request-debug-logs'
    const logs = good(await server.createArtifact(held, { category, data: {}, files: texts }))
    for (const [sent, file] of texts.entries()) {
      expect([...good(await server.missingFiles(held, logs.id))].sort()).toEqual(
        texts
          .slice(sent)
          .map(({ path }) => path)
          .sort(),
      )
      good(await server.upload(held, logs.id, file, { signal }))
    }
    expect(good(await server.missingFiles(held, logs.id))).toEqual([])
    good(
      await server.relate(held, {
        artifact: logs.id,
        target: artifactId.parse(seeded.artifacts[0]),
        type: 'relates-to',
      }),
    )
    made.push(logs.id)
    expect(new Set(good(await server.producedArtifacts(held)))).toEqual(new Set(made))

    bell?.say(work.request.id, 'Signed by the station')
    bell?.sayEnd(work.request.id, 0)
    good(await server.complete(held, { result: 'success', errors: [], durationSeconds: 12.4 }))
    let final = await status(seeded.work_request_id)
    while (final.status === 'running') final = await status(seeded.work_request_id)
    expect(final).toMatchObject({ status: 'completed', result: 'success' })
    expect(good(await server.stillHeld(held))).toBe('gone')
    const again = await server.complete(held, { result: 'success', errors: [], durationSeconds: 12.4 })
    if (modern) expect(again).toMatchObject({ ok: false, error: { code: 'no-longer-ours' } })
    else expect(again).toMatchObject({ ok: true })
    expect(final.artifacts.map(({ category }) => category)).toEqual([
      'debusine:signing-output',
      'debusine:signing-output',
      'debusine:work-request-debug-logs',
    ])
    expect(Object.keys(final.artifacts[2]?.files ?? {}).sort()).toEqual([
      'signing-station.checkpoint',
      'signing-station.log',
    ])
    expect(final.artifacts.map(({ relations }) => relations)).toEqual(
      [...seeded.artifacts, seeded.artifacts[0]].map((target) => [{ type: 'relates-to', target }]),
    )
    if (modern) {
      const late = await server.artifact(held, artifactId.parse(seeded.artifacts[0]))
      expect(late).toMatchObject({ ok: false, error: { code: 'no-longer-ours' } })
    }
    await hangUp()
  })

  it('is told when the creator may not use the key', async () => {
    const seeded = await seed(release, 'sign-no-permission')
    ring()
    const work = await take(seeded.work_request_id)
    const held = heldOf(work)
    const task = good(signTaskOf(work.request))
    for (const id of task.unsignedIds) {
      expect(good(await server.signPermission(held, task, id))).toMatchObject({
        kind: 'answered',
        allowed: false,
        username: 'intruder',
      })
    }
    good(
      await server.complete(held, {
        result: 'failure',
        errors: [{ code: 'permission', message: 'No permission.' }],
        durationSeconds: 1,
      }),
    )
    await hangUp()
  })

  it('notices an abort with every call', async (ctx) => {
    if (!modern) ctx.skip('a user cannot abort a request on 0.11')
    const seeded = await seed(release, 'sign-uefi-hsm')
    ring()
    const work = await take(seeded.work_request_id)
    const held = heldOf(work)
    expect(good(await server.stillHeld(held))).toBe('held')
    const rest = good(restFor({ apiUrl: bed.api_url, caPem }))
    const aborted = good(
      await rest.call({
        method: 'POST',
        url: rest.url(`work-request/${seeded.work_request_id}/abort/`),
        authority: { token: bed.users.operator.token, scope: bed.scope },
        json: {},
        repeat: 'never',
        what: 'abort',
      }),
    )
    rest.close()
    expect(aborted.status).toBe(200)
    expect(good(await server.stillHeld(held))).toBe('gone')
    const input = artifactId.parse(seeded.artifacts[0])
    const gone = { ok: false, error: { code: 'no-longer-ours' } }
    expect(await server.artifact(held, input)).toMatchObject(gone)
    expect(await server.signPermission(held, good(signTaskOf(work.request)), input)).toMatchObject(gone)
    expect(
      await server.createArtifact(held, { category: 'debusine:work-request-debug-logs', data: {}, files: [] }),
    ).toMatchObject(gone)
    expect(await server.producedArtifacts(held)).toMatchObject(gone)
    expect(await server.complete(held, { result: 'success', errors: [], durationSeconds: 0 })).toMatchObject(gone)
    await hangUp()
  })

  it('goes on with a held request after the line and the program were gone, without a second fetch', async () => {
    const seeded = await seed(release, 'sign-uefi-hsm')
    ring()
    const work = await take(seeded.work_request_id)
    await hangUp()
    server.close()
    server = createDebusineServer({ apiUrl: bed.api_url, caPem, workerToken: token })
    const held = heldOf(work)
    expect(good(await server.stillHeld(held))).toBe('held')
    expect(good(await server.artifact(held, artifactId.parse(seeded.artifacts[0]))).files).toHaveLength(1)
    good(await server.complete(held, { result: 'failure', errors: [], durationSeconds: 1 }))
  })

  it('is enabled at once by an activation token, which works once', async (ctx) => {
    if (!modern) ctx.skip('0.11 has no activation tokens')
    const name = `act-${randomBytes(4).toString('hex')}.example.org`
    const activation = Secret.fromText(
      (await testbed(release, 'admin', 'worker', 'create', '--worker-type', 'signing', name))
        .trim()
        .split(/\s+/)
        .at(-1) ?? '',
    )
    const rest = good(restFor({ apiUrl: bed.api_url, caPem }))
    const first = createTokenFile(join(folder, 'activated'))
    expect(good(await enrol({ rest, store: first, fqdn: name, activationToken: activation }))).toEqual({
      how: 'registered',
      enabled: true,
    })
    const second = createTokenFile(join(folder, 'activated-again'))
    expect(await enrol({ rest, store: second, fqdn: name, activationToken: activation })).toMatchObject({
      ok: false,
      error: { code: 'rejected' },
    })
    rest.close()
    await testbed(release, 'admin', 'manage_worker', 'disable', '--worker-type', 'signing', name.replaceAll('.', '-'))
  })

  it('is turned away when its token is disabled', async () => {
    ring()
    await book.until('connected')
    await testbed(release, 'admin', 'manage_worker', 'disable', '--worker-type', 'signing', worker)
    await book.until('rejected')
    expect(await server.fetchNext()).toMatchObject({ ok: false, error: { code: 'not-authenticated' } })
    expect(await offer()).toMatchObject({ ok: false, error: { code: 'not-authenticated' } })
  })
})
