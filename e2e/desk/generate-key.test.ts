import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { writeSecretFile } from '../../src/main/config/secret-file.ts'
import { createSoftwareKey } from '../../src/main/keys/create-software-key.ts'
import { makeAssetByHand } from '../../src/main/requests/hand-asset.ts'
import type { ServeInput } from '../../src/main/requests/serve-generation.ts'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import type { GenerationPlan } from '../../src/shared/key-generation.ts'
import { defaultPolicies } from '../../src/shared/key-place.ts'
import type { RequestDetail } from '../../src/shared/request.ts'
import { Secret } from '../../src/shared/secret.ts'
import { benchPin, codeOf, DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

/** What the real worker sent for a key of its own, from the recording that the sandbox server is held to. */
function realAsset(version: string): Readonly<Record<string, unknown>> {
  const file = new URL(`../sandbox-server/testdata/generate-key-uefi.${version}.json`, import.meta.url)
  const { traffic } = JSON.parse(readFileSync(file, 'utf8')) as {
    traffic: { request?: { method: string; path: string; body?: { json?: Record<string, unknown> } } }[]
  }
  const call = traffic.find(({ request }) => request?.method === 'POST' && request.path === '/api/1.0/asset/')
  if (call?.request?.body?.json === undefined) throw new Error('the recording has no asset')
  return call.request.body.json
}

describe.for(['0.11', '0.16'] as const)('a request for a key from debusine %s', (dialect) => {
  let tokens: SharedTokens | null = null
  let bench: DeskBench
  beforeAll(async () => {
    tokens = softHsmModule() === null ? null : await makeSharedTokens()
    bench = await DeskBench.make({ tokens, dialect })
    orThrow(
      await bench.station.saveSettings({
        ...bench.station.settings(),
        keyRequests: { accept: true, software: true, tokens: 'any' },
      }),
    )
  })
  afterAll(async () => {
    await bench.dispose()
    await tokens?.dispose()
  })
  afterEach(() => expect(bench.server.record.violations).toEqual([]))

  const ask = (data: Readonly<Record<string, unknown>> = {}) =>
    bench.server.addWorkRequest({
      taskName: 'generatekey',
      taskData: { purpose: 'uefi', description: 'Secure Boot signing 2027', ...data },
    })
  const planFor = (change: Partial<GenerationPlan> = {}): GenerationPlan => ({
    purpose: 'uefi',
    description: 'Secure Boot signing 2027',
    production: true,
    token: bench.tokenId,
    ckaId: '70',
    label: 'sb-2027',
    algorithm: 'rsa-2048',
    policies: defaultPolicies,
    certificate: {
      kind: 'self-signed',
      subject: { commonName: 'Secure Boot signing 2027', organization: null, unit: null, country: null },
      days: 5475,
    },
    ...change,
  })
  const onToken = (change: Partial<GenerationPlan> = {}, pin = benchPin): ServeInput['place'] => ({
    kind: 'token',
    plan: planFor(change),
    pin: Secret.fromText(pin),
    officerPin: null,
    useLastTry: false,
  })
  const serve = (detail: RequestDetail, place: ServeInput['place']) =>
    bench.station.desk.serve({ requestId: detail.summary.id, sheetDigest: digestOf(detail), place })
  const assetCalls = () =>
    bench.server.record.calls.filter(({ path, method }) => path === '/api/1.0/asset/' && method === 'POST')
  async function shown(work: number): Promise<RequestDetail> {
    const detail = await bench.until(work, 'review')
    await bench.showSheet(detail)
    return detail
  }

  test('is offered for, shown with what it asks for, and answered by a key on a token as the real worker does', async (ctx) => {
    if (tokens === null) return ctx.skip('SoftHSM is not installed (apt-get install softhsm2)')
    const work = ask()
    const detail = await shown(work)
    expect(detail.generation).toMatchObject({
      wish: { purpose: 'uefi', description: 'Secure Boot signing 2027', storage: null },
      made: null,
    })
    expect(detail.summary.title).toBe('Make a key: Secure Boot signing 2027')
    const place = onToken({ ckaId: '71' })
    orThrow(await serve(detail, place))
    expect(await bench.untilCompleted(work)).toBe('success')
    const done = await bench.until(work, 'done')
    expect(done.summary).toMatchObject({ outcome: 'signed', fileCount: 1, signedCount: 1 })
    expect(place.kind === 'token' && Buffer.from(place.pin.reveal()).every((byte) => byte === 0)).toBe(true)
    const key = (await bench.station.keys.list()).find(({ fingerprint }) => fingerprint === done.summary.fingerprint)
    expect(key).toMatchObject({ origin: 'generated', production: true, usableNow: true, state: 'active' })
    const [call] = assetCalls()
    const sent = call?.json as { data: { public_key: string } }
    const real = realAsset(dialect === '0.11' ? '0.11.3' : '0.16.2')
    // Field by field what the real worker sends; the values are this key's.
    expect(shapeOf(sent)).toEqual(shapeOf(real))
    expect(call).toMatchObject({ status: 201, token: dialect === '0.11' ? 'worker' : 'work-request' })
    expect(sent).toMatchObject({
      category: 'debusine:signing-key',
      workspace: 'signing',
      work_request: work,
      data: { purpose: 'uefi', fingerprint: key?.fingerprint, description: 'Secure Boot signing 2027' },
    })
    const certificate = new X509Certificate(Buffer.from(sent.data.public_key, 'base64').toString('utf8'))
    expect(createHash('sha256').update(certificate.raw).digest('hex').toUpperCase()).toBe(key?.fingerprint)
    expect(await bench.story(work)).toEqual([
      'request-received',
      'sheet-shown',
      'approved',
      'key-generation-intended',
      'key-asset-created',
      'returned',
    ])
    const entries = (await bench.entries()).map(({ event }) => event)
    expect(entries.slice(entries.lastIndexOf('key-generation-intended'))).toEqual([
      'key-generation-intended',
      'key-generated',
      'possession-challenged',
      'key-registered',
      'key-attested',
      'key-asset-created',
      'returned',
    ])
    // Whoever asks for a signature with it needs the role that an administrator gives, and nobody has it yet.
    const signing = await bench.ask(1, { fingerprint: done.summary.fingerprint ?? '' })
    const refused = await bench.until(signing, 'review')
    expect(refused.approvability).toEqual({ kind: 'blocked', by: ['permission'] })
    expect(refused.sheet?.key.registered).toMatchObject({ description: 'Secure Boot signing 2027', production: true })
    orThrow(await bench.station.desk.decline(refused.summary.id, 'no role yet'))
    await bench.until(signing, 'done')
  })

  test('is answered by a software key where the settings allow it: a test key', async () => {
    const work = ask({ description: 'A test key', ...(dialect === '0.16' ? { storage: 'nacl' } : {}) })
    const detail = await shown(work)
    expect(detail.generation?.wish.storage).toBe(dialect === '0.16' ? 'nacl' : null)
    orThrow(await serve(detail, { kind: 'software' }))
    expect(await bench.untilCompleted(work)).toBe('success')
    const { summary } = await bench.until(work, 'done')
    const key = (await bench.station.keys.list()).find(({ fingerprint }) => fingerprint === summary.fingerprint)
    expect(key).toMatchObject({ origin: 'software', production: false, description: 'A test key' })
    expect(assetCalls().at(-1)?.json).toMatchObject({ data: { fingerprint: summary.fingerprint } })
  })

  test('is refused with the operator’s reason', async () => {
    const work = ask({ description: 'Not this one' })
    const detail = await shown(work)
    orThrow(await bench.station.desk.decline(detail.summary.id, 'Keys are made at the ceremony in March.'))
    expect(await bench.untilCompleted(work)).toBe('failure')
    expect(bench.server.record.completions.at(-1)).toMatchObject({
      workRequestId: work,
      outputData: {
        errors: [
          {
            code: 'declined',
            message: 'Declined by the operator of the signing station: Keys are made at the ceremony in March.',
          },
        ],
      },
    })
    await bench.until(work, 'done')
  })

  test('waits after a wrong PIN, and is served under the same approval', async (ctx) => {
    if (tokens === null) return ctx.skip('SoftHSM is not installed (apt-get install softhsm2)')
    const work = ask({ description: 'Second try' })
    const detail = await shown(work)
    orThrow(await serve(detail, onToken({ ckaId: '72', description: 'Second try' }, 'wrong')))
    const waiting = await bench.until(work, 'interrupted')
    expect(waiting).toMatchObject({
      failure: { code: 'pin-incorrect' },
      generation: { made: { state: 'failed', spkiSha256: null } },
    })
    orThrow(await serve(waiting, onToken({ ckaId: '72', description: 'Second try' })))
    expect(await bench.untilCompleted(work)).toBe('success')
    await bench.until(work, 'done')
    expect((await bench.entries('approved')).filter(({ requestId }) => requestId === detail.summary.id)).toHaveLength(1)
  })

  test('is stopped where nothing came of it, and the server hears that no key was made', async (ctx) => {
    if (tokens === null) return ctx.skip('SoftHSM is not installed (apt-get install softhsm2)')
    const work = ask({ description: 'Given up' })
    const detail = await shown(work)
    orThrow(await serve(detail, onToken({ ckaId: '01' })))
    const waiting = await bench.until(work, 'interrupted')
    expect(waiting).toMatchObject({ failure: { code: 'id-occupied' }, generation: { made: null } })
    orThrow(await bench.station.desk.giveUp(detail.summary.id, 'No free id on this token.'))
    expect(await bench.untilCompleted(work)).toBe('failure')
    expect(bench.server.record.completions.at(-1)).toMatchObject({
      outputData: { errors: [{ code: 'no-key', message: 'No key was made. No free id on this token.' }] },
    })
    await bench.until(work, 'done')
  })

  test('is served only at a place that the settings allow, for what it asks, as it was shown', async (ctx) => {
    if (tokens === null) return ctx.skip('SoftHSM is not installed (apt-get install softhsm2)')
    const work = ask({ description: 'Policy' })
    const unseen = await bench.until(work, 'review')
    expect(codeOf(await serve(unseen, { kind: 'software' }))).toBe('other-sheet')
    const detail = await shown(work)
    const settings = bench.station.settings()
    orThrow(
      await bench.station.saveSettings({ ...settings, keyRequests: { accept: true, software: false, tokens: ['1'] } }),
    )
    const before = assetCalls().length
    for (const place of [{ kind: 'software' } as const, onToken()]) {
      expect(codeOf(await serve(detail, place))).toBe('place-not-allowed')
      if (place.kind === 'token') expect(Buffer.from(place.pin.reveal()).every((byte) => byte === 0)).toBe(true)
    }
    orThrow(await bench.station.saveSettings(settings))
    const csr: GenerationPlan['certificate'] = {
      kind: 'request',
      subject: { commonName: 'x', organization: null, unit: null, country: null },
    }
    expect(codeOf(await serve(detail, onToken({ certificate: csr })))).toBe('certificate-wanted')
    const forged = { ...detail, sheetDigest: null }
    expect(codeOf(await serve(forged, { kind: 'software' }))).toBe('other-sheet')
    // The way of signing requests is none for it.
    expect(codeOf(await bench.station.desk.approve(bench.approval(detail)))).not.toBe('ok')
    expect(assetCalls()).toHaveLength(before)
    orThrow(await bench.station.desk.decline(detail.summary.id, 'only a trial'))
    await bench.until(work, 'done')
  })

  test('of OpenPGP is answered by a key on a token with its OpenPGP certificate, and never by one in software', async (ctx) => {
    if (tokens === null) return ctx.skip('SoftHSM is not installed (apt-get install softhsm2)')
    const before = assetCalls().length
    const work = ask({ purpose: 'openpgp', description: 'Uploads 2027' })
    const detail = await shown(work)
    expect(codeOf(await serve(detail, { kind: 'software' }))).toBe('other-purpose')
    const certificate = { kind: 'openpgp', userId: 'Uploads 2027', days: null } as const
    expect(codeOf(await serve(detail, onToken({ certificate, ckaId: '75' })))).toBe('other-purpose')
    orThrow(await serve(detail, onToken({ purpose: 'openpgp', algorithm: 'ed25519', certificate, ckaId: '75' })))
    expect(await bench.untilCompleted(work)).toBe('success')
    const { summary } = await bench.until(work, 'done')
    expect(summary.fingerprint).toMatch(/^[0-9A-F]{40}$/)
    const key = (await bench.station.keys.list()).find(({ fingerprint }) => fingerprint === summary.fingerprint)
    expect(key).toMatchObject({ purpose: 'openpgp', origin: 'generated', usableNow: true, algorithm: 'ed25519' })
    const sent = assetCalls()[before]?.json as { data: { public_key: string } }
    expect(sent.data).toMatchObject({ purpose: 'openpgp', fingerprint: key?.fingerprint })
    expect(Buffer.from(sent.data.public_key, 'base64').toString('utf8')).toBe(key?.certificatePem)
  })

  test.for([
    ['kernel', 'purpose-unsupported'],
    ['Uefi!', 'task-malformed'],
  ])('for the purpose %s can only be declined', async ([purpose, code]) => {
    const work = ask({ purpose })
    const stuck = await bench.until(work, 'unprepared')
    expect(stuck.failure?.code).toBe(code)
    orThrow(await bench.station.desk.decline(stuck.summary.id, 'not here'))
    expect(await bench.untilCompleted(work)).toBe('failure')
    await bench.until(work, 'done')
  })

  test('or made by hand has its asset made in the name of a user who owns the workspace, and once in the log', async () => {
    const { database, audit, settings } = bench.station
    const hand = (token: string | null) => {
      const userTokenFile = join(bench.profile.dir, 'test-user-token')
      if (token !== null) writeSecretFile(userTokenFile, token)
      return makeAssetByHand(
        { db: database.db, audit, settings: settings(), userTokenFile, now: () => new Date() },
        { purpose: 'uefi', fingerprint: made },
        'signing',
      )
    }
    const ports = { db: database.db, audit, tokens: bench.station.tokens, now: () => new Date() }
    const made = orThrow(await createSoftwareKey(ports, 'By hand', 'Release Manager'))
    expect(codeOf(await hand(null))).toBe('user-token-absent')
    expect(codeOf(await hand(bench.server.intruderToken))).not.toBe('ok')
    expect(await bench.entries('key-asset-created')).not.toContainEqual(expect.objectContaining({ fingerprint: made }))
    const { assetId } = orThrow(await hand(bench.server.userToken))
    expect(orThrow(await hand(bench.server.userToken))).toEqual({ assetId })
    expect((await bench.entries('key-asset-created')).filter(({ fingerprint }) => fingerprint === made)).toMatchObject([
      { requestId: null, assetId, workspace: 'signing', operator: 'Release Manager' },
    ])
    expect(assetCalls().at(-1)).toMatchObject({
      token: 'user',
      json: { work_request: null, workspace: 'signing', data: { fingerprint: made, description: 'By hand' } },
    })
  })

  test('is not asked for where the settings say so, and one that comes can only be declined', async () => {
    const settings = bench.station.settings()
    const told = () => JSON.stringify(bench.server.record.metadata.at(-1)?.value)
    const offered =
      dialect === '0.11' ? '"signing:generatekey:version":null' : 'worker:task:signing:generatekey:version:1'
    expect(told()).toContain(offered)
    const work = ask({ description: 'Too late' })
    const detail = await bench.until(work, 'review')
    orThrow(await bench.station.saveSettings({ ...settings, keyRequests: { ...settings.keyRequests, accept: false } }))
    expect(told()).not.toContain(offered)
    orThrow(await bench.station.desk.recheck(detail.summary.id))
    const refused = await bench.until(work, 'unprepared')
    expect(refused.failure?.code).toBe('key-requests-not-accepted')
    orThrow(await bench.station.desk.decline(refused.summary.id, 'no keys here'))
    await bench.until(work, 'done')
    orThrow(await bench.station.saveSettings(settings))
  })
})

function digestOf(detail: RequestDetail) {
  const digest = detail.sheetDigest
  return digest ?? ('0'.repeat(64) as NonNullable<typeof digest>)
}

/** Names and kinds of all members, however deep. */
function shapeOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return typeof value
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, member]) => [name, shapeOf(member)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}
