import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import { Secret } from '../../src/shared/secret.ts'
import { buildPe } from '../workbench/pe-files.ts'
import { codeOf, DeskBench, makeSharedTokens, orThrow } from './desk-bench.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

const sbverify = '/usr/bin/sbverify'

describe('a station without a token, with a key in software', () => {
  let bench: DeskBench
  beforeAll(async () => {
    bench = await DeskBench.make({ tokens: null })
  })
  afterAll(() => bench.dispose())
  afterEach(() => expect(bench.server.record.violations).toEqual([]))

  const approve = (detail: Awaited<ReturnType<DeskBench['show']>>, pin: string | null = null) => {
    const approval = bench.approval(detail, { pin })
    return { pin: approval.pin, answer: bench.station.desk.approve(approval) }
  }

  test('signs what was approved without a PIN, as sbverify finds too', async (ctx) => {
    const work = await bench.ask(2)
    const detail = await bench.until(work, 'review')
    expect(detail.sheet?.key.registered).toMatchObject({ home: { kind: 'software' }, production: false })
    await bench.showSheet(detail)
    orThrow(await approve(detail).answer)
    expect(await bench.untilCompleted(work)).toBe('success')
    await bench.until(work, 'done')
    const [intent] = await bench.entries('intent')
    expect(intent).toMatchObject({ fingerprint: bench.fingerprint, tokenSerial: null })
    if (!existsSync(sbverify)) return ctx.skip('sbverify is not installed (Debian package sbsigntool)')
    const folder = bench.profile.exports
    const certificate = join(folder, 'certificate.pem')
    writeFileSync(certificate, (await bench.station.keys.list())[0]?.certificatePem ?? '')
    const [output] = await bench.server.outputs(work)
    expect(output?.files).toHaveLength(2)
    for (const [index, file] of (output?.files ?? []).entries()) {
      const [image, signature] = [join(folder, `${index}.efi`), join(folder, `${index}.sig`)]
      writeFileSync(image, buildPe(index))
      writeFileSync(signature, file.bytes)
      expect(
        execFileSync(sbverify, ['--cert', certificate, '--detached', signature, image], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        }),
      ).toContain('Signature verification OK')
    }
  })

  test('refuses a PIN for a key that has none, and wipes it', async () => {
    const work = await bench.ask(1, { files: [{ name: 'a.efi', bytes: buildPe(11) }] })
    const detail = await bench.until(work, 'review')
    await bench.showSheet(detail)
    const { pin, answer } = approve(detail, '123456')
    expect(codeOf(await answer)).toBe('pin-not-wanted')
    expect(Buffer.from(pin?.reveal() ?? [1]).every((byte) => byte === 0)).toBe(true)
    expect(await bench.story(work)).toEqual(['request-received', 'sheet-shown'])
    orThrow(await bench.station.desk.decline(detail.summary.id, 'only a trial'))
    await bench.until(work, 'done')
  })

  test('does not sign while the service key is away, says why, and signs when it is back', async () => {
    const work = await bench.ask(1, { files: [{ name: 'b.efi', bytes: buildPe(12) }] })
    const before = await bench.until(work, 'review')
    await bench.showSheet(before)
    const { serviceKeys, dir } = bench.profile
    const [file = ''] = readdirSync(serviceKeys)
    renameSync(join(serviceKeys, file), join(dir, file))
    expect(codeOf(await approve(before).answer)).toBe('service-key-absent')
    expect(await bench.signatures(work)).toEqual([])
    orThrow(await bench.station.desk.recheck(before.summary.id))
    const without = await bench.until(work, 'review')
    expect(without.approvability).toEqual({ kind: 'blocked', by: ['token-present'] })
    expect((await bench.station.keys.list())[0]).toMatchObject({
      usableNow: false,
      unusableBecause: expect.stringContaining(`which is not in ${serviceKeys}. Put that file back`),
    })
    renameSync(join(dir, file), join(serviceKeys, file))
    orThrow(await bench.station.desk.recheck(before.summary.id))
    const again = await bench.until(work, 'review')
    await bench.showSheet(again)
    orThrow(await approve(again).answer)
    expect(await bench.untilCompleted(work)).toBe('success')
    await bench.until(work, 'done')
  })

  test('has no private key in clear in its files, its log, or what it sent', async () => {
    const files = readdirSync(bench.profile.dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    const said = JSON.stringify([bench.lines, bench.server.record.calls])
    expect(files.length).toBeGreaterThan(1)
    expect(said.length).toBeGreaterThan(1000)
    for (const text of [...files, said]) expect(text).not.toContain('PRIVATE KEY')
  })
})

describe.skipIf(softHsmModule() === null)('a key on a token (needs SoftHSM: apt-get install softhsm2)', () => {
  test('is not used without a PIN, whatever the window says', async () => {
    const tokens = await makeSharedTokens()
    const bench = await DeskBench.make({ tokens })
    try {
      const work = await bench.ask(1)
      const detail = await bench.until(work, 'review')
      await bench.showSheet(detail)
      expect(codeOf(await bench.station.desk.approve(bench.approval(detail, { pin: null })))).toBe('pin-wanted')
      expect(await bench.story(work)).toEqual(['request-received', 'sheet-shown'])
      orThrow(await bench.station.desk.approve({ ...bench.approval(detail), pin: Secret.fromText('648219') }))
      expect(await bench.untilCompleted(work)).toBe('success')
    } finally {
      await bench.dispose()
      await tokens.dispose()
    }
  })
})
