import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { moduleDiscovery } from '../../shared/modules.ts'
import { discoverModules } from './discover.ts'
import { x64Library } from './testing/elf-file.ts'

// p11-kit's files belong to root, and a package that was made to harm can bring one. The worst that it may do is to be shown.

describe('a module file of p11-kit that lies', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'modules-'))
    mkdirSync(join(root, 'etc/pkcs11/modules'), { recursive: true })
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))
  const put = (name: string, text: string | Uint8Array) => writeFileSync(join(root, 'etc/pkcs11/modules', name), text)
  const discover = () => discoverModules({ chosen: [], architecture: 'x64', root })

  test.each<[string, string]>([
    ['climbs out of the folder of modules', 'module: ../../../home/operator/evil.so'],
    ['climbs in the middle', 'module: vendor/../../../evil.so'],
    ['has a NUL in its path', 'module: /usr/local/lib/a\0.so'],
    ['has a path of 5000 characters', `module: /${'a'.repeat(5000)}`],
    ['names nothing', 'module:'],
    ['has no module at all', 'priority: 1'],
    ['is 64 kB long and more', `module: /usr/local/lib/a.so\n${'#'.repeat(64 * 1024)}`],
  ])('that %s is left out, with the reason', async (_, text) => {
    put('evil.module', text)
    const found = await discover()
    expect(found.modules).toEqual([])
    expect(found.ignored.map(({ file }) => file)).toEqual(['/etc/pkcs11/modules/evil.module'])
    expect(moduleDiscovery.safeParse(found).success).toBe(true)
  })

  test('that is a pipe, a folder, or a link to a device holds nobody up', async () => {
    spawnSync('mkfifo', [join(root, 'etc/pkcs11/modules/pipe.module')])
    mkdirSync(join(root, 'etc/pkcs11/modules/folder.module'))
    symlinkSync('/dev/zero', join(root, 'etc/pkcs11/modules/zero.module'))
    expect((await discover()).ignored).toHaveLength(3)
  })

  test('that leads to a pipe as the module does not hold anybody up either', async () => {
    spawnSync('mkfifo', [join(root, 'pipe.so')])
    put('pipe.module', 'module: /pipe.so')
    expect((await discover()).modules).toMatchObject([{ state: { kind: 'not-a-library' } }])
  })

  test('that is one of thousands does not make the answer longer than the contract allows', async () => {
    for (let n = 0; n < 500; n += 1) put(`m${n}.module`, `module: /usr/local/lib/m${n}.so`)
    const found = await discover()
    expect(found.modules).toHaveLength(200)
    expect(moduleDiscovery.safeParse(found).success).toBe(true)
  })

  test('keeps its hostile name inside of one text', async () => {
    writeFileSync(join(root, 'a.so'), x64Library)
    put('\u202e\u001b[2Jgnp.module', 'module: /a.so')
    expect((await discover()).modules).toMatchObject([{ path: '/a.so', name: '\u202e\u001b[2Jgnp' }])
  })
})
