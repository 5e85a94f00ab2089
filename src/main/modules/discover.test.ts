import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { discoverModules, onePathForEachFile } from './discover.ts'
import { armLibrary, elfHeader, x64Library } from './testing/elf-file.ts'

const library = '/usr/lib/x86_64-linux-gnu'

describe('the modules of a machine', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'modules-'))
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  function put(path: string, content: string | Uint8Array): void {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  function link(path: string, target: string): void {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    symlinkSync(target, join(root, path))
  }
  const discover = (chosen: { path: string; enabled: boolean }[] = []) =>
    discoverModules({ chosen, architecture: 'x64', root })

  test('on an empty machine there is none, and nothing is wrong with that', async () => {
    expect(await discover()).toEqual({ modules: [], ignored: [] })
  })

  test('are those that p11-kit names, those in known places, and those of the settings, each file once', async () => {
    put(`${library}/libykcs11.so.2.2.0`, x64Library)
    link(`${library}/libykcs11.so.2`, 'libykcs11.so.2.2.0')
    link(`${library}/libykcs11.so`, 'libykcs11.so.2')
    put(`${library}/opensc-pkcs11.so`, x64Library)
    link(`${library}/pkcs11/opensc-pkcs11.so`, '../opensc-pkcs11.so')
    put('/usr/share/p11-kit/modules/opensc-pkcs11.module', 'module: opensc-pkcs11.so\n')
    put('/usr/local/lib/vendor/token.so', x64Library)
    const found = await discover([
      { path: `${library}/libykcs11.so`, enabled: true },
      { path: '/usr/local/lib/vendor/token.so', enabled: false },
    ])
    expect(found.ignored).toEqual([])
    expect(found.modules.map(({ path, file, kind, foundIn, chosen }) => [path, file, kind, foundIn, chosen])).toEqual([
      [`${library}/libykcs11.so`, `${library}/libykcs11.so.2.2.0`, 'ykcs11', 'settings', true],
      ['/usr/local/lib/vendor/token.so', '/usr/local/lib/vendor/token.so', 'other', 'settings', false],
      [`${library}/pkcs11/opensc-pkcs11.so`, `${library}/opensc-pkcs11.so`, 'opensc', 'p11-kit', false],
    ])
  })

  test('the administrator’s file of the same name changes what the package’s says', async () => {
    put(`${library}/pkcs11/one.so`, x64Library)
    put('/usr/share/p11-kit/modules/one.module', 'module: one.so\nenable-in: firefox, signing-station\n')
    expect((await discover()).modules).toMatchObject([{ name: 'one', disabledHere: false }])
    put('/etc/pkcs11/modules/one.module', '# only the browser\nenable-in: firefox\n')
    expect((await discover()).modules).toMatchObject([{ path: `${library}/pkcs11/one.so`, disabledHere: true }])
    put('/etc/pkcs11/modules/one.module', 'enable-in: firefox signing-station\ndisable-in: signing-station\n')
    expect((await discover()).modules).toMatchObject([{ disabledHere: false }])
    rmSync(join(root, '/usr/share/p11-kit'), { recursive: true })
    put('/etc/pkcs11/modules/one.module', 'module: one.so\ndisable-in: p11-kit-proxy signing-station\n')
    expect((await discover()).modules).toMatchObject([{ disabledHere: true }])
  })

  test('the system’s trusted certificates are no token', async () => {
    put(`${library}/pkcs11/p11-kit-trust.so`, x64Library)
    put('/usr/share/p11-kit/modules/p11-kit-trust.module', 'module: p11-kit-trust.so\ntrust-policy: yes\n')
    expect(await discover()).toEqual({ modules: [], ignored: [] })
  })

  test.each<[string, Uint8Array | string | null, object]>([
    ['for this machine', x64Library, { kind: 'fits' }],
    [
      'for another machine',
      armLibrary,
      { kind: 'wrong-architecture', library: '32-bit ARM', machine: '64-bit x86-64' },
    ],
    [
      'for the same machine with 32 bits',
      elfHeader({ bits: 32, machine: 3 }),
      { kind: 'wrong-architecture', library: '32-bit x86', machine: '64-bit x86-64' },
    ],
    [
      'for a machine that nobody knows',
      elfHeader({ bits: 64, machine: 9999 }),
      { kind: 'wrong-architecture', library: '64-bit machine 9999', machine: '64-bit x86-64' },
    ],
    ['that is a program', elfHeader({ bits: 64, machine: 62, type: 2 }), { kind: 'not-a-library' }],
    ['that is a text', '/* GNU ld script */ INPUT ( /usr/lib/x.so )', { kind: 'not-a-library' }],
    ['that is empty', '', { kind: 'not-a-library' }],
    ['that is cut off', x64Library.subarray(0, 19), { kind: 'not-a-library' }],
    ['that is not there', null, { kind: 'missing' }],
  ])('a file %s is told as that, without being loaded', async (_, content, state) => {
    if (content !== null) put('/usr/local/lib/token.so', content)
    expect((await discover([{ path: '/usr/local/lib/token.so', enabled: true }])).modules).toMatchObject([{ state }])
  })

  test('a folder, and a file below a file, are no libraries', async () => {
    mkdirSync(join(root, 'usr/local/lib/folder.so'), { recursive: true })
    put('/usr/local/lib/file', x64Library)
    const chosen = ['/usr/local/lib/folder.so', '/usr/local/lib/file/x.so'].map((path) => ({ path, enabled: true }))
    expect((await discover(chosen)).modules.map(({ state }) => state.kind)).toEqual(['not-a-library', 'missing'])
  })

  test('one file by two paths is loaded by the first; what is not there is left, so that it is told', async () => {
    put('/a.so', x64Library)
    link('/b.so', 'a.so')
    const at = (name: string) => join(root, name)
    expect(await onePathForEachFile([at('b.so'), at('a.so'), at('c.so'), at('c.so')])).toEqual([at('b.so'), at('c.so')])
  })
})
