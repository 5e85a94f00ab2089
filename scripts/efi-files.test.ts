import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { efiCacheDir, fetchEfiFiles, fetchTrixieEfiFiles } from './efi-files.ts'
import { aptOfSuite } from './efi-files-apt.ts'

const run = promisify(execFile)
const nobody = '--reuid=20001 --regid=20001 --clear-groups --no-new-privs'.split(' ')
const minutes = 5 * 60 * 1000

/** Versions and sizes as measured; another version of the package is no error, but says nothing here. */
const known = [
  ['systemd-boot-efi', '252.39-1~deb12u2', 'systemd-bootx64.efi', 140891],
  ['shim-unsigned', '16.1-2~deb12u1', 'shimx64.efi', 1029134],
  ['fwupd-unsigned', '1:1.4-1', 'fwupdx64.efi', 61833],
] as const

describe('EFI files of this machine', () => {
  test('are PE images out of named packages and versions', { timeout: minutes }, async (ctx) => {
    const { files, missing } = await fetchEfiFiles()
    if (files.length === 0) return ctx.skip(`no package could be had: ${missing[0]?.reason ?? 'no reason given'}`)
    for (const file of files) {
      const bytes = await readFile(file.path)
      expect(bytes.subarray(0, 2).toString('latin1'), file.path).toBe('MZ')
      expect(bytes.subarray(bytes.readUInt32LE(0x3c)).subarray(0, 4).toString('latin1'), file.path).toBe('PE\0\0')
    }
    expect(files.map((file) => file.name)).toEqual(expect.arrayContaining(['systemd-bootx64.efi', 'grubx64.efi']))
  })

  test('have the measured size where the version is the measured one', { timeout: minutes }, async (ctx) => {
    const { files } = await fetchEfiFiles()
    const here = known.flatMap(([name, version, base, size]) => {
      const file = files.find((file) => file.package === name && file.version === version && file.name === base)
      return file === undefined ? [] : [{ path: file.path, size }]
    })
    if (here.length === 0) return ctx.skip('none of the measured package versions is in the sources of this machine')
    for (const { path, size } of here) expect((await stat(path)).size, path).toBe(size)
  })

  test('are not downloaded twice', { timeout: minutes }, async (ctx) => {
    const first = await fetchEfiFiles()
    const [file] = first.files
    if (file === undefined) return ctx.skip(first.missing[0]?.reason ?? 'nothing could be had')
    const before = await stat(file.path)
    const again = await fetchEfiFiles()
    expect(again).toEqual(first)
    expect((await stat(file.path)).ctimeMs).toBe(before.ctimeMs)
  })

  test('can be had by somebody without rights', { timeout: minutes }, async (ctx) => {
    if (process.getuid?.() !== 0)
      return ctx.skip('only root can become somebody else; the other tests run without rights')
    const home = await mkdtemp(join(tmpdir(), 'efi-files-'))
    try {
      await run('/usr/bin/chown', ['20001:20001', home])
      const script = `import { aptOfThisMachine } from ${JSON.stringify(new URL('efi-files-apt.ts', import.meta.url).href)}
        const apt = await aptOfThisMachine(${JSON.stringify(home)}, 'fwupd-unsigned')
        const version = (await apt.candidates(['fwupd-unsigned'])).get('fwupd-unsigned')
        process.stdout.write(version === undefined ? 'none' : await apt.unpacked('fwupd-unsigned', version))`
      const { stdout } = await run(
        '/usr/bin/setpriv',
        [...nobody, 'env', `HOME=${home}`, process.execPath, '--input-type=module-typescript', '-e', script],
        { timeout: minutes },
      )
      if (stdout === 'none') return ctx.skip('no configured source has fwupd-unsigned')
      const { uid } = await stat(stdout)
      expect(uid).toBe(20001)
    } finally {
      await rm(home, { recursive: true, force: true })
    }
  })
})

describe('EFI files of trixie', () => {
  test('come beside the lists of this machine, which stay as they are', { timeout: minutes }, async (ctx) => {
    const before = await listsDigest()
    const { files, missing } = await fetchTrixieEfiFiles()
    if (files.length === 0) return ctx.skip(`trixie could not be reached: ${missing[0]?.reason ?? 'no reason given'}`)
    expect(files.map((file) => file.name)).toContain('systemd-bootx64.efi')
    expect(files.every((file) => file.path.startsWith(efiCacheDir()))).toBe(true)
    expect(await listsDigest()).toBe(before)
  })

  test('say why there are none when the suite cannot be had', { timeout: minutes }, async () => {
    const root = await mkdtemp(join(tmpdir(), 'efi-files-'))
    try {
      await expect(aptOfSuite(root, 'no-such-suite', 'systemd-boot-efi')).rejects.toThrow(/no-such-suite|apt-get/)
    } finally {
      await rm(root, { recursive: true, force: true })
    }
  })
})

async function listsDigest(): Promise<string> {
  const { stdout } = await run('/usr/bin/find', [
    '/var/lib/apt/lists',
    '-maxdepth',
    '1',
    '-type',
    'f',
    '-printf',
    '%f %s %T@\n',
  ])
  return createHash('sha256').update(stdout.split('\n').sort().join('\n')).digest('hex')
}
