import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { listRequests, showRequest } from '../../src/main/requests/request-lists.ts'
import { saveOutputs } from '../../src/main/requests/save-outputs.ts'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import type { OpenByHand } from '../../src/shared/by-hand.ts'
import type { RequestId } from '../../src/shared/ids.ts'
import type { RequestDetail, RequestStage } from '../../src/shared/request.ts'
import { buildPe } from '../workbench/pe-files.ts'
import { codeOf, DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

const sbverify = '/usr/bin/sbverify'
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

describe.skipIf(softHsmModule() === null)(
  'files that are opened by hand (needs SoftHSM: apt-get install softhsm2)',
  () => {
    let tokens: SharedTokens
    let bench: DeskBench
    let folder = ''
    let serial = 0
    beforeAll(async () => {
      tokens = await makeSharedTokens()
      bench = await DeskBench.make({ tokens })
    })
    afterAll(async () => {
      await bench.dispose()
      await tokens.dispose()
    })
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'by-hand-'))
      return () => rmSync(folder, { recursive: true, force: true })
    })

    /** A file whose bytes no other test signs. */
    const image = (name = 'image.efi') => {
      const path = join(folder, name)
      writeFileSync(path, buildPe(100 + serial++))
      return path
    }
    const open = (paths: readonly string[], change: Partial<OpenByHand> = {}) =>
      bench.station.desk.hand.openByHand({
        paths: [...paths],
        signAs: 'uefi-detached',
        fingerprint: bench.fingerprint,
        folder: null,
        ...change,
      })
    async function show(id: RequestId): Promise<RequestDetail> {
      const detail = await showRequest(bench.station.database.db, id)
      if (detail === null) throw new Error('it is not here')
      return detail
    }
    const until = (id: RequestId, stage: RequestStage, failure = false) =>
      vi.waitFor(
        async () => {
          const detail = await show(id)
          if (detail.summary.stage !== stage || (failure && detail.failure === null))
            throw new Error(`it is ${detail.summary.stage}: ${JSON.stringify(detail.failure)}`)
          return detail
        },
        { timeout: 100_000, interval: 25 },
      )
    async function approved(paths: readonly string[], change: Partial<OpenByHand> = {}) {
      const id = orThrow(await open(paths, change))
      const detail = await until(id, 'review')
      await bench.showSheet(detail)
      orThrow(await bench.station.desk.approve(bench.approval(detail)))
      return id
    }
    const story = async (id: RequestId) =>
      (await bench.entries()).filter((entry) => entry['requestId'] === id).map(({ event }) => event)
    const left = () => readdirSync(folder).sort()

    test('go the way of a request from a server: same checks, same sheet, same log; the server hears nothing', async (ctx) => {
      const before = bench.server.record.calls.length
      const path = image('grubx64.efi')
      const id = orThrow(await open([path]))
      const detail = await until(id, 'review')
      const permission = detail.sheet?.checks.find((check) => check.id === 'permission')
      expect(permission).toMatchObject({ outcome: 'attention' })
      expect(permission?.sentence).toContain('Not asked: opened by hand at this station by Release Manager.')
      expect(detail.sheet?.checks.find((check) => check.id === 'request-held')?.outcome).toBe('not-applicable')
      expect(detail.sheet).toMatchObject({
        workRequest: null,
        byHand: {
          openedBy: 'Release Manager',
          signAs: 'uefi-detached',
          files: [{ ordinal: 0, named: path, opened: path, output: `${path}.sig` }],
        },
        artifacts: [{ files: [{ path: 'grubx64.efi', sha256: sha256(readFileSync(path)) }] }],
      })
      expect(detail.held).toBeNull()
      await bench.showSheet(detail)
      // Nobody but this desk asked, and the person has to say so.
      expect(
        codeOf(await bench.station.desk.approve(bench.approval(detail, { acknowledged: ['trusted-certs'] }))),
      ).toBe('not-acknowledged')
      expect(existsSync(`${path}.sig`)).toBe(false)
      orThrow(await bench.station.desk.approve(bench.approval(detail)))
      const done = await until(id, 'done')
      expect(done.byHand?.outputs).toEqual([{ ordinal: 0, path: `${path}.sig`, state: 'written' }])
      expect(await story(id)).toEqual([
        'request-received',
        'opened-by-hand',
        'sheet-shown',
        'approved',
        'intent',
        'signed',
        'output-delivered',
      ])
      const [received] = (await bench.entries('request-received')).filter((entry) => entry['requestId'] === id)
      expect(received).toMatchObject({ server: 'by-hand', workRequestId: null, createdBy: null })
      const [intent] = (await bench.entries('intent')).filter((entry) => entry['requestId'] === id)
      expect(intent).toMatchObject({
        workRequestId: null,
        workspace: null,
        username: null,
        operator: 'Release Manager',
      })
      const [delivered] = (await bench.entries('output-delivered')).filter((entry) => entry['requestId'] === id)
      expect(delivered).toMatchObject({
        how: 'written',
        replacedSha256: null,
        outputSha256: sha256(readFileSync(`${path}.sig`)),
      })
      expect(left()).toEqual(['grubx64.efi', 'grubx64.efi.sig'])
      // No word of it went out: only what the station says of itself.
      const said = bench.server.record.calls.slice(before).map(({ path: called }) => called)
      expect(said.filter((called) => /work-request|artifact|asset/.test(called))).toEqual([])
      await expect.poll(() => readdirSync(bench.profile.spool)).toEqual([])
      if (!existsSync(sbverify)) return ctx.skip('sbverify is not installed (Debian package sbsigntool)')
      const certificate = join(folder, 'certificate.pem')
      writeFileSync(certificate, bench.certificatePem(0))
      expect(
        execFileSync(sbverify, ['--cert', certificate, '--detached', `${path}.sig`, path], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        }),
      ).toContain('Signature verification OK')
    })

    test('are listed, found and saved like others, and the same bytes again are told as signed before', async () => {
      const path = image('again.efi')
      const first = await approved([path], { folder })
      await until(first, 'done')
      rmSync(`${path}.sig`)
      const second = orThrow(await open([path]))
      const detail = await until(second, 'review')
      expect(detail.sheet?.artifacts[0]?.files[0]?.signedBefore).toMatchObject([
        { requestId: first, workRequest: null },
      ])
      const listed = await listRequests(bench.station.database.db, {
        view: 'done',
        search: 'again',
        cursor: null,
        limit: 5,
      })
      expect(listed.rows).toMatchObject([{ id: first, server: 'by-hand', requestedBy: 'Release Manager' }])
      const evidence = { proofOf: async () => null, ofLog: async () => ({ checkpoint: null, vkey: null }) }
      const saved = orThrow(
        await saveOutputs(bench.station.database.db, first, bench.profile.exports, '.sig', evidence),
      )
      expect(readdirSync(saved.folder)).toEqual(['001-again.efi.sig'])
      orThrow(await bench.station.desk.decline(second, 'Once is enough.'))
      expect((await until(second, 'done')).summary.outcome).toBe('declined')
      expect(await story(second)).toEqual(['request-received', 'opened-by-hand', 'declined'])
      expect(existsSync(`${path}.sig`)).toBe(false)
    })

    test('several in one request, into a folder that is chosen', async () => {
      const target = join(folder, 'signed')
      mkdirSync(target)
      const paths = [image('a.efi'), image('b.efi'), image('c.efi')]
      const id = await approved(paths, { folder: target })
      await until(id, 'done')
      expect(readdirSync(target).sort()).toEqual(['a.efi.sig', 'b.efi.sig', 'c.efi.sig'])
      expect(left()).toEqual(['a.efi', 'b.efi', 'c.efi', 'signed'])
    })

    describe('a file that has the name of the signature', () => {
      const precious = 'somebody else’s'
      async function inTheWay() {
        const path = image()
        writeFileSync(`${path}.sig`, precious)
        const id = await approved([path])
        const asked = await until(id, 'returning', true)
        expect(asked.failure).toMatchObject({ code: 'output-exists' })
        expect(asked.failure?.message).toContain(`${path}.sig`)
        expect(asked.byHand?.inTheWay).toBe(`${path}.sig`)
        expect(readFileSync(`${path}.sig`, 'utf8')).toBe(precious)
        return { path, id }
      }

      test('is not touched, and replaced only when that very file was agreed to', async () => {
        const { path, id } = await inTheWay()
        orThrow(await bench.station.desk.returnAgain(id))
        await until(id, 'returning', true)
        expect(readFileSync(`${path}.sig`, 'utf8')).toBe(precious)
        const wrong = { kind: 'replace', path } as const
        expect(codeOf(await bench.station.desk.hand.redirectDelivery(id, wrong))).toBe('not-now')
        orThrow(await bench.station.desk.hand.redirectDelivery(id, { kind: 'replace', path: `${path}.sig` }))
        await until(id, 'done')
        const [delivered] = (await bench.entries('output-delivered')).filter((entry) => entry['requestId'] === id)
        expect(delivered).toMatchObject({ how: 'replaced', replacedSha256: sha256(Buffer.from(precious)) })
        expect(delivered?.['outputSha256']).toBe(sha256(readFileSync(`${path}.sig`)))
        expect(left()).toEqual(['image.efi', 'image.efi.sig'])
        expect(codeOf(await bench.station.desk.hand.redirectDelivery(id, { kind: 'keep' }))).toBe('not-now')
      })

      test('stays where another folder is named, or the signature is kept in the station', async () => {
        const { path, id } = await inTheWay()
        expect(codeOf(await bench.station.desk.hand.redirectDelivery(id, { kind: 'folder', folder: '/nowhere' }))).toBe(
          'no-such-folder',
        )
        const other = join(folder, 'other')
        mkdirSync(other)
        orThrow(await bench.station.desk.hand.redirectDelivery(id, { kind: 'folder', folder: other }))
        await until(id, 'done')
        expect(readdirSync(other)).toEqual(['image.efi.sig'])
        expect(readFileSync(`${path}.sig`, 'utf8')).toBe(precious)

        rmSync(`${path}.sig`)
        const again = await inTheWay()
        orThrow(await bench.station.desk.hand.redirectDelivery(again.id, { kind: 'keep' }))
        expect((await until(again.id, 'done')).byHand?.outputs[0]?.state).toBe('kept')
        expect((await story(again.id)).at(-1)).toBe('output-delivered')
        expect(readFileSync(`${again.path}.sig`, 'utf8')).toBe(precious)
      })

      test('that is a link or a folder is never replaced or written through', async () => {
        const path = image()
        const victim = join(folder, 'victim')
        writeFileSync(victim, precious)
        const id = orThrow(await open([path]))
        symlinkSync(victim, `${path}.sig`)
        const detail = await until(id, 'review')
        await bench.showSheet(detail)
        orThrow(await bench.station.desk.approve(bench.approval(detail)))
        const asked = await until(id, 'returning', true)
        expect(asked.failure?.code).toBe('output-not-a-file')
        expect(
          codeOf(await bench.station.desk.hand.redirectDelivery(id, { kind: 'replace', path: `${path}.sig` })),
        ).toBe('not-now')
        expect(readFileSync(victim, 'utf8')).toBe(precious)
        orThrow(await bench.station.desk.hand.redirectDelivery(id, { kind: 'keep' }))
        await until(id, 'done')
      })
    })

    test('a link is followed to what it leads to, and the sheet says what was opened', async () => {
      const real = image('real.efi')
      const linked = join(folder, 'linked.efi')
      symlinkSync(real, linked)
      const id = orThrow(await open([linked]))
      const detail = await until(id, 'review')
      expect(detail.sheet?.byHand?.files).toEqual([
        { ordinal: 0, named: linked, opened: real, output: `${linked}.sig` },
      ])
      const [entry] = (await bench.entries('opened-by-hand')).filter((each) => each['requestId'] === id)
      expect(entry).toMatchObject({ named: linked, opened: real })
      orThrow(await bench.station.desk.decline(id, 'Only looked.'))
      await until(id, 'done')
    })

    test('what was opened is what is signed, whatever becomes of the original', async () => {
      const path = image()
      const bytes = readFileSync(path)
      const id = orThrow(await open([path]))
      writeFileSync(path, 'exchanged')
      const detail = await until(id, 'review')
      expect(detail.sheet?.artifacts[0]?.files[0]?.sha256).toBe(sha256(bytes))
      // A copy that somebody changed in the spool is refused when the checks are made again.
      const [name = ''] = readdirSync(bench.profile.spool)
      const copy = join(bench.profile.spool, name, '0.input')
      chmodSync(copy, 0o600)
      writeFileSync(copy, buildPe(4))
      orThrow(await bench.station.desk.recheck(id))
      expect((await show(id)).failure?.code).toBe('spool-changed')
      orThrow(await bench.station.desk.decline(id, 'The copy was changed.'))
      await until(id, 'done')
    })

    test('nothing is opened that is no readable regular file, or has no key, or nowhere to go', async () => {
      const path = image()
      execFileSync('mkfifo', [join(folder, 'pipe')])
      const cases: readonly (readonly [string, Promise<{ readonly ok: boolean }>])[] = [
        ['file-not-opened', open([join(folder, 'absent')])],
        ['not-a-file', open([folder], { folder })],
        ['not-a-file', open([join(folder, 'pipe')])],
        ['not-a-file', open(['/dev/zero'], { folder })],
        ['same-output', open([path, path])],
        ['folder-not-writable', open([path], { folder: join(folder, 'absent') })],
        ['folder-not-writable', open([path], { folder: path })],
        ['key-does-not-fit', open([path], { fingerprint: bench.keyFingerprint(1) })],
        ['name-too-long', open([image('n'.repeat(253))])],
        // One that cannot be opened, and none is.
        ['file-not-opened', open([path, join(folder, 'absent')])],
      ]
      for (const [code, answer] of cases) expect(codeOf((await answer) as never)).toBe(code)
      await expect.poll(() => readdirSync(bench.profile.spool)).toEqual([])
    })

    test('a folder that cannot be written is told, and the signature goes there when it can', async () => {
      const target = join(folder, 'medium')
      mkdirSync(target)
      const path = image()
      const id = orThrow(await open([path], { folder: target }))
      const detail = await until(id, 'review')
      await bench.showSheet(detail)
      rmSync(target, { recursive: true })
      orThrow(await bench.station.desk.approve(bench.approval(detail)))
      expect((await until(id, 'returning', true)).failure).toMatchObject({
        code: 'output-not-written',
        kind: 'unavailable',
      })
      await bench.restart()
      mkdirSync(target)
      // The start takes it up again; where that was too early, the button does.
      await bench.station.desk.returnAgain(id)
      await until(id, 'done')
      expect(readdirSync(target)).toEqual(['image.efi.sig'])
    })
  },
)
