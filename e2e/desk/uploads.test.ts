import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { sampleRelease } from '../../src/main/debian/testing/sample-release.ts'
import { edited, type SampleFiles, sampleUpload } from '../../src/main/debian/testing/sample-upload.ts'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import type { RequestDetail } from '../../src/shared/request.ts'
import { codeOf, DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'
import { registerOpenPgp } from './openpgp-keys.ts'

// The tasks Debsign and SignRepositoryIndex, from the server's request to what it gets back, with keys on a SoftHSM.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

describe.skipIf(softHsmModule() === null).each(['0.11', '0.16'] as const)(
  'an upload at a debusine %s (needs SoftHSM: apt-get install softhsm2)',
  (dialect) => {
    let tokens: SharedTokens
    let bench: DeskBench
    let uploads: Awaited<ReturnType<typeof registerOpenPgp>>
    let indexes: Awaited<ReturnType<typeof registerOpenPgp>>
    const folder = mkdtempSync(join(tmpdir(), 'desk-uploads-'))
    beforeAll(async () => {
      tokens = await makeSharedTokens()
      bench = await DeskBench.make({ tokens, dialect })
      const [rsa, ec] = tokens.soft.tokens[0]?.keys ?? []
      uploads = await registerOpenPgp(bench, rsa?.ckaId ?? '', 'openpgp')
      indexes = await registerOpenPgp(bench, ec?.ckaId ?? '', 'openpgp-repository')
      // The station offers what it can do at its own time.
      orThrow(await bench.station.setDuty(false))
      orThrow(await bench.station.setDuty(true))
    })
    afterAll(async () => {
      await bench.dispose()
      await tokens.dispose()
      rmSync(folder, { recursive: true, force: true })
    })
    afterEach(() => {
      expect(bench.server.record.violations).toEqual([])
    })

    const askFor = (files: SampleFiles) =>
      bench.server.addDebsign({
        fingerprint: uploads.fingerprint,
        files: [...files].map(([name, bytes]) => ({ name, bytes })),
      })
    const checkOf = (detail: RequestDetail, id: string) => detail.sheet?.checks.find((check) => check.id === id)
    async function blocked(work: number, id: string): Promise<string> {
      const detail = await bench.until(work, 'review')
      expect(detail.approvability).toMatchObject({ kind: 'blocked', by: expect.arrayContaining([id]) })
      await bench.showSheet(detail)
      expect(codeOf(await bench.station.desk.approve(bench.approval(detail)))).toBe('sheet-blocked')
      orThrow(await bench.station.desk.decline(detail.summary.id, 'not whole'))
      expect(await bench.untilCompleted(work)).toBe('failure')
      await bench.until(work, 'done')
      expect(await bench.signatures(work)).toEqual([])
      expect((await bench.server.outputs(work)).map(({ category }) => category)).toEqual([
        'debusine:work-request-debug-logs',
      ])
      return (checkOf(detail, id)?.evidence ?? []).map(({ subject, found }) => `${subject}: ${found}`).join('\n')
    }
    async function outputOf(work: number, category: string) {
      const output = (await bench.server.outputs(work)).find((each) => each.category === category)
      if (output === undefined) throw new Error(`no ${category}`)
      return output
    }

    test('is signed whole, each document with an intent and an outcome, and dscverify takes it', async () => {
      const files = sampleUpload()
      const work = await askFor(files)
      const detail = await bench.approve(work)
      expect(detail.sheet?.artifacts[0]?.upload).toMatchObject({
        dsc: 'hello_1.0.dsc',
        buildinfo: 'hello_1.0_amd64.buildinfo',
        changes: 'hello_1.0_amd64.changes',
        last: null,
      })
      expect(await bench.untilCompleted(work)).toBe('success')
      const { summary } = await bench.until(work, 'done')
      expect(summary).toMatchObject({ title: 'hello 1.0', fileCount: 3, signedCount: 3 })
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
      const signed = (await bench.entries('signed')).filter(({ path }) => String(path).startsWith('hello'))
      expect(signed.map(({ path }) => path)).toEqual([
        'hello_1.0.dsc',
        'hello_1.0_amd64.buildinfo',
        'hello_1.0_amd64.changes',
      ])
      const output = await outputOf(work, 'debian:upload')
      expect(output.incomplete).toEqual([])
      expect(output.relations.map(({ type }) => type)).toEqual(['relates-to'])
      expect(output.files.map(({ path }) => path).sort()).toEqual([...files.keys()].sort())
      const place = mkdtempSync(join(folder, 'signed-'))
      for (const { path, bytes } of output.files) writeFileSync(join(place, path), bytes)
      const changes = output.files.find(({ path }) => path.endsWith('.changes'))?.bytes.toString() ?? ''
      // debusine 0.14.8 and later: who asked, in the signed text. The digest on record is that of the text with them.
      const asked = `Debusine-User: ${bench.server.origin}/-/user/3/\nDebusine-Work-Request: ${bench.server.origin}/debusine/signing/work-request/${work}/\n`
      expect(changes.includes(asked)).toBe(dialect === '0.16')
      const text = `${files.get('hello_1.0_amd64.changes')?.toString() ?? ''}${dialect === '0.16' ? asked : ''}`
      expect(signed.at(-1)).toMatchObject({
        digest: createHash('sha256').update(text).digest('hex'),
        purpose: 'openpgp',
        username: 'submitter',
      })
      expect(output.data).toMatchObject({
        type: 'dpkg',
        changes_fields: {
          Source: 'hello',
          Changes: expect.stringContaining('\n .\n   * First.'),
          Files: expect.arrayContaining([expect.objectContaining({ name: 'hello_1.0.dsc', section: 'misc' })]),
        },
      })
      if (!existsSync('/usr/bin/dscverify')) return
      const keyring = join(folder, 'keyring.pgp')
      writeFileSync(keyring, execFileSync('gpg', ['--dearmor'], { input: uploads.certificate }))
      const verified = spawnSync(
        'dscverify',
        ['--no-default-keyrings', '--keyring', keyring, join(place, 'hello_1.0_amd64.changes')],
        { encoding: 'utf8', env: { PATH: '/usr/bin:/bin', HOME: folder } },
      )
      expect(verified.stdout + verified.stderr).toContain('All files validated successfully.')
    })

    if (dialect === '0.11') return

    test('is compared with the last one of its source', async () => {
      const work = await askFor(sampleUpload('1.0~beta', 'hello', '   * Bigger.'))
      const detail = await bench.until(work, 'review')
      expect(detail.sheet?.artifacts[0]?.upload?.last).toMatchObject({
        version: '1.0',
        order: 'older',
        added: [],
        removed: [],
        resized: expect.arrayContaining([expect.objectContaining({ name: 'hello_….dsc' })]),
      })
      expect(detail.approvability).toEqual({ kind: 'approvable', acknowledge: ['upload-version'] })
      await bench.showSheet(detail)
      expect(codeOf(await bench.station.desk.approve(bench.approval(detail, { acknowledged: [] })))).toBe(
        'not-acknowledged',
      )
      orThrow(await bench.station.desk.decline(detail.summary.id, 'older'))
      await bench.until(work, 'done')
    })

    test('is blocked where debsign would sign it: a package that changed, a file that is not there', async () => {
      const changed = sampleUpload('1.1')
      changed.set(
        'hello_1.1_amd64.deb',
        Buffer.from(changed.get('hello_1.1_amd64.deb')?.toString().replace('binary', 'BINARY') ?? ''),
      )
      expect(await blocked(await askFor(changed), 'upload-whole')).toContain(
        'hello_1.1_amd64.deb: is not what hello_1.1_amd64.changes lists: MD5, SHA-1, SHA-256 differ',
      )
      const missing = sampleUpload('1.2')
      missing.delete('hello_1.2.tar.xz')
      expect(await blocked(await askFor(missing), 'upload-whole')).toContain(
        'hello_1.2.tar.xz: is listed in hello_1.2_amd64.changes, and is not there',
      )
      const format = edited(sampleUpload('1.3'), 'hello_1.3_amd64.buildinfo', (text) =>
        text.replace('Format: 1.0', 'Format: 9.0'),
      )
      expect(await blocked(await askFor(format), 'upload-whole')).toContain('0.0 to 0.2 and 1.0 are signed')
    })

    test('that is stopped after its .dsc goes on from there', async () => {
      const work = await askFor(sampleUpload('2.0'))
      const detail = await bench.until(work, 'review')
      await bench.showSheet(detail)
      let stopped = false
      bench.at('outcome', 'after', () => {
        if (stopped) return
        stopped = true
        void bench.station.desk.cancel(detail.summary.id)
      })
      orThrow(await bench.station.desk.approve(bench.approval(detail)))
      const halted = await bench.until(work, 'interrupted', 'done')
      expect(halted.summary.stage).toBe('interrupted')
      expect(await bench.server.outputs(work)).toEqual([])
      orThrow(await bench.station.desk.resume(bench.approval(detail)))
      expect(await bench.untilCompleted(work)).toBe('success')
      await bench.until(work, 'done')
      expect((await bench.story(work)).filter((event) => event === 'signed')).toHaveLength(3)
    })

    test('that was approved before another of its source was signed stops before its first intent', async () => {
      // Both are compared with the last one; the server is slow about the second's permission, and meanwhile the first is signed by hand.
      const work = await askFor(sampleUpload('3.1'))
      const second = await bench.until(work, 'review')
      await bench.showSheet(second)
      for (const [name, bytes] of sampleUpload('3.0')) writeFileSync(join(folder, name), bytes)
      const first = await bench.openReviewed({
        paths: [join(folder, 'hello_3.0_amd64.changes')],
        signAs: 'debian-upload',
        fingerprint: uploads.fingerprint,
        folder: mkdtempSync(join(folder, 'by-hand-')),
      })
      const asked = Promise.withResolvers<void>()
      const answered = Promise.withResolvers<void>()
      const ready = () => {
        asked.resolve()
        return answered.promise
      }
      bench.server.faults.add({ route: 'asset.permission', fault: { kind: 'delay-until', ready } })
      const approving = bench.station.desk.approve(bench.approval(second))
      await asked.promise
      orThrow(await bench.station.desk.approve(bench.approval(first)))
      await bench.untilOf(first.summary.id, 'done')
      answered.resolve()
      orThrow(await approving)

      const stopped = await bench.until(work, 'interrupted')
      expect(stopped.failure).toMatchObject({ kind: 'refused', code: 'last-signed-changed' })
      expect(await bench.signatures(work)).toEqual([])
      expect(await bench.story(work)).toEqual(['request-received', 'sheet-shown', 'approved'])
      // Nor does it go on: the approval is of a sheet that compares with what is not the last one.
      expect(codeOf(await bench.station.desk.resume(bench.approval(second)))).toBe('last-signed-changed')
      orThrow(await bench.station.desk.giveUp(second.summary.id, 'another came first'))
      expect(await bench.untilCompleted(work)).toBe('failure')
      await bench.until(work, 'done')
      expect((await bench.entries('intent')).filter(({ path }) => String(path).startsWith('hello_3.1'))).toEqual([])
    })

    {
      const askIndex = (release: string, mode: 'clear' | 'detached', suite = 'forky@debian:suite') =>
        bench.server.addIndex({
          fingerprints: [indexes.fingerprint],
          release: Buffer.from(release),
          mode,
          suite,
          signedName: mode === 'clear' ? 'InRelease' : 'Release.gpg',
        })
      /** A Release of today, `minutes` ago. */
      const release = (minutes: number, change: Parameters<typeof sampleRelease>[0] = {}) => {
        const at = (offset: number) => new Date(Date.now() + offset).toUTCString().replace('GMT', 'UTC')
        return sampleRelease({ date: at(-minutes * 60_000), validUntil: at(7 * 86_400_000), ...change })
      }
      async function signIndex(text: string, mode: 'clear' | 'detached') {
        const work = await askIndex(text, mode)
        const detail = await bench.approve(work)
        expect(await bench.untilCompleted(work)).toBe('success')
        await bench.until(work, 'done')
        return { detail, output: await outputOf(work, 'debian:repository-index') }
      }

      test('a repository index is signed both ways, gpgv takes it, and the next one is compared with it', async () => {
        const keyring = join(folder, 'indexes.pgp')
        writeFileSync(keyring, execFileSync('gpg', ['--dearmor'], { input: indexes.certificate }))
        const gpgv = (...args: string[]) => spawnSync('gpgv', ['--keyring', keyring, ...args], { encoding: 'utf8' })
        const first = release(30)
        const clear = await signIndex(first, 'clear')
        expect(clear.output).toMatchObject({ data: { path: 'InRelease' }, relations: [{ type: 'extends' }] })
        expect(clear.detail.sheet?.artifacts[0]?.repositoryIndex?.last).toBeNull()
        const [inRelease] = clear.output.files
        expect(inRelease?.path).toBe('InRelease')
        writeFileSync(join(folder, 'InRelease'), inRelease?.bytes ?? '')
        expect(gpgv('--output', '-', join(folder, 'InRelease'))).toMatchObject({ status: 0, stdout: first })

        const second = release(10, { indexes: { 'main/binary-amd64/Packages': 'other', 'main/source/Sources': 's' } })
        const detached = await signIndex(second, 'detached')
        writeFileSync(join(folder, 'Release'), second)
        writeFileSync(join(folder, 'Release.gpg'), detached.output.files[0]?.bytes ?? '')
        expect(detached.output.files[0]?.path).toBe('Release.gpg')
        expect(gpgv(join(folder, 'Release.gpg'), join(folder, 'Release')).status).toBe(0)
        expect(checkOf(detached.detail, 'index-progress')?.evidence.map(({ found }) => found)).toContain(
          '1 added, 2 removed, 1 changed, 0 unchanged',
        )
      })

      test('an index that goes back in time has to be confirmed as such, and one that is over is refused', async () => {
        const work = await askIndex(release(60), 'clear')
        const detail = await bench.until(work, 'review')
        expect(checkOf(detail, 'index-progress')?.evidence[0]?.found).toContain('is BEFORE that of the last one')
        expect(detail.approvability).toEqual({ kind: 'approvable', acknowledge: ['index-progress'] })
        orThrow(await bench.station.desk.decline(detail.summary.id, 'back in time'))
        await bench.until(work, 'done')
        const over = release(5, { validUntil: 'Fri, 02 Jan 2026 00:00:00 UTC' })
        expect(await blocked(await askIndex(over, 'detached'), 'index-sound')).toContain('it is before the Date')
      })
    }
  },
)
