import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contentTypeOf } from './content-type.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'station-content-type-'))
  mkdirSync(join(folder, 'package', 'DEBIAN'), { recursive: true })
  writeFileSync(
    join(folder, 'package', 'DEBIAN', 'control'),
    'Package: a\nVersion: 1\nArchitecture: all\nMaintainer: A <a@b.example>\nDescription: a\n',
  )
  writeFileSync(join(folder, 'a.orig.tar'), 'not much of an archive\n')
  writeFileSync(
    join(folder, 'a.orig.tar.xz.asc'),
    '-----BEGIN PGP SIGNATURE-----\n\niHUEABYKAB0WIQQ2\n=EDKr\n-----END PGP SIGNATURE-----\n',
  )
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const within = (name: string) => join(folder, name)
const ofUpload = (name: string) => contentTypeOf('debian:upload', { path: name, file: within(name) })

function written(name: string, bytes: string): string {
  writeFileSync(within(name), bytes, 'latin1')
  return name
}

describe('the content type of an output', () => {
  it.for<readonly [string, string, ...string[]]>([
    ['a.deb', 'dpkg-deb', '--build', 'package', 'a.deb'],
    ['a.udeb', 'dpkg-deb', '--build', 'package', 'a.udeb'],
    ['a.orig.tar.xz', 'xz', '--keep', 'a.orig.tar'],
    ['a.orig.tar.gz', 'gzip', '--keep', 'a.orig.tar'],
    ['a.orig.tar.bz2', 'bzip2', '--keep', 'a.orig.tar'],
    ['a.orig.tar.zst', 'zstd', '--quiet', 'a.orig.tar'],
    ['a.orig.tar.xz.asc', 'true'],
  ])('is what libmagic says of %s in an upload', async ([name, tool, ...rest], ctx) => {
    const absent = [tool, 'file'].filter((each) => spawnSync(each, ['--version'], { stdio: 'ignore' }).error)
    if (absent.length > 0) return ctx.skip(`not installed: ${absent.join(', ')}`)
    execFileSync(tool, rest, { cwd: folder, stdio: 'ignore' })
    const said = execFileSync('file', ['--brief', '--mime', name], { cwd: folder, encoding: 'utf8' })
    expect(await ofUpload(name)).toBe(said.trim())
  })

  it.each(['a.dsc', 'a_1_amd64.buildinfo', 'a_1_amd64.changes'])(
    'is plain text for %s, signed or not',
    async (name) => {
      expect(await ofUpload(written(name, 'Source: a\n'))).toBe('text/plain; charset=utf-8')
      const signed = '-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nSource: a\n'
      expect(await ofUpload(written(name, signed))).toBe('text/plain; charset=utf-8')
    },
  )

  it.each([
    ['markup', '<!DOCTYPE html><script>alert(1)</script>'],
    ['a picture', '<svg xmlns="http://www.w3.org/2000/svg"/>'],
    ['the beginning of a beginning', '\xfd7zX'],
    ['nothing', ''],
  ])('is left to the server for %s that an upload brings along', async (_what, bytes) => {
    expect(await ofUpload(written('a_1.xz', bytes))).toBeNull()
  })

  it('is left to the server for a file that it has and this machine has not any more', async () => {
    expect(await ofUpload('never-there.deb')).toBeNull()
  })

  it('does not go by what a file of any other task begins with', async () => {
    const file = within(written('html', '<!DOCTYPE html>'))
    const say = (category: string) => contentTypeOf(category, { path: 'a.sig', file })
    expect(await say('debusine:signing-output')).toBe('application/octet-stream')
    expect(await say('debusine:work-request-debug-logs')).toBe('text/plain; charset=utf-8')
    expect(await say('debian:repository-index')).toBe('application/octet-stream')
  })
})
