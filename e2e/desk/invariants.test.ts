import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { authenticodeSha256 } from '../../src/main/signing/pe/authenticode.ts'
import { maxHeaderBytes, readPeHeaders } from '../../src/main/signing/pe/pe-headers.ts'
import { layOut } from '../../src/main/signing/pe/pe-layout.ts'
import { compileFaultModule, faultEnvironment } from '../../src/main/token/testing/fault-module.ts'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import { buildPe } from '../workbench/pe-files.ts'
import { codeOf, DeskBench, type DeskBenchOptions, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'

// The invariants of docs/ARCHITECTURE.md that are about requests, each against real parts. The other tests of this folder try
// many ways around them; these say what they are.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

describe.skipIf(softHsmModule() === null)('invariants of a request (needs SoftHSM: apt-get install softhsm2)', () => {
  let tokens: SharedTokens
  let bench: DeskBench
  let module: string | null = null
  beforeAll(async () => {
    tokens = await makeSharedTokens()
    module = compileFaultModule(tokens.folder)
  })
  afterAll(() => tokens.dispose())
  afterEach(() => bench.dispose())
  const open = async (options: Partial<DeskBenchOptions> = {}) => {
    bench = await DeskBench.make({ tokens, ...options })
  }

  /** What somebody else who opens the file sees: only what is committed. */
  function onDisk(sql: string): readonly unknown[] {
    const file = new BetterSqlite3(bench.profile.database, { readonly: true })
    const rows = file.prepare(sql).all()
    file.close()
    return rows
  }

  test.for([0, 1, 4])(
    'I1: no use of a private key without its intent on disk (the token hangs after %i signatures)',
    async (after, ctx) => {
      if (module === null) return ctx.skip('there is no C compiler (apt-get install gcc)')
      const calls = join(tokens.folder, `calls-${after}`)
      // Counted for each process; the proof of possession at the registration is the first signature of another one.
      await open({
        module,
        environment: faultEnvironment('hang', tokens.soft.module, calls, after + 1),
      })
      const work = await bench.ask(8)
      writeFileSync(calls, '')
      await bench.approve(work)
      const host = await vi.waitFor(
        () => {
          const pid = Number(/(\d+)\n$/.exec(readFileSync(calls, 'utf8'))?.[1])
          if (!Number.isInteger(pid)) throw new Error('the token does not hang yet')
          return pid
        },
        { timeout: 60_000 },
      )
      const used = readFileSync(calls, 'utf8').split('S').length - 1
      expect(used).toBe(after + 2)
      // At this very moment, in the middle of a use of the key:
      const intents = onDisk(`SELECT 1 FROM audit_entry WHERE event = 'intent'`)
      expect(intents.length).toBeGreaterThanOrEqual(used)
      const rows = onDisk('SELECT ordinal FROM signature ORDER BY ordinal')
      expect(rows).toEqual(intents.map((_, ordinal) => ({ ordinal })))
      expect(await bench.server.outputs(work)).toEqual([])
      process.kill(host, 'SIGKILL')
      await bench.until(work, 'incident')
    },
  )

  test('I1: no result leaves without its outcome row', async () => {
    await open()
    const work = await bench.ask(3)
    let outcomes = -1
    bench.at('upload', 'before', () => {
      outcomes = onDisk(`SELECT 1 FROM audit_entry WHERE event = 'signed'`).length
    })
    await bench.approve(work)
    expect(await bench.untilCompleted(work)).toBe('success')
    expect(outcomes).toBe(3)
    const signed = await bench.entries('signed')
    const outputs = (await bench.server.outputs(work)).flatMap((output) => output.files)
    for (const entry of signed) {
      const file = outputs.find((each) => each.path === `${String(entry['path'])}.sig`)
      expect(
        createHash('sha256')
          .update(file?.bytes ?? '')
          .digest('hex'),
      ).toBe(entry['outputSha256'])
    }
  })

  test('I2: the bytes signed are the bytes shown', async () => {
    await open()
    const images = [buildPe(11), buildPe(12), buildPe(13)]
    const work = await bench.ask(0, { files: images.map((bytes, n) => ({ name: `image-${n}.efi`, bytes })) })
    const detail = await bench.until(work, 'review')
    const shown = detail.sheet?.artifacts.flatMap((artifact) => artifact.files) ?? []
    // Another program's bytes are put in the place of the second file while the operator reads.
    writeFileSync(join(bench.profile.spool, detail.summary.id, '1.input'), buildPe(99))
    await bench.showSheet(detail)
    orThrow(await bench.station.desk.approve(bench.approval(detail)))
    const stopped = await bench.until(work, 'interrupted')
    expect(stopped.failure?.code).toBe('input-changed')
    const { acknowledged: _, ...input } = bench.approval(stopped)
    orThrow(await bench.station.desk.resume(input))
    expect(await bench.untilCompleted(work)).toBe('failure')
    const [output] = await bench.server.outputs(work)
    expect(output?.files.map((file) => file.path)).toEqual(['image-0.efi.sig', 'image-2.efi.sig'])
    for (const file of output?.files ?? []) {
      const index = Number(/\d/.exec(file.path)?.[0])
      const image = images[index] ?? new Uint8Array()
      const headers = readPeHeaders(image.subarray(0, maxHeaderBytes), image.length)
      const digest = headers.ok ? authenticodeSha256(image, layOut(headers.value)) : ''
      expect(shown[index]?.toBeSigned?.digest).toBe(digest)
      // SpcIndirectDataContent holds the digest of what is signed.
      expect(file.bytes.includes(Buffer.from(digest, 'hex'))).toBe(true)
    }
  })

  test('I3: one decision, one set of digests, one key, at most one signature for each file', async (ctx) => {
    if (module === null) return ctx.skip('there is no C compiler (apt-get install gcc)')
    await open({
      module,
      environment: faultEnvironment('delay', tokens.soft.module, join(tokens.folder, 'calls-slow')),
    })
    orThrow(await bench.register(1))
    const work = await bench.ask(4)
    const detail = await bench.until(work, 'review')
    await bench.showSheet(detail)
    const { desk } = bench.station
    const { id } = detail.summary
    bench.at('token', 'before', () => void desk.cancel(id), 2)
    const approvals = await Promise.all([1, 2, 3].map(() => desk.approve(bench.approval(detail))))
    expect(approvals.filter((each) => each.ok)).toHaveLength(1)
    await bench.until(work, 'interrupted')
    const resume = () => {
      const { acknowledged: _, ...input } = bench.approval(detail)
      return desk.resume(input)
    }
    const resumed = await Promise.all([resume(), resume(), resume()])
    expect(resumed.map(codeOf).sort()).toEqual(['not-now', 'not-now', 'ok'])
    expect(await bench.untilCompleted(work)).toBe('success')
    await bench.until(work, 'done')
    for (const late of [await resume(), await desk.approve(bench.approval(detail))])
      expect(codeOf(late)).toBe('not-now')

    const signed = await bench.entries('signed')
    expect(signed.map((entry) => Number(entry['ordinal'])).sort((a, b) => a - b)).toEqual([0, 1, 2, 3])
    const files = detail.sheet?.artifacts.flatMap((artifact) => artifact.files) ?? []
    for (const entry of signed) {
      const file = files.find((each) => each.ordinal === entry['ordinal'])
      expect(entry).toMatchObject({
        sheetDigest: detail.sheetDigest,
        fingerprint: bench.fingerprint,
        inputSha256: file?.sha256,
        digest: file?.toBeSigned?.digest,
      })
    }
    expect(await bench.entries('approved')).toHaveLength(1)
  })

  test('I9: a check that could not be made blocks approval, and the end of the program is no approval', async () => {
    await open()
    // The server does not say who may sign; the token is away.
    bench.server.faults.add({
      route: 'asset.permission',
      fault: { kind: 'redirect', status: 302, location: 'https://elsewhere.example.org/' },
      times: Infinity,
    })
    const work = await bench.ask(1)
    const blocked = await bench.until(work, 'review')
    expect(blocked.approvability).toEqual({ kind: 'blocked', by: ['permission'] })
    bench.server.faults.clear()
    const { tokenFolder } = tokens.soft
    await rename(tokenFolder, `${tokenFolder}.away`)
    try {
      await bench.station.tokens.reset()
      orThrow(await bench.station.desk.recheck(blocked.summary.id))
      const without = await bench.until(work, 'review')
      expect(without.approvability).toEqual({ kind: 'blocked', by: ['token-present'] })
      for (const detail of [blocked, without]) {
        if (detail === without) await bench.showSheet(detail)
        expect(codeOf(await bench.station.desk.approve(bench.approval(detail)))).toMatch(/^sheet-(?:changed|blocked)$/)
      }
    } finally {
      await rename(`${tokenFolder}.away`, tokenFolder)
    }
    await bench.station.tokens.reset()
    orThrow(await bench.station.desk.recheck(blocked.summary.id))
    const fine = await bench.until(work, 'review')
    expect(fine.approvability?.kind).toBe('approvable')
    await bench.showSheet(fine)
    await bench.restart()
    expect(await bench.show(work)).toMatchObject({ summary: { stage: 'review' }, decision: null })
    expect(await bench.signatures(work)).toEqual([])
    expect(await bench.server.outputs(work)).toEqual([])
  })

  test('I9: a stored sheet that somebody replaced is neither shown nor approved', async () => {
    await open()
    const work = await bench.ask(1, { trustedCerts: ['DEADBEEF'.repeat(8)] })
    const detail = await bench.until(work, 'review')
    await bench.showSheet(detail)
    const file = new BetterSqlite3(bench.profile.database)
    const forged = { ...detail.sheet, checks: detail.sheet?.checks.map((check) => ({ ...check, outcome: 'passed' })) }
    file.exec('DROP TRIGGER review_sheet_fixed')
    file.prepare('UPDATE review_sheet SET sheet = ?').run(Buffer.from(JSON.stringify(forged)))
    file.close()
    await expect(bench.station.desk.approve(bench.approval(detail))).rejects.toThrow('not the one of its digest')
    await expect(bench.show(work)).rejects.toThrow('not the one of its digest')
    expect(await bench.signatures(work)).toEqual([])
  })
})
