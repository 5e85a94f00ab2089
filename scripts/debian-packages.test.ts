import { execFile } from 'node:child_process'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { libraryPath, unpackPackages, unpackSource } from './debian-packages.ts'

const run = promisify(execFile)
const minutes = 5 * 60 * 1000

describe('packages of another suite', () => {
  test('are unpacked, with the folder that their libraries are in', { timeout: minutes }, async (ctx) => {
    const unpacked = await unpackPackages('trixie', ['libyubihsm2'])
    if (!unpacked.ok) return ctx.skip(unpacked.error)
    const path = await libraryPath(unpacked.value)
    expect((await stat(join(path, 'libyubihsm.so.2'))).size).toBeGreaterThan(50_000)
    // The second time nobody is asked.
    expect(await unpackPackages('trixie', ['libyubihsm2'])).toEqual(unpacked)
  })

  test('can be asked for by several processes at once, the first time', { timeout: minutes }, async (ctx) => {
    const known = await unpackPackages('trixie', ['libyubihsm2'])
    if (!known.ok) return ctx.skip(known.error)
    const folder = await mkdtemp(join(tmpdir(), 'debian-packages-'))
    try {
      const script = `
        import { unpackPackages } from ${JSON.stringify(new URL('debian-packages.ts', import.meta.url).href)}
        const { ok, error } = await unpackPackages('trixie', ['libyubihsm2'], process.argv[1])
        process.stdout.write(ok ? 'unpacked' : error)`
      const asked = await Promise.all(
        [1, 2, 3].map(() => run(process.execPath, ['--input-type=module', '--eval', script, folder])),
      )
      expect(asked.map(({ stdout }) => stdout)).toEqual(['unpacked', 'unpacked', 'unpacked'])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  test('that there are not, and suites that there are not, are a reason to skip', { timeout: minutes }, async (ctx) => {
    const known = await unpackPackages('trixie', ['libyubihsm2'])
    if (!known.ok) return ctx.skip(known.error)
    expect(await unpackPackages('trixie', ['libyubihsm2', 'no-such-package'])).toEqual({
      ok: false,
      error: 'trixie has no no-such-package for this machine',
    })
    const folder = await mkdtemp(join(tmpdir(), 'debian-packages-'))
    try {
      const nowhere = await unpackPackages('no-such-suite', ['libyubihsm2'], folder)
      expect(nowhere.ok ? '' : nowhere.error).toMatch(/^no-such-suite cannot be reached: /)
      const source = await unpackSource('no-such-suite', 'python-yubihsm', folder)
      expect(source.ok ? '' : source.error).toMatch(/^no-such-suite cannot be reached: /)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
