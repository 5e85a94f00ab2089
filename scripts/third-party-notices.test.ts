import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { closure, importedPackages, notices } from './third-party-notices.ts'

const root = join(import.meta.dirname, '..')

describe('the third-party notices', () => {
  it('are what `npm run notices` would write now', () => {
    expect(readFileSync(join(root, 'THIRD-PARTY-NOTICES.md'), 'utf8')).toBe(notices(root))
  })

  it('come with both licences of a work under the LGPL, as the Free Software Foundation publishes them', () => {
    expect(notices(root)).toMatch(/^## openpgp [\d.]+\n\nLicence: LGPL-3\.0\+\n\n[^`]*resources\/licenses\/GPL-3/m)
    const digestOf = (name: string) =>
      createHash('sha256')
        .update(readFileSync(join(root, 'resources/licenses', name)))
        .digest('hex')
    expect(digestOf('GPL-3')).toBe('3972dc9744f6499f0f9b2dbf76696f2ae7ad8af9b23dde66d6af86c9dfb36986')
    expect(digestOf('LGPL-3')).toBe('e3a994d82e644b03a792a930f574002658412f62407f5fee083f2555c5f23118')
  })

  it('cover packages that the bundles contain and nothing that only tests use', () => {
    const imported = importedPackages(root)
    expect(imported).toContain('zod')
    expect(imported).toContain('better-sqlite3')
    expect(imported).not.toContain('vitest')
    expect(imported).not.toContain('electron')
  })

  it('name the native part of a package for each machine that the program is shipped to, on each machine', () => {
    const text = notices(root)
    for (const part of ['usb-linux-x64-gnu', 'usb-linux-arm64-gnu'])
      expect(text).toContain(`## @node-usb/${part} 3.1.0`)
    for (const other of ['musl', 'darwin', 'win32', 'gnueabihf'])
      expect(text).not.toContain(`@node-usb/usb-linux-x64-${other}`)
    expect(text).not.toMatch(/## @node-usb\/usb-(?:darwin|win32)/)
  })

  it('follow what a package needs, through nested copies', () => {
    const lock = {
      packages: {
        'node_modules/a': { dependencies: { b: '1', c: '1' } },
        'node_modules/a/node_modules/b': { dependencies: { c: '1' } },
        'node_modules/b': {},
        'node_modules/c': { peerDependencies: { d: '1', e: '1' }, peerDependenciesMeta: { e: { optional: true } } },
        'node_modules/d': {},
        'node_modules/e': {},
      },
    }
    expect(closure(lock, ['a'])).toEqual([
      'node_modules/a',
      'node_modules/a/node_modules/b',
      'node_modules/c',
      'node_modules/d',
    ])
  })
})
