import { readdirSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { recorded } from '../../src/main/debusine/testing/replay.ts'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import { unknownFingerprint, untrustedCertificate } from '../sandbox-server/scenarios.ts'
import { buildPe } from '../workbench/pe-files.ts'
import { codeOf, DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'

// One station for each dialect; its requests come one after the other, as they do at a desk. Each is finished before the next.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

describe.skipIf(softHsmModule() === null).each([
  ['0.11', 'sign-uefi-two-artifacts.0.11.3'],
  ['0.16', 'sign-uefi-two-artifacts.0.16.2'],
] as const)('requests of a debusine %s (needs SoftHSM: apt-get install softhsm2)', (dialect, recording) => {
  let tokens: SharedTokens
  let bench: DeskBench
  const trusted = 'AB'.repeat(32)
  beforeAll(async () => {
    tokens = await makeSharedTokens()
    bench = await DeskBench.make({ tokens, dialect, trustedCerts: [trusted.toLowerCase()] })
  })
  afterAll(async () => {
    await bench.dispose()
    await tokens.dispose()
  })
  afterEach(() => {
    // What a careful worker does not do (record.ts); no request of this file provokes any of it.
    expect(bench.server.record.violations).toEqual([])
  })

  /** Ends a blocked request as an operator does, and looks at what the server was told. */
  async function decline(work: number, reason: string): Promise<void> {
    orThrow(await bench.station.desk.decline((await bench.show(work)).summary.id, reason))
    expect(await bench.untilCompleted(work)).toBe('failure')
    await bench.until(work, 'done')
  }
  const outcomeOf = async (work: number, id: string) =>
    (await bench.show(work)).sheet?.checks.find((check) => check.id === id)?.outcome

  /** A request that cannot be approved: names the check, refuses the approval, is declined with nothing uploaded but the log. */
  async function expectBlocked(work: number, by: string, outcome: 'refused' | 'unknown'): Promise<void> {
    const detail = await bench.until(work, 'review')
    expect(await outcomeOf(work, by)).toBe(outcome)
    expect(detail.approvability).toMatchObject({ kind: 'blocked', by: expect.arrayContaining([by]) })
    await bench.showSheet(detail)
    expect(codeOf(await bench.station.desk.approve(bench.approval(detail)))).toBe('sheet-blocked')
    await decline(work, `blocked by ${by}`)
    expect(await bench.signatures(work)).toEqual([])
    const outputs = await bench.server.outputs(work)
    expect(outputs.map((output) => output.category)).toEqual(['debusine:work-request-debug-logs'])
  }

  test('a fine one is reviewed, approved, signed and returned', async () => {
    const work = await bench.ask(2, { trustedCerts: [trusted] })
    await bench.approve(work)
    expect(await bench.untilCompleted(work)).toBe('success')
    await bench.until(work, 'done')
    expect(await bench.story(work)).toEqual(
      ['request-received', 'sheet-shown', 'approved', 'intent', 'intent', 'signed', 'signed', 'returned'].toSorted(
        (a, b) => order.indexOf(a) - order.indexOf(b),
      ),
    )
    expect((await bench.entries('signed'))[0]).toMatchObject({
      username: 'submitter',
      workspace: 'signing',
      trustedCertsVerdict: { kind: 'declared', declared: 1, trusted: 1 },
    })
  })

  test('its outputs are what debusine’s own worker makes of the same artifacts', async () => {
    const image = 'systemd-boot-efi/usr/lib/systemd/boot/efi/systemd-bootx64.efi'
    const work = await bench.ask(0, {
      files: [{ name: image, bytes: buildPe(77) }],
      binaryPackageName: 'systemd-boot-efi',
      more: [
        {
          files: [
            { name: 'm/notes.efi', bytes: buildPe(78) },
            { name: 'm/extra.ko', bytes: Buffer.from('\x7fELF module') },
          ],
          binaryPackageName: 'extra',
          trustedCerts: [],
        },
      ],
    })
    const detail = await bench.approve(work)
    expect(await bench.untilCompleted(work)).toBe('success')
    await bench.until(work, 'done')
    const made = recorded(recording)
      .filter(({ request }) => request.method === 'POST' && request.path === '/api/1.0/artifact/')
      .map(({ request }) => (request.body as { json: { category: string; data: Recorded } }).json) // a recording
    const outputs = await bench.server.outputs(work)
    expect(outputs.map((output) => output.category)).toEqual(made.map(({ category }) => category))
    expect(outputs.map((output) => output.data)).toEqual(
      made.map(({ data }) =>
        'results' in data
          ? {
              ...data,
              fingerprint: bench.fingerprint,
              // In the recording this file was no image, and failed; here it is one.
              results: data.results.map((result) =>
                result.file === 'm/notes.efi'
                  ? { ...result, output_file: 'm/notes.efi.sig', error_message: null }
                  : result,
              ),
            }
          : data,
      ),
    )
    expect(outputs.map((output) => output.files.map((file) => file.path))).toEqual([
      [`${image}.sig`],
      ['m/notes.efi.sig'],
      ['signing-station.log', 'signing-station.checkpoint'],
    ])
    const [one, two] = (detail.sheet?.artifacts ?? []).map((artifact) => artifact.artifactId)
    expect(outputs.map((output) => output.relations.map(({ target, type }) => [target, type]))).toEqual([
      [[one, 'relates-to']],
      [[two, 'relates-to']],
      [
        [one, 'relates-to'],
        [two, 'relates-to'],
      ],
    ])
  })

  test('one that trusts a certificate that is not on the list cannot be approved', async () => {
    await expectBlocked(
      await bench.ask(1, { trustedCerts: [trusted, untrustedCertificate] }),
      'trusted-certs',
      'refused',
    )
  })
  test('one whose creator may not sign cannot be approved', async () => {
    await expectBlocked(await bench.ask(1, { allowed: false }), 'permission', 'refused')
  })
  test('one for a key that nobody knows cannot be approved', async () => {
    await expectBlocked(await bench.ask(1, { fingerprint: unknownFingerprint }), 'key-registered', 'refused')
  })
  test('one with a malformed image cannot be approved, though its other files are fine', async () => {
    const broken = Buffer.from(buildPe(3))
    broken.writeUInt32LE(0x7fff_ff00, 0x3c)
    const files = [
      { name: 'a.efi', bytes: buildPe(4) },
      { name: 'b.efi', bytes: broken },
    ]
    await expectBlocked(await bench.ask(0, { files }), 'layout-safe', 'refused')
  })
  test('one that was declined fails at the server with the code `declined` and the reason', async () => {
    const work = await bench.ask()
    await bench.until(work, 'review')
    await decline(work, 'The changelog does not match.')
    const told = bench.server.record.completions.filter((each) => each.workRequestId === work)
    expect(told).toMatchObject([
      {
        result: 'failure',
        outputData: {
          errors: [{ code: 'declined', message: expect.stringContaining('The changelog does not match.') }],
        },
      },
    ])
    expect((await bench.show(work)).decision).toMatchObject({
      kind: 'declined',
      operator: 'Release Manager',
      reason: 'The changelog does not match.',
    })
  })
  test('one of forty files is signed under one decision and one PIN', async () => {
    const work = await bench.ask(40)
    const detail = await bench.approve(work)
    expect(await bench.untilCompleted(work)).toBe('success')
    expect((await bench.signatures(work)).map((row) => row.state)).toEqual(Array.from({ length: 40 }, () => 'signed'))
    const [output] = await bench.server.outputs(work)
    expect(output?.files).toHaveLength(40)
    const signed = (await bench.entries('signed')).filter((entry) => entry['requestId'] === detail.summary.id)
    expect(signed.map((entry) => entry['ordinal'])).toEqual(Array.from({ length: 40 }, (_, ordinal) => ordinal))
    await bench.until(work, 'done')
  })
  test('one whose file changes at the server between two downloads is refused at the second look', async () => {
    const other = buildPe(6)
    const work = await bench.ask(0, {
      files: [{ name: 'a.efi', bytes: buildPe(5), later: [other], declares: 'current' }],
    })
    const detail = await bench.until(work, 'review', 'unprepared')
    if (detail.summary.stage === 'review') orThrow(await bench.station.desk.recheck(detail.summary.id))
    expect((await bench.until(work, 'unprepared')).failure?.code).toMatch(/^(input-changed-at-server|digest-mismatch)$/)
    await decline(work, 'changes under our hands')
    expect(await bench.signatures(work)).toEqual([])
  })
  test('one whose token is away waits as unknown, and is approved when the token is back and the checks were made again', async () => {
    const { tokenFolder } = tokens.soft
    const work = await bench.ask()
    const before = await bench.until(work, 'review')
    await rename(tokenFolder, `${tokenFolder}.away`)
    await bench.station.tokens.reset()
    orThrow(await bench.station.desk.recheck(before.summary.id))
    const without = await bench.until(work, 'review')
    expect(without.approvability).toEqual({ kind: 'blocked', by: ['token-present'] })
    expect(await outcomeOf(work, 'token-present')).toBe('unknown')
    await bench.showSheet(without)
    expect(codeOf(await bench.station.desk.approve(bench.approval(without)))).toBe('sheet-blocked')
    // The sheet from before the token went is not approvable either: it is not the one that is under review.
    expect(codeOf(await bench.station.desk.approve(bench.approval(before)))).toBe('sheet-changed')
    await rename(`${tokenFolder}.away`, tokenFolder)
    await bench.station.tokens.reset()
    orThrow(await bench.station.desk.recheck(before.summary.id))
    await bench.approve(work)
    expect(await bench.untilCompleted(work)).toBe('success')
    await bench.until(work, 'done')
  })
  test('one whose bytes were signed before wants that acknowledged by name', async () => {
    const work = await bench.ask(1)
    const detail = await bench.until(work, 'review')
    expect(detail.approvability).toEqual({ kind: 'approvable', acknowledge: ['signed-before'] })
    await bench.showSheet(detail)
    expect(codeOf(await bench.station.desk.approve(bench.approval(detail, { acknowledged: [] })))).toBe(
      'not-acknowledged',
    )
    await decline(work, 'was signed already')
  })
  test('one that the server aborts while it is being read is gone, and the next one is taken', async () => {
    const work = await bench.ask()
    const detail = await bench.until(work, 'review')
    const next = await bench.ask(2)
    bench.server.abort(work)
    await bench.station.desk.watchHeld()
    expect((await bench.until(work, 'done')).summary.outcome).toBe('aborted-by-server')
    expect(codeOf(await bench.station.desk.approve(bench.approval(detail)))).toBe('not-now')
    await bench.until(next, 'review')
    await decline(next, 'only to see it come')
  })
  test('one that the server aborts right before the approval is not signed, and the next one is taken', async () => {
    const work = await bench.ask()
    const detail = await bench.until(work, 'review')
    await bench.showSheet(detail)
    const next = await bench.ask(2)
    bench.server.abort(work)
    expect(codeOf(await bench.station.desk.approve(bench.approval(detail)))).toMatch(/^(request-gone|not-now)$/)
    expect((await bench.until(work, 'done')).summary.outcome).toBe('aborted-by-server')
    expect(await bench.signatures(work)).toEqual([])
    await bench.until(next, 'review')
    await decline(next, 'only to see it come')
  })
  test('nothing of a finished request stays in the spool', async () => {
    await vi.waitFor(() => expect(readdirSync(bench.profile.spool)).toEqual([]), { timeout: 20_000 })
  })
})

const order = ['request-received', 'sheet-shown', 'approved', 'intent', 'signed', 'returned']

type Recorded =
  | { readonly results: { file: string; output_file: string | null; error_message: string | null }[] }
  | Record<string, never>
