import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { sampleRelease } from '../../src/main/debian/testing/sample-release.ts'
import { sampleUpload } from '../../src/main/debian/testing/sample-upload.ts'
import { showRequest } from '../../src/main/requests/request-lists.ts'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import type { SignAs } from '../../src/shared/by-hand.ts'
import type { RequestId } from '../../src/shared/ids.ts'
import type { RequestDetail, RequestStage } from '../../src/shared/request.ts'
import { codeOf, DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'
import { registerOpenPgp } from './openpgp-keys.ts'

// Texts, files of any kind, uploads and Release files from disk, signed with OpenPGP keys on a SoftHSM and verified by GnuPG and devscripts.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const gpgv = '/usr/bin/gpgv'
const dscverify = '/usr/bin/dscverify'

describe.skipIf(softHsmModule() === null)(
  'OpenPGP of files that are opened by hand (needs SoftHSM: apt-get install softhsm2)',
  () => {
    let tokens: SharedTokens
    let bench: DeskBench
    let uploads: Awaited<ReturnType<typeof registerOpenPgp>>
    let indexes: Awaited<ReturnType<typeof registerOpenPgp>>
    let keys = ''
    let folder = ''
    beforeAll(async () => {
      tokens = await makeSharedTokens()
      bench = await DeskBench.make({ tokens })
      const [rsa, ec] = tokens.soft.tokens[0]?.keys ?? []
      uploads = await registerOpenPgp(bench, rsa?.ckaId ?? '', 'openpgp')
      indexes = await registerOpenPgp(bench, ec?.ckaId ?? '', 'openpgp-repository')
      keys = mkdtempSync(join(tmpdir(), 'by-hand-keys-'))
      for (const [name, { certificate }] of Object.entries({ uploads, indexes }))
        writeFileSync(join(keys, `${name}.pgp`), execFileSync('gpg', ['--dearmor'], { input: certificate }))
    })
    afterAll(async () => {
      await bench.dispose()
      await tokens.dispose()
      rmSync(keys, { recursive: true, force: true })
    })
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'by-hand-'))
      return () => rmSync(folder, { recursive: true, force: true })
    })

    const put = (name: string, bytes: Uint8Array | string) => {
      writeFileSync(join(folder, name), bytes)
      return join(folder, name)
    }
    const open = (path: string, signAs: SignAs, target: string | null = null) =>
      bench.station.desk.hand.openByHand({
        paths: [path],
        signAs,
        fingerprint: (signAs.startsWith('release') ? indexes : uploads).fingerprint,
        folder: target,
      })
    async function show(id: RequestId): Promise<RequestDetail> {
      const detail = await showRequest(bench.station.database.db, id)
      if (detail === null) throw new Error('it is not here')
      return detail
    }
    const until = (id: RequestId, stage: RequestStage) =>
      vi.waitFor(
        async () => {
          const detail = await show(id)
          if (detail.summary.stage !== stage)
            throw new Error(`it is ${detail.summary.stage}: ${JSON.stringify(detail.failure)}`)
          return detail
        },
        { timeout: 60_000, interval: 25 },
      )
    async function sign(path: string, signAs: SignAs, target: string | null = null) {
      const id = orThrow(await open(path, signAs, target))
      const detail = await until(id, 'review')
      await bench.showSheet(detail)
      orThrow(await bench.station.desk.approve(bench.approval(detail)))
      await until(id, 'done')
      return detail
    }
    const checkOf = (detail: RequestDetail, id: string) => detail.sheet?.checks.find((check) => check.id === id)
    const verified = (keyring: 'uploads' | 'indexes', ...files: readonly string[]) =>
      spawnSync(gpgv, ['--keyring', join(keys, `${keyring}.pgp`), ...files], { encoding: 'utf8' })

    test('a text is clear-signed, and what it hides is told', async (ctx) => {
      const path = put('note.txt', 'one\n- two\nFrom three\nfour\u202E\n')
      const detail = await sign(path, 'openpgp-clear')
      expect(checkOf(detail, 'file-explained')?.outcome).toBe('attention')
      expect(checkOf(detail, 'permission')?.outcome).toBe('attention')
      expect(readFileSync(`${path}.asc`, 'utf8')).toMatch(/^-----BEGIN PGP SIGNED MESSAGE-----\n/)
      if (!existsSync(gpgv)) return ctx.skip('gpgv is not installed')
      expect(verified('uploads', `${path}.asc`)).toMatchObject({ status: 0 })
    })

    test('a file of any kind gets a signature beside it, and is said to be signed unseen', async (ctx) => {
      const path = put('module.ko', Buffer.from(Array.from({ length: 3000 }, (_, index) => index % 256)))
      const detail = await sign(path, 'openpgp-detached')
      expect(checkOf(detail, 'file-explained')).toMatchObject({ outcome: 'attention' })
      expect(checkOf(detail, 'file-explained')?.sentence).toContain('without looking into them')
      expect(detail.sheet?.artifacts[0]).toMatchObject({ detached: true, files: [{ disposition: 'sign' }] })
      if (!existsSync(gpgv)) return ctx.skip('gpgv is not installed')
      expect(verified('uploads', `${path}.asc`, path)).toMatchObject({ status: 0 })
      writeFileSync(path, 'another')
      expect(verified('uploads', `${path}.asc`, path).status).not.toBe(0)
    })

    test('an upload is opened by its .changes with all that it lists, and comes out whole beside it', async (ctx) => {
      for (const [name, bytes] of sampleUpload()) put(name, bytes)
      const target = join(folder, 'signed')
      mkdirSync(target)
      const detail = await sign(join(folder, 'hello_1.0_amd64.changes'), 'debian-upload', target)
      expect(detail.sheet?.artifacts[0]?.upload).toMatchObject({ dsc: 'hello_1.0.dsc', debusineFields: null })
      expect(checkOf(detail, 'upload-whole')?.outcome).toBe('passed')
      expect(readdirSync(target).sort()).toEqual([
        'hello_1.0.dsc',
        'hello_1.0_amd64.buildinfo',
        'hello_1.0_amd64.changes',
      ])
      if (!existsSync(dscverify)) return ctx.skip('dscverify is not installed (Debian package devscripts)')
      for (const [name, bytes] of sampleUpload())
        if (!existsSync(join(target, name))) writeFileSync(join(target, name), bytes)
      expect(
        spawnSync(
          dscverify,
          ['--no-default-keyrings', '--keyring', join(keys, 'uploads.pgp'), join(target, 'hello_1.0_amd64.changes')],
          { encoding: 'utf8' },
        ),
      ).toMatchObject({ status: 0 })
    })

    test('an upload in its own folder replaces nothing without being asked, document by document', async () => {
      const files = sampleUpload()
      for (const [name, bytes] of files) put(name, bytes)
      const id = orThrow(await open(join(folder, 'hello_1.0_amd64.changes'), 'debian-upload'))
      const detail = await until(id, 'review')
      expect(detail.sheet?.byHand?.files.filter(({ output }) => output !== null)).toHaveLength(3)
      await bench.showSheet(detail)
      orThrow(await bench.station.desk.approve(bench.approval(detail)))
      const asked = new Set<string>()
      for (let question = 0; question < 3; question += 1) {
        const path = await vi.waitFor(async () => {
          const { inTheWay } = (await show(id)).byHand ?? {}
          if (inTheWay == null || asked.has(inTheWay)) throw new Error('nothing new is asked')
          return inTheWay
        }, 60_000)
        asked.add(path)
        expect(readFileSync(path)).toEqual(Buffer.from(files.get(path.slice(folder.length + 1)) ?? ''))
        await vi.waitFor(async () => {
          orThrow(await bench.station.desk.hand.redirectDelivery(id, { kind: 'replace', path }))
        }, 60_000)
      }
      await until(id, 'done')
      const replaced = (await bench.entries('output-delivered')).filter((entry) => entry['requestId'] === id)
      expect(replaced.map(({ how }) => how)).toEqual(['replaced', 'replaced', 'replaced'])
      expect(readFileSync(join(folder, 'hello_1.0_amd64.changes'), 'utf8')).toContain('BEGIN PGP SIGNED MESSAGE')
    })

    test('an upload that is not whole, or is none, is not signed', async () => {
      for (const [name, bytes] of sampleUpload()) if (!name.endsWith('.dsc')) put(name, bytes)
      const id = orThrow(await open(join(folder, 'hello_1.0_amd64.changes'), 'debian-upload'))
      const detail = await until(id, 'review')
      expect(detail.approvability).toMatchObject({ kind: 'blocked', by: expect.arrayContaining(['upload-whole']) })
      orThrow(await bench.station.desk.decline(id, 'Not whole.'))
      await until(id, 'done')
      expect(codeOf(await open(put('note.txt', 'text'), 'debian-upload'))).toBe('file-does-not-fit')
    })

    const at = (offset: number) => new Date(Date.now() + offset).toUTCString().replace('GMT', 'UTC')
    test('a Release becomes InRelease and Release.gpg, and the next one is compared with it', async (ctx) => {
      const path = put('Release', sampleRelease({ date: at(-60_000), validUntil: at(7 * 86_400_000) }))
      await sign(path, 'release-clear')
      const again = await sign(path, 'release-detached')
      expect(again.sheet?.artifacts[0]?.repositoryIndex).toMatchObject({ mode: 'detached', signedName: 'Release.gpg' })
      expect(again.sheet?.artifacts[0]?.repositoryIndex?.last).not.toBeNull()
      expect(readdirSync(folder).sort()).toEqual(['InRelease', 'Release', 'Release.gpg'])
      if (!existsSync(gpgv)) return ctx.skip('gpgv is not installed')
      expect(verified('indexes', join(folder, 'InRelease'))).toMatchObject({ status: 0 })
      expect(verified('indexes', join(folder, 'Release.gpg'), path)).toMatchObject({ status: 0 })
      // A key of one purpose does not sign for another.
      const other = await bench.station.desk.hand.openByHand({
        paths: [path],
        signAs: 'openpgp-clear',
        fingerprint: indexes.fingerprint,
        folder: null,
      })
      expect(codeOf(other)).toBe('key-does-not-fit')
    })

    test('an older Release that was in review before a newer one was signed is not signed after it unseen', async () => {
      const opened = async (name: string, minutes: number) => {
        const release = sampleRelease({ date: at(-minutes * 60_000), validUntil: at(7 * 86_400_000) })
        mkdirSync(join(folder, name))
        const id = orThrow(await open(put(`${name}/Release`, release.replace('testing', 'both')), 'release-clear'))
        const detail = await until(id, 'review')
        await bench.showSheet(detail)
        return detail
      }
      const [older, newer] = [await opened('older', 60), await opened('newer', 30)]
      const { id } = older.summary
      expect(checkOf(older, 'index-progress')?.outcome).toBe('passed')
      orThrow(await bench.station.desk.approve(bench.approval(newer)))
      await until(newer.summary.id, 'done')
      expect(codeOf(await bench.station.desk.approve(bench.approval(older)))).toBe('last-signed-changed')
      orThrow(await bench.station.desk.recheck(id))
      const again = await until(id, 'review')
      expect(checkOf(again, 'index-progress')?.sentence).toContain('BEFORE')
      orThrow(await bench.station.desk.decline(id, 'Goes back.'))
      await until(id, 'done')
    })

    test('a Release is not approved while another of its suite is being signed, and can be after it', async () => {
      const opened = async (name: string, minutes: number) => {
        const release = sampleRelease({ date: at(-minutes * 60_000), validUntil: at(7 * 86_400_000) })
        mkdirSync(join(folder, name))
        const path = put(`${name}/Release`, release.replace('testing', 'at-once'))
        const detail = await until(orThrow(await open(path, 'release-clear')), 'review')
        await bench.showSheet(detail)
        return detail
      }
      const [first, second] = [await opened('first', 60), await opened('second', 30)]
      const meanwhile = Promise.withResolvers<string>()
      bench.at('outcome', 'before', () => {
        void bench.station.desk.approve(bench.approval(second)).then((approved) => meanwhile.resolve(codeOf(approved)))
      })
      orThrow(await bench.station.desk.approve(bench.approval(first)))
      expect(await meanwhile.promise).toBe('last-signed-changed')
      await until(first.summary.id, 'done')
      const { id } = second.summary
      orThrow(await bench.station.desk.recheck(id))
      const again = await until(id, 'review')
      await bench.showSheet(again)
      orThrow(await bench.station.desk.approve(bench.approval(again)))
      await until(id, 'done')
    })
  },
)
