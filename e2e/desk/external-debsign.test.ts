import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { sampleUpload } from '../../src/main/debian/testing/sample-upload.ts'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import { workRequestId } from '../../src/shared/ids.ts'
import type { RequestDetail } from '../../src/shared/request.ts'
import { codeOf, DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'
import { registerOpenPgp } from './openpgp-keys.ts'

// Uploads that wait for the signature of whoever made the task, from the list to what the server gets, with keys on a SoftHSM.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const workflow = { template: 'sid-upload', subject: 'hello', summary: 'hello_1.0' }

describe.skipIf(softHsmModule() === null).each(['0.11', '0.16'] as const)(
  'an upload that waits for its maker at a debusine %s (needs SoftHSM: apt-get install softhsm2)',
  (dialect) => {
    let tokens: SharedTokens
    let bench: DeskBench
    let key: Awaited<ReturnType<typeof registerOpenPgp>>
    let version = 0
    beforeAll(async () => {
      tokens = await makeSharedTokens()
      bench = await DeskBench.make({ tokens, dialect })
      key = await registerOpenPgp(bench, tokens.soft.tokens[0]?.keys[0]?.ckaId ?? '', 'openpgp')
      await be(bench.server.submitterToken)
    })
    afterAll(async () => {
      await bench.dispose()
      await tokens.dispose()
    })

    const be = (token: string) => writeFile(bench.profile.userToken, token, { mode: 0o600 })
    /** A new version each time: the same one again is a matter for the person. */
    function ask(claim: Readonly<Record<string, string>> = {}): { readonly work: number; readonly upload: number } {
      version += 1
      const files = [...sampleUpload(`${version}.0`)].map(([name, bytes]) => {
        const claimedSha256 = claim[name.slice(name.lastIndexOf('.'))]
        return { name, bytes, ...(claimedSha256 === undefined ? {} : { claimedSha256 }) }
      })
      const fields = { Source: 'hello', Version: `${version}.0`, Distribution: 'unstable' }
      const upload = bench.server.addUpload({ data: { type: 'dpkg', changes_fields: fields }, files })
      return { work: bench.server.addExternalDebsign(upload, { workflow }), upload }
    }
    const take = (work: number) =>
      bench.station.desk.takeExternal({ workRequestId: workRequestId.parse(work), fingerprint: key.fingerprint })
    async function reviewed(work: number): Promise<RequestDetail> {
      orThrow(await take(work))
      const detail = await bench.until(work, 'review')
      await bench.showSheet(detail)
      return detail
    }
    const uploadsMade = () =>
      bench.server.record.calls.filter(({ route, status }) => route === 'artifact.create' && status === 201).length
    /** Calls that end the task, or ask whose it is: only the former name an artifact. */
    const handedIn = (work: number) =>
      bench.server.record.calls.filter(
        ({ route, path, json }) =>
          route === 'work-request.external-debsign' &&
          path.includes(`/${work}/`) &&
          JSON.stringify(json ?? '').includes('signed_artifact'),
      ).length

    test('is listed, taken with a key that the person chose, reviewed, signed, and handed in as the real client does', async () => {
      const { work, upload } = ask()
      expect(orThrow(await bench.station.waiting.list())).toMatchObject({
        user: 'submitter',
        ofOthers: 0,
        tasks: [
          {
            kind: 'external-debsign',
            workRequestId: work,
            upload: { artifactId: upload, source: 'hello', version: '1.0', distribution: 'unstable' },
            workflow: dialect === '0.11' ? null : { name: 'sid-upload', about: 'hello_1.0' },
            inHand: null,
          },
        ],
      })
      const id = orThrow(await take(work))
      expect(orThrow(await take(work))).toBe(id)
      const detail = await bench.until(work, 'review')
      expect(orThrow(await bench.station.waiting.list()).tasks).toMatchObject([{ inHand: id }])
      expect(detail.held).toBeNull()
      expect(detail.sheet?.artifacts[0]?.permission).toEqual({
        kind: 'own-signature',
        username: 'submitter',
        userId: 3,
        mine: true,
      })
      // They say which worker's task signed it: none did.
      expect(detail.sheet?.artifacts[0]?.upload?.debusineFields).toBeNull()
      expect(detail.approvability).toEqual({ kind: 'approvable', acknowledge: [] })
      await bench.approve(work)
      await bench.until(work, 'done')
      expect(await bench.story(work)).toEqual([
        'request-received',
        'sheet-shown',
        'approved',
        'intent',
        'signed',
        'intent',
        'signed',
        'intent',
        'signed',
        'returned',
      ])
      expect((await bench.entries('signed')).at(-1)).toMatchObject({ username: 'submitter', purpose: 'openpgp' })
      expect(bench.server.workRequest(work)).toMatchObject({ status: 'completed', result: 'success' })
      const outputs = await bench.server.outputs(work)
      expect(outputs.map(({ category }) => category)).toEqual(['debian:upload'])
      expect(outputs[0]).toMatchObject({ incomplete: [], relations: [{ type: 'relates-to', target: upload }] })
      const changes = outputs[0]?.files.find(({ path }) => path.endsWith('.changes'))?.bytes.toString()
      expect(changes).toContain('-----BEGIN PGP SIGNATURE-----')
      expect(changes).not.toContain('Debusine-')
      const sent = bench.server.record.calls.filter(({ route, status }) => route === 'file.upload' && status === 201)
      // What was not signed is at the server already.
      expect(new Set(sent.map(({ path }) => /\.(\w+)\/$/.exec(path)?.[1]))).toEqual(
        new Set(['dsc', 'buildinfo', 'changes']),
      )
      expect(sent).toHaveLength(3)
      expect(orThrow(await bench.station.waiting.list()).tasks).toEqual([])
      expect(bench.server.record.violations).toEqual([])
    })

    test('of somebody else is counted, not listed, and not taken', async () => {
      const { work } = ask()
      await be(bench.server.intruderToken)
      expect(orThrow(await bench.station.waiting.list())).toMatchObject({ tasks: [], ofOthers: 1 })
      expect(codeOf(await take(work))).toBe('not-yours')
      await be(bench.server.submitterToken)
      bench.server.abort(work)
    })

    // From here on the dialects do not differ in anything that is asked.
    if (dialect === '0.11') return

    test('does not hold up the work of the station as a worker', async () => {
      const { work } = ask()
      const detail = await reviewed(work)
      const other = await bench.ask(1)
      await bench.until(other, 'review')
      orThrow(await bench.station.desk.decline((await bench.show(other)).summary.id, 'only to see it come'))
      await bench.untilCompleted(other)
      orThrow(await bench.station.desk.decline(detail.summary.id, 'not this one'))
      await bench.until(work, 'done')
      // There is no way to tell the server no.
      expect(bench.server.workRequest(work)?.status).toBe('running')
      expect(await bench.story(work)).toEqual(['request-received', 'sheet-shown', 'declined'])
      expect(codeOf(await take(work))).toBe('ended-here')
      expect(orThrow(await bench.station.waiting.list()).tasks).toMatchObject([{ inHand: null, endedHere: 'declined' }])
      bench.server.abort(work)
    })

    test('that is aborted, or given to another token, while it is read is not signed', async () => {
      const aborted = ask().work
      const first = await reviewed(aborted)
      bench.server.abort(aborted)
      expect(codeOf(await bench.station.desk.approve(bench.approval(first)))).toBe('request-gone')
      expect((await bench.until(aborted, 'done')).summary.outcome).toBe('aborted-by-server')
      const { work } = ask()
      const second = await reviewed(work)
      await be(bench.server.intruderToken)
      expect(codeOf(await bench.station.desk.approve(bench.approval(second)))).toBe('permission-withdrawn')
      await be(bench.server.submitterToken)
      expect(await bench.signatures(work)).toEqual([])
      bench.server.abort(work)
      orThrow(await bench.station.desk.decline(second.summary.id, 'over'))
      await bench.until(work, 'done')
    })

    test('whose files are not what the server says is not signed', async () => {
      const { work } = ask({ '.changes': '00'.repeat(32) })
      orThrow(await take(work))
      expect((await bench.until(work, 'unprepared')).failure?.code).toBe('digest-mismatch')
      bench.server.abort(work)
      orThrow(await bench.station.desk.decline((await bench.show(work)).summary.id, 'not whole'))
      await bench.until(work, 'done')
    })

    test('whose signature got no answer is looked up: it arrived, and is handed in once', async () => {
      const { work } = ask()
      const detail = await reviewed(work)
      // The first call at this address asks whose it is.
      bench.server.faults.add({
        route: 'work-request.external-debsign',
        nth: 2,
        fault: { kind: 'drop', when: 'after' },
      })
      orThrow(await bench.station.desk.approve(bench.approval(detail)))
      expect((await bench.until(work, 'done')).summary.outcome).toBe('signed')
      expect([handedIn(work), (await bench.story(work)).at(-1)]).toEqual([1, 'returned'])
    })

    test('whose signature did not arrive is kept, and handed in again with the same artifact', async () => {
      const { work } = ask()
      const detail = await reviewed(work)
      const made = uploadsMade()
      bench.server.faults.add({
        route: 'work-request.external-debsign',
        nth: 2,
        fault: { kind: 'drop', when: 'before' },
      })
      orThrow(await bench.station.desk.approve(bench.approval(detail)))
      const kept = await vi.waitFor(
        async () => {
          const now = await bench.until(work, 'returning')
          expect(now.failure?.code).toBe('server-unreachable')
          return now
        },
        { timeout: 60_000 },
      )
      orThrow(await bench.station.desk.returnAgain(kept.summary.id))
      await bench.until(work, 'done')
      expect([uploadsMade() - made, bench.server.workRequest(work)?.result]).toEqual([1, 'success'])
    })

    test.for([
      // point at which the station is killed, artifacts made in the end, calls that end the task
      ['upload:before', 1, 1],
      ['signed-upload:after', 2, 1], // one is of no work request, and expires
      ['upload:after', 1, 1],
      ['signature-handed-in:before', 1, 1],
      ['signature-handed-in:after', 1, 2], // the second hears that it does not wait, and finds the first
    ] as const)('is handed in whole when the station is killed at %s', async ([point, artifacts, calls]) => {
      const { work } = ask()
      const detail = await reviewed(work)
      const made = uploadsMade()
      // It is signed and cannot be handed in; then the station ends.
      bench.server.faults.add({
        route: 'artifact.create',
        times: Number.POSITIVE_INFINITY,
        fault: { kind: 'drop', when: 'before' },
      })
      orThrow(await bench.station.desk.approve(bench.approval(detail)))
      await vi.waitFor(async () => expect((await bench.until(work, 'returning')).failure).not.toBeNull(), {
        timeout: 60_000,
      })
      await bench.close()
      bench.server.faults.clear()
      const { database, spool, userToken } = bench.profile
      const { apiUrl, caPem } = bench.server
      const child = fileURLToPath(new URL('./testing/hand-in-child.ts', import.meta.url))
      const killAt = fileURLToPath(new URL('../harness/kill-at.ts', import.meta.url))
      const run = await new Promise<readonly unknown[]>((resolve) => {
        const started = execFile(
          process.execPath,
          ['--import', killAt, child],
          { env: { STATION_KILL_AT: point } },
          (error, stdout, stderr) => resolve([error?.signal, stdout, stderr]),
        )
        started.stdin?.end(
          JSON.stringify({ database, spool, userTokenFile: userToken, apiUrl, caPem, id: detail.summary.id }),
        )
      })
      expect(run).toEqual(['SIGKILL', '', ''])
      await bench.start()
      expect((await bench.until(work, 'done')).summary.outcome).toBe('signed')
      expect([uploadsMade() - made, handedIn(work)]).toEqual([artifacts, calls])
      expect((await bench.story(work)).filter((event) => event === 'returned')).toHaveLength(1)
      const [output, ...more] = await bench.server.outputs(work)
      expect([output?.incomplete, more]).toEqual([[], []])
    })
  },
)
